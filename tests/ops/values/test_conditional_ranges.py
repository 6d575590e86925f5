"""Ranges of what conditions choose: the real elements are always within them."""

from __future__ import annotations

import math
from functools import partial

import pytest
import torch
from torch import nn

import archlint
from archlint.contracts.contract import TensorInput
from archlint.symbolic import evaluate, symbol
from archlint.symbolic.intervals import Box
from archlint.tracing.merge.module_merge import branches_merged, class_name
from archlint.tracing.tracer import trace

T = symbol("T")


class Made(nn.Module):
    """Integers made from the length."""

    def __init__(self, make):
        super().__init__()
        self.make = make

    def forward(self, x):
        return self.make(torch.arange(x.shape[0]))


def bounds(make):
    found = trace(Made(make), TensorInput((T,)), {"T": 9}, Box({"T": (1, None)}))
    assert found.outcome == "accepted", found.error
    assert not found.kernels
    assert not found.faults
    return found.output.values or (None, None)


def bucket(i, small=8, most=15):
    scaled = torch.log(i.float() / small) / math.log(16) * 8
    large = torch.min(small + scaled.long(), torch.full_like(i, most))
    return torch.where(i < small, i, large)


def written_between(i):
    first = i.view(-1)
    small = first < 3
    i += 100
    return torch.where(small, first, 0)


def written_unknown(i):
    rounded = torch.log(i.float()).long()
    small = rounded < 2
    again = rounded.view(-1)
    again += 100
    return torch.where(small, rounded, 0)


def written_source(i):
    j = i * 2
    small = i < 3
    i.mul_(50)
    return torch.where(small, j, i)


def written_elsewhere(i):
    doubled = i * 2
    other = i + 5
    other += 100  # in memory that was new after ``doubled``
    return doubled


def written_behind(i):
    doubled = i * 2
    part = doubled.view(-1)
    doubled += 100
    return part


def written_condition(i):
    small = i < 3
    small.logical_not_()
    return torch.where(small, i, 0)


CASES = {
    "buckets": (bucket, (0, 15)),
    "the other way round": (lambda i: torch.where(i >= 8, 8, i), (0, 8)),
    "of a difference": (lambda i: torch.where(i < 5, 3 * i - 1, 4), (-1, 11)),
    "at most": (lambda i: torch.where(i <= 5, i + 1, i.clamp(max=2)), (0, 6)),
    "more": (lambda i: torch.where(i > 5, -i, i), (None, 5)),
    "a tensor as the limit": (lambda i: torch.where(i < torch.full_like(i, 4), i, 0), (0, 3)),
    "a limit with a fraction": (lambda i: torch.where(i < 2.5, i, 0), (0, 2)),
    "floats": (lambda i: torch.where(i.float() < 3, i.float(), 0.0).long(), (None, None)),
    "turned round": (lambda i: torch.where(i < 3, i.flip(0), 0), (None, None)),
    "the largest of all": (lambda i: torch.where(i < 3, i.max(), i), (None, None)),
    "another tensor": (lambda i: torch.where(i < 3, i + i.flip(0), 0), (None, None)),
    "written under another name": (written_between, (None, None)),
    "unknown ones under another name": (written_unknown, (None, None)),
    "written in place": (written_source, (None, None)),
    "written in memory of its own": (written_elsewhere, (0, 78)),
    "a view of what was written": (written_behind, (None, None)),
    "a condition written in place": (written_condition, (None, None)),
    "twice": (lambda i: torch.where(i < 3, torch.where(i < 2, i, 7), 1), (0, 7)),
}


@pytest.mark.parametrize(("make", "expected"), CASES.values(), ids=CASES)
def test_all_elements_are_within_the_bounds(make, expected):
    low, high = bounds(make)
    for length in range(1, 40):
        real = make(torch.arange(length))
        sizes = {"T": length}
        assert low is None or evaluate(low, sizes) <= int(real.min())
        assert high is None or evaluate(high, sizes) >= int(real.max())
        assert expected[0] is None or evaluate(low, sizes) >= min(expected[0], int(real.min()))
        assert expected[1] is None or evaluate(high, sizes) <= max(expected[1], int(real.max()))


class PartsAtOddLengths(nn.Module):
    def forward(self, i):
        return torch.log(i) if i.shape[0] % 2 == 0 else torch.exp2(-i) - 5


def test_merged_branches_have_no_single_origin():
    part = PartsAtOddLengths().eval()

    def large(i):
        return torch.where(i >= 8, part(i.float()).long(), 0)

    found = trace(
        Made(large),
        TensorInput((T,)),
        {"T": 10},
        Box({"T": (9, None)}),
        merging=partial(branches_merged, branching={class_name(PartsAtOddLengths())}),
    )
    assert not [e for e in found.path.events if e.kind == "branch"]
    assert (found.output.values or (None, None))[0] is None
    assert int(large(torch.arange(11)).min()) == -4


class Biased(nn.Module):
    """Attention biases by logarithmic buckets of distance, as in T5."""

    def __init__(self, rows):
        super().__init__()
        self.bias = nn.Embedding(rows, 2)

    def forward(self, x):
        places = torch.arange(x.shape[1])
        apart = places[None] - places[:, None]
        return self.bias((apart > 0).long() * 16 + bucket(apart.abs()))


def test_buckets_that_all_have_a_row():
    found = archlint.infer(Biased(32), "N T")
    assert (found.text, found.exact) == ("any size", True)
    for length in (1, 2, 8, 9, 200):
        assert Biased(32)(torch.zeros(1, length)).shape == (length, length, 2)


def test_a_bucket_that_may_lack_a_row_is_not_proved():
    found = archlint.infer(Biased(31), "N T")
    assert not found.exact
    assert "tensor values determine whether this holds: largest index" in found.reasons[0]
    assert found.accepts(N=1, T=200) is None
    with pytest.raises(IndexError):
        Biased(31)(torch.zeros(1, 200))
