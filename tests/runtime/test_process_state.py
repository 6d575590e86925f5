"""What is put back although the functions that put it back were replaced, or one of them fails."""

from __future__ import annotations

import builtins
import os
import sys
from functools import partial

import pytest
import torch
from torch import nn

import archlint
from archlint.runtime.process_state import preserve_process_state


@pytest.mark.parametrize("name", ["abs", list(vars(builtins))[-1], "all", "map"])
def test_a_function_of_python_that_is_deleted_comes_back(name):
    before = vars(builtins).copy()
    with preserve_process_state():
        delattr(builtins, name)
    assert vars(builtins) == before


def test_a_step_that_fails_keeps_no_other_from_being_put_back(monkeypatch):
    def fails(_):
        raise RuntimeError("no folder")

    before = os.getcwd(), torch.get_default_dtype()

    def run():
        with preserve_process_state():
            os.chdir("/")
            monkeypatch.setattr(os, "chdir", fails)
            torch.set_default_dtype(torch.float64)
            os.environ["ARCHLINT_TEST"] = "1"

    with pytest.raises(RuntimeError, match="no folder"):
        run()
    monkeypatch.undo()
    os.chdir(before[0])
    assert torch.get_default_dtype() is before[1]
    assert "ARCHLINT_TEST" not in os.environ


class Recursive(nn.Module):
    """Calls itself 100 times for each row."""

    def step(self, x, left):
        return x if left == 0 else self.step(x, left - 1)

    def forward(self, x):
        return self.step(x, x.shape[0] * 100)


def below(depth, call):
    return call() if depth == 0 else below(depth - 1, call)


def most_rows(depth):
    """How many rows the real model takes that many calls from here."""
    rows = 1
    while takes(depth, rows + 1):
        rows += 1
    return rows


def takes(depth, rows):
    try:
        below(depth, partial(Recursive(), torch.zeros(rows)))
    except RecursionError:
        return False
    return True


@pytest.mark.parametrize("samples", [0, 3])
def test_a_model_may_call_itself_as_deep_as_without_archlint(samples):
    tried, limit = 0, sys.getrecursionlimit()
    for depth in range(0, 100, 9):
        most, *others = {most_rows(depth + spare) for spare in (0, 35)}
        if others:  # calls inside of an operator make the difference
            continue
        tried += 1
        for rows, word in ((most, "proved"), (most + 1, "broken")):
            accepts = f"any N in 1..{rows}"
            ask = partial(archlint.check, Recursive(), input="N", accepts=accepts, samples=samples)
            assert below(depth, ask).word == word
        assert sys.getrecursionlimit() == limit
    assert tried > 1


class Measures(nn.Module):
    """Writes to a file, which no run undoes, how many more calls its code could make."""

    def __init__(self, file):
        super().__init__()
        self.file = file

    def forward(self, x):
        frame, depth = sys._getframe(), 0
        while frame is not None:
            frame, depth = frame.f_back, depth + 1
        with open(self.file, "a") as notes:
            notes.write(f"{sys.getrecursionlimit() - depth} ")
        return x


@pytest.mark.parametrize("samples", [0, 2])
def test_frames_around_a_model_take_nothing_of_its_room(samples, tmp_path):
    notes = tmp_path / "room.txt"
    model = Measures(str(notes))
    partial(model, torch.zeros(2))()
    archlint.check(model, "N", accepts="any N >= 1", samples=samples)
    real, *seen = map(int, notes.read_text().split())
    assert len(seen) > samples
    assert all(real - 3 <= each <= real + 8 for each in seen), (real, seen)
