"""Code that asks for identity in a way that is not followed: it counts where it runs."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import archlint
from archlint.tracing.identity.identity_questions import OPEN


def cannot_be_rewritten(x, y):
    """What stands between two comparisons is computed once."""
    return x is (y, x)[0] is y


class Built(nn.Module):
    def __init__(self):
        super().__init__()
        self.same = cannot_be_rewritten(self, self)

    def forward(self, x):
        return x.transpose(1, 2).contiguous()


class Runs(Built):
    def forward(self, x):
        y = x.transpose(1, 2)
        return x[:, :1] if cannot_be_rewritten(y.contiguous(), y) else x


class RunsBeyond(Built):
    def forward(self, x):
        return Runs.forward(self, x) if x.shape[2] > 9 else x


class RunsInAFunction(Built):
    def __init__(self):
        super().__init__()

        def inner(x):
            y = x.transpose(1, 2)
            return x[:, :1] if y.contiguous() is (y, x)[0] is y else x

        self.inner = inner

    def forward(self, x):
        return self.inner(x)


class RunsWhileKeysAreSizes(Built):
    def forward(self, x):
        found = {x.shape[1]: 1, 4: 2}
        return Runs.forward(self, x[:, : found.get(x.shape[2], 1)])


def test_what_only_the_constructor_calls_does_not_count():
    found = archlint.infer(Built(), "N C T")
    assert found.exact
    assert found.text == "any size"


@pytest.mark.parametrize("model", [Runs, RunsInAFunction, RunsWhileKeysAreSizes])
def test_what_runs_counts(model):
    found = archlint.infer(model(), "N C T")
    assert not found.exact
    assert OPEN in found.reasons


def test_on_another_path_it_does_not_count():
    found = archlint.infer(RunsBeyond(), "N C T")
    assert OPEN in found.reasons
    assert found.output(N=1, C=3, T=9) == (1, 3, 9)
    assert found.accepts(N=1, C=3, T=9)
    assert found.accepts(N=1, C=3, T=10) is None


def test_nothing_is_left_that_watches():
    import sys

    archlint.infer(Runs(), "N C T")
    assert sys.getprofile() is None
    assert torch.zeros(1, 2, 3).shape == (1, 2, 3)
