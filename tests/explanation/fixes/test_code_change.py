"""Functions that run other code for the time of a model's ``forward``, and no longer."""

import torch
from torch import nn

from archlint.explanation.fixes.code_change import RunWith

X = torch.arange(3.0)


class Halved(nn.Module):
    def forward(self, x):
        return x / 2


def tripled(self, x):
    return x * 3


def anew(factor):
    class Times(nn.Module):
        def forward(self, x):
            return x * factor

    return Times()


def tripled_of(factor):
    def forward(self, x):
        return x * 3 + 0 * factor

    return forward


def test_a_method_of_a_module_runs_other_code_in_the_changed_model_only():
    change = RunWith({Halved.forward.__code__: tripled.__code__}, [Halved.forward])
    changed = change(Halved())
    assert torch.equal(changed(X), X * 3)
    assert torch.equal(Halved()(X), X / 2)


def test_functions_that_each_model_makes_for_itself_are_found_at_each():
    first, code = anew(5), tripled_of(0).__code__
    change = RunWith({type(first).forward.__code__: code}, [type(first).forward])
    later = change(anew(7))
    assert torch.equal(later(X), X * 3)
    assert torch.equal(anew(7)(X), X * 7)
