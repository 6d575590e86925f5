"""Numbers that values decide in a loop: another one in each turn."""

from __future__ import annotations

import random

import pytest
import torch
from torch import nn

import archlint


def above(row):
    return row[row > 0]


def added(x):
    total = 0
    for row in x:
        total = total + above(row)
    return total


def with_last(x):
    last = None
    for row in x:
        now = above(row)
        last = now if last is None else last + now
    return last


DIFFER = {
    "a mask": lambda x: torch.stack([above(row) for row in x]),
    "by index": lambda x: torch.stack([above(x[i]) for i in range(x.shape[0])]),
    "nonzero": lambda x: torch.stack([torch.nonzero(row > 0) for row in x]),
    "unique": lambda x: torch.stack([torch.unique(row.round()) for row in x]),
    "a draw": lambda x: torch.stack([row[random.randint(0, 1) :] for row in x]),
    "columns": lambda x: torch.cat([above(row)[:, None] for row in x], 1),
    "two elements": lambda x: (lambda rows: rows[0] + rows[-1])([above(row) for row in x]),
    "in a mapping": lambda x: torch.stack([d["k"] for d in [{"k": above(row)} for row in x]]),
    "added": added,
    "with the last": with_last,
}


class Model(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


@pytest.mark.parametrize("how", DIFFER)
def test_elements_of_different_lengths_are_not_taken_for_equal(how):
    found = archlint.infer(Model(DIFFER[how]), "N T", paths=3, seconds=5)
    for point in ({"N": 2, "T": 6}, {"N": 3, "T": 9}):
        assert found.accepts(**point) is not True, point


def test_a_stack_of_different_lengths_is_not_proved_without_running():
    accepts = "any N in 2..3 and T >= 2"
    verdict = archlint.check(Model(DIFFER["a mask"]), "N T", accepts=accepts, samples=0)
    assert verdict.word in ("error", "tested"), verdict


def test_one_mask_for_all_turns_keeps_equally_many_elements():
    def one_mask(x):
        keep = x[0] > 0
        return torch.stack([row[keep] for row in x])

    assert archlint.infer(Model(one_mask), "N T", paths=4).accepts(N=2, T=6)


def test_elements_that_share_memory_forget_what_was_written():
    def rows_written(x):
        rows = torch.zeros(x.shape[1], 2, dtype=torch.int64).unbind(0)
        first = rows[0]
        for row in rows:
            row.add_(5)
        return x[:, first]

    found = archlint.infer(Model(rows_written), "N T", paths=4)
    assert found.accepts(N=1, T=2) is not True
