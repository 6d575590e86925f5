"""A contract as every contestant can be asked it: ranges for the sizes, shapes for the tensors."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from torch import nn

from archlint.contracts.rulefile.phrase_parser import parse_clause, parse_shape
from archlint.symbolic import Size, evaluate
from archlint.symbolic.formula import holds

Point = dict[str, int]
_STEPS = (0, 1, 2, 3, 5, 9, 17)
_USUAL = (128, 224, 256)
_FAR = 300  # how far above its least size a test goes


@dataclass(frozen=True)
class Range:
    """``low``, ``low + step``, … up to ``high`` (None: without end)."""

    low: int = 1
    high: int | None = None
    step: int = 1

    def has(self, value: int) -> bool:
        """Whether the value lies in the range."""
        above = self.high is not None and value > self.high
        return value >= self.low and not above and (value - self.low) % self.step == 0

    def near(self, value: int) -> int:
        """The value of the range at or above ``value``, or its last."""
        last = value if self.high is None else min(value, self.high)
        return self.low + max(0, -(-(last - self.low) // self.step)) * self.step

    def values(self) -> list[int]:
        """Those worth trying: the first ones, a few that people try, the last."""
        tried = [self.low + k * self.step for k in _STEPS] + [self.near(u) for u in _USUAL]
        if self.high is not None:
            tried.append(self.high)
        return sorted({v for v in tried if self.has(v) and v <= self.low + _FAR})

    def words(self, name: str) -> str:
        """The range as a rule file says it."""
        bounds = f"{name} >= {self.low}"
        if self.high is not None:
            bounds = f"{name} in {self.low}..{self.high}"
        return bounds + (
            f" and {name} % {self.step} == {self.low % self.step}" if self.step > 1 else ""
        )


@dataclass(frozen=True)
class Case:
    """One contract; ``true`` was found by running, and ``truth.py`` runs it again.

    ``inputs``: argument name to shape, in the order of ``forward``; ``below``: the integer inputs
    and the bound of their values. ``also``: what else the sizes keep, in words, which a range per
    size cannot say. ``outside``: for ``only`` and its like, sizes beyond the promise that are
    tried too. ``witness``: for a false contract, sizes at which the real model breaks it.
    """

    id: str
    build: Callable[[], nn.Module]
    ranges: Mapping[str, Range]
    true: bool
    output: str | Mapping[str, str] | None = "N 1000"
    inputs: Mapping[str, str] = field(default_factory=lambda: {"x": "N 3 H W"})
    below: Mapping[str, int] = field(default_factory=dict)
    kind: str = "any"  # "any", "only" or "rejects"
    also: str = ""
    mode: str = "eval"
    witness: Point | None = None
    outside: tuple[Point, ...] = ()

    @property
    def words(self) -> str:
        """The promise without its kind."""
        return " and ".join(
            [*(r.words(n) for n, r in self.ranges.items()), *filter(None, [self.also])]
        )

    @property
    def clause(self) -> str:
        """The promise as a line of a rule file."""
        return (
            f"rejects any {self.words}"
            if self.kind == "rejects"
            else f"accepts {self.kind} {self.words}"
        )

    def has(self, point: Point) -> bool:
        """Whether the promise names these sizes."""
        return bool(holds(parse_clause(f"any {self.words}", "accepts").region, point))

    def shapes(self, point: Point) -> dict[str, tuple[int, ...]]:
        """The sizes of each input."""
        return {name: at(dims, point) for name, dims in self.dims().items()}

    def dims(self) -> dict[str, tuple[Size, ...]]:
        """The shape of each input, as formulas."""
        return {name: parse(text) for name, text in self.inputs.items()}

    def points(self, count: int, seed: int = 0) -> list[Point]:
        """Up to ``count`` sizes that the promise names: the smallest, then a fixed selection."""
        names = list(self.ranges)
        lists = [self.ranges[n].values()[: 3 if n == "N" else None] for n in names]
        grid = [dict(zip(names, p, strict=True)) for p in itertools.product(*lists)]
        grid = [p for p in grid if self.has(p)]
        rest = random.Random(seed).sample(grid[1:], min(count - 1, len(grid) - 1))
        return grid[:1] + rest


def parse(text: str) -> tuple[Size, ...]:
    """A shape without wildcards."""
    return tuple(parse_shape(text))


def at(dims: tuple[Size, ...], point: Point) -> tuple[int, ...]:
    """A shape at concrete sizes."""
    return tuple(evaluate(d, point) for d in dims)


def sides(low: int, high: int | None = None, step: int = 1, batch: int = 1) -> dict[str, Range]:
    """N from ``batch`` on, and the same range for H and W."""
    side = Range(low, high, step)
    return {"N": Range(batch), "H": side, "W": side}


def side(h: int, w: int | None = None, n: int = 1) -> dict[str, int]:
    """A point; a square one unless the width is given."""
    return {"N": n, "H": h, "W": h if w is None else w}
