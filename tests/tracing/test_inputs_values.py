"""Values that sizes alone do not determine: branches, refusals and outputs."""

from __future__ import annotations

from torch import nn

import archlint
from tests.support.inferred_models import says


class BranchesOnValues(nn.Module):
    """Which way it goes depends on the elements; both ways take every even T."""

    def forward(self, x):
        return x.view(x.shape[0], -1, 2) if x.mean() > 0 else x.reshape(x.shape[0], -1, 2)


def test_both_sides_of_a_branch_on_values():
    says(BranchesOnValues(), "N T", [{"N": 1, "T": t} for t in (1, 2, 3, 4)], "T % 2 == 0")


class RefusesByValue(nn.Module):
    def forward(self, x):
        if (x > 0).any() and x.shape[1] > 3:
            raise ValueError("too bright")
        return x


def test_values_decide_whether_sizes_are_accepted():
    found = archlint.infer(RefusesByValue(), "N T")
    assert found.accepts(N=1, T=3) is True
    assert found.accepts(N=1, T=4) is None
    assert (
        "tensor values determine whether the model accepts: ValueError: too bright"
        in found.reasons[0]
    )
    verdict = archlint.check(RefusesByValue(), "N T", accepts="any T <= 3", output="N T")
    assert verdict.word == "proved"


class OutputByValue(nn.Module):
    def forward(self, x):
        return x if x.sum() > 0 else x[:, :1]


def test_values_decide_what_comes_out():
    found = archlint.infer(OutputByValue(), "N T")
    assert found.accepts(N=2, T=1) is True
    assert found.accepts(N=2, T=2) is None
    assert not found.exact


class ManyBranchesOnValues(nn.Module):
    def forward(self, x):
        for i in range(9):
            if x[0, i] > 0:
                x = x + 1
        return x


def test_too_many_ways_by_value():
    found = archlint.infer(ManyBranchesOnValues(), "N 9")
    assert found.accepts(N=1) is None
    assert "tensor values choose between more than 16 paths" in found.reasons[0]
