"""Declared boxes of drawn models against all of their sizes: smallest failure, largest box."""

from __future__ import annotations

import itertools
import re

import numpy
import pytest
import torch
from hypothesis import given, seed, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from archlint.contracts.accepted_set import region
from archlint.contracts.contract import Budget, Contract
from archlint.contracts.rulefile.declared_clause import clause_of
from archlint.contracts.rulefile.ranges.declared import DeclaredTensor, Profile, Span
from archlint.engine.python_contracts import contract_of
from archlint.errors import Location
from archlint.explanation.advice import check_source
from archlint.models.targets import from_instance
from archlint.symbolic.formula import holds
from tests.end_to_end.test_random_networks import Depends, Lambda, blocks

WHERE = Location("build.sh", 1)
NAMES = ("N", "H", "W")
C = 4


class Grid(nn.Module):
    """Pools and resizes: accepts multiples of ``step``."""

    def __init__(self, step: int) -> None:
        super().__init__()
        self.step = step

    def forward(self, x):
        return x + F.interpolate(F.max_pool2d(x, self.step), scale_factor=float(self.step))


class Places(nn.Module):
    """A table of positions: tokens up to ``count``, of one size or of both."""

    def __init__(self, count: int, which: str) -> None:
        super().__init__()
        self.which, self.table = which, nn.Parameter(torch.zeros(count))

    def forward(self, x):
        h, w = x.shape[2:]
        tokens = {"h": h, "w": w, "h*w": h * w, "h+w": h + w}[self.which]
        return x.flatten(1).mean(1) + self.table[:tokens].expand(tokens).sum()


class Cells(nn.Module):
    """A flattened head: a number of cells of ``size`` pixels."""

    def __init__(self, size: int, count: int) -> None:
        super().__init__()
        self.size, self.head = size, nn.Linear(C * count, 2)

    def forward(self, x):
        return self.head(F.max_pool2d(x, self.size).flatten(1))


parts = st.one_of(
    st.integers(2, 6).map(Grid),
    st.builds(nn.Conv2d, st.just(C), st.just(C), st.integers(2, 5)),
    st.builds(nn.MaxPool2d, st.integers(2, 4)),
    st.just(Lambda("F.pad(x, (2, 2, 2, 2), mode='reflect')")),
    st.just(Lambda("torch.cat([x, x.transpose(2, 3)], 1)[:, :4]")),
    st.builds(Depends, st.sampled_from(["h > w", "h * w < 60", "h % 3 == 0"]),
              st.integers(2, 4).map(Grid), st.builds(lambda: nn.Conv2d(C, C, 3))),
    blocks,
)  # fmt: skip
heads = st.one_of(
    st.just(nn.Identity()),
    st.builds(Cells, st.integers(2, 4), st.sampled_from([1, 2, 4, 6, 9, 12])),
    st.builds(Places, st.integers(3, 40), st.sampled_from(["h", "w", "h*w", "h+w"])),
)


@st.composite
def cases(draw):
    """A model and a box with a size to optimize for."""
    model = nn.Sequential(*draw(st.lists(parts, min_size=0, max_size=2)), draw(heads)).eval()
    spans = [Span(1, 2, draw(st.integers(1, 2)), 1, "N"), Span.fixed(C)]
    for name in ("H", "W"):
        low = draw(st.integers(1, 14))
        high = low + draw(st.integers(0, 14))
        step = draw(st.sampled_from([1, 1, 1, 2, 4]))
        high -= (high - low) % step
        opt = low + step * draw(st.integers(0, (high - low) // step))
        spans.append(Span(low, high, opt, step, name) if low < high else Span.fixed(low))
    return model, tuple(spans)


def check_box(case: tuple[nn.Module, tuple[Span, ...]]) -> str:
    """Check the box and compare with every size in it; the verdict in a word."""
    model, spans = case
    profile = Profile("json", (DeclaredTensor("x", spans, WHERE),), WHERE)
    shape = ["N", str(C), *(str(s.low) if s.is_fixed else s.name for s in spans[2:])]
    input = contract_of(input=" ".join(shape), accepts="any size").input
    contract = Contract("a", input, clause_of([profile], input), budget=Budget(64, 20.0))
    with from_instance(model) as source:
        verdict = check_source(contract, source, samples=0)
    if verdict.word not in ("proved", "broken"):
        return verdict.word
    names = [n for n in NAMES if n in shape]
    axes = [range(s.low, (s.high or 0) + 1, s.step) for s in (spans[0], *spans[2:])]
    free = [axis for axis, name in zip(axes, NAMES, strict=True) if name in names]
    good = numpy.array([_runs(model, point) for point in itertools.product(*axes)])
    good = good.reshape([len(axis) for axis in free])
    refused = [dict(zip(names, (a[i] for a, i in zip(free, index, strict=True)), strict=True))
               for index in numpy.argwhere(~good)]  # fmt: skip
    refused.sort(key=lambda p: (sum(p.values()), list(p.values())))
    assert verdict.word == ("broken" if refused else "proved"), (
        verdict.message,
        refused[:1],
        model,
    )
    if not refused:
        return "proved"
    assert verdict.counterexample == refused[0], (refused[0], model)
    opt = {n: s.opt for n, s in zip(NAMES, (spans[0], *spans[2:]), strict=True) if n in names}
    _compare_boxes(verdict.details.get("good box", ""), names, free, good, opt, model)
    return "broken"


def _runs(model: nn.Module, point: tuple[int, ...]) -> bool:
    n, h, w = point
    try:
        with torch.no_grad():
            model(torch.zeros(n, C, h, w))
    except (RuntimeError, IndexError, ValueError, ZeroDivisionError):
        return False
    return True


def _compare_boxes(text, names, free, good, opt, model):
    """Each box of the text holds accepted sizes only, and is the largest if it says so."""
    report = f"{text!r} {opt} {model}"
    if not good.any():
        assert text == "", report
        return
    assert text, f"no box: {report}"
    opt_is_good = good[tuple(list(a).index(opt[n]) for a, n in zip(free, names, strict=True))]
    assert ("itself is refused" in text) == (not opt_is_good), report
    around = dict(re.findall(r"([NHW])=(\d+)", text.partition("around")[2].partition(")")[0]
                             .partition(";")[0]))  # fmt: skip
    around = {n: int(around[n]) for n in names}
    assert around == opt or not opt_is_good, report
    for line in text.splitlines():
        words, _, how = line.partition("   (")
        inside = region(words)
        points = list(itertools.product(*free))
        held = numpy.array([holds(inside, dict(zip(names, p, strict=True))) for p in points])
        held = held.reshape(good.shape)
        assert not (held & ~good).any(), report
        assert held[tuple(list(a).index(around[n]) for a, n in zip(free, names, strict=True))]
        largest = _largest(good, free, [around[n] for n in names])
        if how.startswith("the largest around"):
            assert held.sum() == largest, report
        else:
            assert held.sum() > largest, report


def _largest(good, free, around) -> int:
    """The number of sizes of the largest box around a size, by trying all."""
    at = [list(a).index(v) for a, v in zip(free, around, strict=True)]
    sums = numpy.pad(~good, [(1, 0)] * good.ndim).astype(int)
    for axis in range(good.ndim):
        sums = sums.cumsum(axis)
    best = 0
    borders = [itertools.product(range(i + 1), range(i, n))
               for i, n in zip(at, good.shape, strict=True)]  # fmt: skip
    for bounds in itertools.product(*map(list, borders)):
        count = int(numpy.prod([b - a + 1 for a, b in bounds]))
        if count > best and not _sum(sums, bounds):
            best = count
    return best


def _sum(sums, bounds) -> int:
    total = 0
    for corner in itertools.product((0, 1), repeat=len(bounds)):
        index = tuple(b + 1 if c else a for (a, b), c in zip(bounds, corner, strict=True))
        total += (-1) ** (len(bounds) - sum(corner)) * int(sums[index])
    return total


@pytest.mark.slow
@seed(3)
@settings(max_examples=15, deadline=None, database=None)
@given(case=cases())
def test_every_size_of_drawn_boxes(case):
    check_box(case)
