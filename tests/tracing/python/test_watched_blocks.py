"""Code that sees kernels, what autograd keeps, or warnings: nothing is said of what it computes."""

from __future__ import annotations

import warnings

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.checkpoint import checkpoint
from torch.utils.flop_counter import FlopCounterMode

import archlint
from archlint.tracing.python.watched_blocks import watching_noted
from tests.support.traced_models import Model


class Seen(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.kernels = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.kernels += 1
        return func(*args, **(kwargs or {}))


def as_many_as_kernels(self, x):
    with Seen() as seen:
        y = torch.relu(x) + 1
    return y[:, : seen.kernels]


def as_many_as_operations(self, x):
    with FlopCounterMode(display=False) as counter:
        y = x @ x.mT
    return y.new_zeros(counter.get_total_flops())


def as_many_as_are_kept(self, x):
    kept = []
    with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(kept.append, id):
        x.detach().requires_grad_().pow(2)
    return x[:, : len(kept)]


def unless_it_warns(self, x):
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        y = x.std(1)
    return y if not seen else y.sum()


def unless_it_warns_otherwise(self, x):
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        y = x.std(1)
    return [y for _ in seen] or y.sum()


def an_error_if_it_warns(self, x):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return x.std(1)


@pytest.mark.parametrize(
    "forward",
    [
        as_many_as_kernels,
        as_many_as_operations,
        as_many_as_are_kept,
        unless_it_warns,
        unless_it_warns_otherwise,
        an_error_if_it_warns,
    ],
)
def test_nothing_is_said_of_what_it_computes(forward):
    for accepts in ("any size", "any T == 1 and N == 3"):
        verdict = archlint.check(Model(forward), "N T", accepts=accepts, samples=0)
        assert verdict.word == "error"
        assert "not proved" in str(verdict)
    found = archlint.check(Model(an_error_if_it_warns), "N T", accepts="any size")
    assert found.word == "broken"


def silent(self, x):
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("ignore")
        y = x.std(1)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "degrees of freedom")
        return y + x.std(1)


def a_checkpoint(self, x):
    return checkpoint(torch.relu, x, use_reentrant=False)


def of_another_mode(self, x):
    with torch.device("cpu"), torch.autograd.graph.save_on_cpu():
        return x + torch.ones(x.shape[1])


@pytest.mark.parametrize("forward", [silent, a_checkpoint, of_another_mode])
def test_blocks_that_tell_nothing_are_followed(forward):
    assert archlint.check(Model(forward), "N T", accepts="any size", samples=0).word == "proved"


def test_the_originals_are_back_after_the_block():
    places = [(TorchDispatchMode, "__enter__"), (warnings, "simplefilter")]
    before = [getattr(*place) for place in places]
    with watching_noted():
        during = [getattr(*place) for place in places]
        with watching_noted():
            assert [getattr(*place) for place in places] == during
    assert [getattr(*place) for place in places] == before
    assert during != before
