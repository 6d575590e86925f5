"""Branches that change nothing are no branches; all others are, and answer as the real model."""

from __future__ import annotations

import itertools
from typing import ClassVar

import pytest
import torch.nn.functional as F
from torch import nn

import archlint
from archlint.engine.sampling.real_run import run_at

SWITCHES = [0, 0, 1]  # not a local variable


def item_of_list(h, w):
    shift = [0, 3]
    if h < 7:
        shift[0] = 0
    return shift


def variable(h, w):
    pad = -1
    if h + w >= 7:
        pad = -1
    return [pad]


def both_sides(h, w):
    mode, shift = "same", (h, [2, 1])
    shift = shift[1]
    if shift[-1] * h == 7:
        mode = "same"
    else:
        shift[0] = 2
    return [len(mode), *shift]


def several_in_turn(h, w):
    shift = [3, 0]
    if h > 5:
        shift[1] = 0
        shift[-2] = 3
    if w > 5:
        shift[1] = 0
    return shift


IDLE = [item_of_list, variable, both_sides, several_in_turn]


def other_value(h, w):
    shift = [3, 0]
    if h < 7:
        shift[0] = 0
    return shift


def one_of_two(h, w):
    shift = [0, 3]
    if h < 7:
        shift[0] = 0
        shift[1] = 0
    return shift


def once_only(h, w):
    shift = [3]
    for size in (h, w):
        if size < 7:
            shift[0] = 0
    return shift


def equal_but_another_type(h, w):
    flag = 0
    if h < 7:
        flag = False
    return [2 if flag is False else 1]


def not_assigned_yet(h, w):
    if h < 7:
        pad = 0
    try:
        return [pad]
    except UnboundLocalError:
        return [1]


def of_another_list(h, w):
    shift = [0]
    if h < 7:
        SWITCHES[2] = 0
    shift[0], SWITCHES[2] = SWITCHES[2], 1
    return shift


def read_again(h, w):
    pad = 0
    if small := h < 7:
        pad = 0
    return [pad, 2 if small else 1]


def compares_lists(h, w):
    pad = 0
    asked = Asked()
    if [h, asked] == [7, 1]:
        pad = 0
    return [pad, asked.times]


def calls(h, w):
    pad, asked = 0, Asked()
    if asked.noted(h < 7) == 1:
        pad = 0
    return [pad, asked.times]


def more_than_one(h, w):
    pad, zero = 0, w - w
    if h < 7 or w // (h - 6) > 1:
        pad = 0
    return [pad + zero]


def does_more(h, w):
    pad, seen = 0, []
    if h < 7:
        pad = 0
        seen.append(1)
    return [pad, len(seen)]


def in_an_expression(h, w):
    return [2 if h < 7 else 1]


def lasts_a_turn(h, w):
    n = 0
    while n < 3:
        if h + n < 7:
            n = 4
        n += 1
    return [n]


class Asked:
    """Counts how often it is compared."""

    def __init__(self):
        self.times = 0

    def __eq__(self, other):
        self.times += 1
        return False

    __hash__: ClassVar[None] = None

    def noted(self, truth):
        self.times += 1 if truth else 2
        return self.times


BRANCHING = [
    other_value, one_of_two, once_only, equal_but_another_type, not_assigned_yet, of_another_list,
    read_again, compares_lists, calls, more_than_one, does_more, in_an_expression, lasts_a_turn,
]  # fmt: skip


class Padded(nn.Module):
    """Its output has as many more columns as a function of its sizes says."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        shift = self.function(x.shape[2], x.shape[3])
        return F.pad(x, (0, sum(3**i * (n + 1) for i, n in enumerate(shift))))


def explored(function):
    """What ``infer`` finds, compared with the real model."""
    model = Padded(function).eval()
    found = archlint.infer(model, "N 1 H W")
    for h, w in itertools.product((1, 3, 4, 5, 6, 7, 8, 9), (1, 2, 5, 6, 7, 8)):
        ran = run_at(model, found.input, {"N": 1, "H": h, "W": w})
        assert found.accepts(N=1, H=h, W=w) is ran.accepted, (h, w, ran.error)
        if ran.accepted:
            assert found.output(N=1, H=h, W=w) == ran.output, (h, w)
    return found


@pytest.mark.parametrize("function", IDLE, ids=lambda f: f.__name__)
def test_a_branch_that_changes_nothing_is_none(function):
    assert len(explored(function).explored.paths) == 1


@pytest.mark.parametrize("function", BRANCHING, ids=lambda f: f.__name__)
def test_every_other_branch_is_one(function):
    assert len(explored(function).explored.paths) > 1
