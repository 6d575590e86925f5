"""The first call of a class that branches is made again: never where that could be seen."""

from __future__ import annotations

import sys

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import archlint
from archlint.tracing.merge.module_merge import class_name
from tests.tracing.merge.test_module_merge import classes_per_trace, paths

SEEN: list[int] = []


class CountsInBuffer(nn.Module):
    """Leaves out a row if it was called before."""

    def __init__(self):
        super().__init__()
        self.register_buffer("n", torch.zeros((), dtype=torch.int64))

    def forward(self, x, given):
        self.n.add_(1)
        return even(x)[:, :, min(int(self.n), 2) - 1 :]


class CountsInAttribute(nn.Module):
    def __init__(self):
        super().__init__()
        self.n = 0

    def forward(self, x, given):
        self.n += 1
        return even(x)[:, :, min(self.n, 2) - 1 :]


class CountsInArgument(nn.Module):
    def forward(self, x, given):
        given.append(1)
        return even(x)[:, :, min(len(given), 4) // 4 :]


class CountsOutside(nn.Module):
    """Leaves out a row from its fourth call on, once the last one began the count again."""

    def forward(self, x, given):
        if len(SEEN) == 3:
            SEEN.clear()
        SEEN.append(1)
        return even(x)[:, :, len(SEEN) // 3 :]


class TurnsItsArgument(nn.Module):
    def forward(self, x, given):
        return even(x.transpose_(2, 3))


class CountsInTensor(nn.Module):
    def forward(self, x, given):
        given.add_(1)
        return even(x)[:, :, min(int(given[0]), 4) // 4 :]


class CountsOnOneBranch(nn.Module):
    """Writes to a tensor of its caller where it does not pad."""

    def forward(self, x, given):
        if x.shape[2] % 2:
            return F.pad(x, (0, 0, 0, 1))
        given[0] = 4
        return x


class Thrice(nn.Module):
    """Calls three modules of one class, each once."""

    def __init__(self, kind, given=list):
        super().__init__()
        self.parts = nn.ModuleList(kind() for _ in range(3))
        self.given = given

    def forward(self, x):
        given = self.given()
        for part in self.parts:
            x = part(x, given)
        return x if given is None or type(given) is list else x[:, :, int(given[0]) // 4 :]


class Masks(nn.Module):
    """Writes to real memory that it made itself."""

    def forward(self, x, given):
        mask = torch.zeros(4, 2)
        mask[:, 0].add_(1)
        return F.max_pool2d(even(x) * mask.sum(), (2, 1))


class Halves(nn.Module):
    def forward(self, x, given):
        return F.max_pool2d(even(x), (2, 1))


class OnlyLast(nn.Module):
    """Of its modules, all of one class, one branches."""

    def __init__(self):
        super().__init__()
        self.parts = nn.ModuleList([Sometimes(False), Sometimes(False), Sometimes(True)])

    def forward(self, x):
        for part in self.parts:
            x = part(x)
        return x


class Sometimes(nn.Module):
    def __init__(self, pads):
        super().__init__()
        self.pads = pads

    def forward(self, x):
        return even(x) if self.pads else x


def even(x):
    return F.pad(x, (0, 0, 0, 1)) if x.shape[2] % 2 else x


def nothing():
    return None


def zero():
    return torch.zeros(1, dtype=torch.int64)


VISIBLE = [
    Thrice(CountsInBuffer, nothing), Thrice(CountsInAttribute, nothing), Thrice(CountsInArgument),
    Thrice(CountsOutside, nothing), Thrice(TurnsItsArgument, nothing),
    Thrice(CountsInTensor, zero), Thrice(CountsOnOneBranch, zero),
]  # fmt: skip


@pytest.mark.parametrize("model", VISIBLE, ids=lambda m: type(m.parts[0]).__name__)
def test_what_a_call_changes_it_changes_once(model):
    paths(model)


@pytest.mark.parametrize("kind", [Masks, Halves])
def test_the_trace_that_finds_branches_merges_them(kind, monkeypatch):
    model = Thrice(kind, nothing)
    assert len(paths(model).explored.paths) == 1
    assert classes_per_trace(model, monkeypatch) == [{class_name(kind())}]


def test_a_branch_is_followed_once():
    """Also the one that the call takes in which the class is found to branch."""
    ran = []

    def note(frame, event, _):
        if event == "call" and frame.f_code is Halves.forward.__code__:
            ran.append(frame.f_lineno)

    model = Thrice(Halves, nothing)
    sys.setprofile(note)
    try:
        archlint.check(model, input="N 1 H W", accepts="any H, W >= 8", samples=0)
    finally:
        sys.setprofile(None)
    assert len(ran) == 3 * 2


def test_one_call_that_branches_is_two_paths(monkeypatch):
    """Which is known at the end of the first trace only: the next ones merge nothing."""
    assert len(paths(OnlyLast()).explored.paths) == 2
    assert classes_per_trace(OnlyLast(), monkeypatch) == [{class_name(Sometimes(True))}, None, None]
