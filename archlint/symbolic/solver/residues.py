"""Formulas whose comparisons are about one size each, decided without a solver.

Along its size such a comparison settles for good (``H >= 32``) or repeats itself (``W % 7 == 0``,
``(H+15)//32 != ceil(H/32)``). So the values of each size fall into few *classes* that no
comparison of the formula tells apart, and the least value of a class stands for it: if any sizes
have the property, those of the smallest sum are such values.
"""

from __future__ import annotations

import itertools
import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import NamedTuple

from archlint.symbolic import Expr, FloorDiv, Symbol, cached
from archlint.symbolic.formula import (
    Bool,
    Comparison,
    Formula,
    comparisons,
    map_comparisons,
    simplify,
)
from archlint.symbolic.intervals import Box
from archlint.symbolic.products import factored

MAX_VALUES = 512
"""Values of one size that may have to be looked at."""

MOST = 1024
"""Combinations of classes that may be tried."""


class NotSeparable(Exception):
    """The formula is not decided by the classes of each size alone, or they are too many."""


def smallest_by_residues(names: Sequence[str], box: Box, formula: Bool) -> dict[str, int] | None:
    """The sizes in ``box`` with the property of the smallest sum; of those, the first by name.

    ``None``: there are none at all. :class:`NotSeparable` where this cannot tell. Comparisons of
    several sizes do no harm where the formula does not hold even if all of these do.
    """
    rest = map_comparisons(simplify(formula, box.decide), lambda c: _plainer(c, box))
    if rest is False:
        return None
    point = {}
    for name in names:
        low, high = box.ranges.get(name, (None, None))
        if low is None:
            raise NotSeparable
        if high is not None and high < low:
            return None
        point[name] = low
    if rest is True:
        return point
    bits: dict[Comparison, int] = {}
    alone: dict[str, list[tuple[TruthPattern, int]]] = {}
    entangled = 0
    for comparison in comparisons(rest):
        if comparison not in bits:
            bits[comparison] = bit = 1 << len(bits)
            course = truth_pattern(comparison)
            if course is None or course.name not in names:
                entangled |= bit
            else:
                alone.setdefault(course.name, []).append((course, bit))
    moving = [n for n in names if n in alone]
    if not moving:
        raise NotSeparable
    classes = [_classes(box.ranges[n], alone[n]) for n in moving]
    if math.prod(map(len, classes)) > MOST:
        raise NotSeparable
    holds = _judged(rest, bits)
    best = None
    for way in itertools.product(*classes):
        if holds(sum(true for _, true in way) | entangled):
            if entangled:
                raise NotSeparable
            values = tuple(value for value, _ in way)
            if best is None or (sum(values), values) < (sum(best), best):
                best = values
    if best is None:
        return None
    return {**point, **dict(zip(moving, best, strict=True))}


def _plainer(comparison: Comparison, box: Box) -> Bool:
    """A comparison of several sizes, of as few of them as the box allows."""
    if truth_pattern(comparison) is not None:
        return comparison
    said = factored(comparison, box)
    if said is comparison:
        return said
    return map_comparisons(simplify(said, box.decide), lambda c: _plainer(c, box))


def _classes(
    bounds: tuple[int | None, int | None], courses: Sequence[tuple[TruthPattern, int]]
) -> list[tuple[int, int]]:
    """The least value of each class, and which comparisons hold there (their bits)."""
    low, high = bounds
    assert low is not None
    settling = [(c, bit) for c, bit in courses if c.period == 1]
    repeating = [(c, bit) for c, bit in courses if c.period > 1]
    period = math.lcm(*(c.period for c, _ in repeating))
    changes = {at for c, _ in settling for at in c.changes if low < at}
    starts = [low, *sorted(at for at in changes if high is None or at <= high)]
    found: dict[int, int] = {}
    looked = 0
    for i, start in enumerate(starts):
        end = start + period
        if i + 1 < len(starts):
            end = min(end, starts[i + 1])
        elif high is not None:
            end = min(end, high + 1)
        looked += end - start
        if looked > MAX_VALUES:
            raise NotSeparable
        settled = sum(bit for c, bit in settling if c.holds(start))
        for value in range(start, end):
            true = settled + sum(bit for c, bit in repeating if c.holds(value))
            found.setdefault(true, value)
    return [(value, true) for true, value in found.items()]


def _judged(formula: Formula, bits: dict[Comparison, int]) -> Callable[[int], bool]:
    """Whether the formula holds where these comparisons do (the others not)."""
    if isinstance(formula, Comparison):
        bit = bits[formula]
        return lambda true: bool(true & bit)
    args = formula.args  # type: ignore[attr-defined]
    own = 0
    for arg in args:
        if isinstance(arg, Comparison):
            own |= bits[arg]
    inner = [_judged(a, bits) for a in args if not isinstance(a, Comparison)]
    if formula.word == "and":  # type: ignore[attr-defined]
        return lambda true: true & own == own and all(i(true) for i in inner)
    return lambda true: bool(true & own) or any(i(true) for i in inner)


class TruthPattern(NamedTuple):
    """How the truth of a comparison goes along its one size, ``name``.

    It repeats itself after ``period`` values, ``table`` of which says it for 0, 1, …; or, with a
    period of 1, it is ``table[0]`` before the first of ``changes`` and another from each on.
    """

    name: str
    period: int
    table: tuple[bool, ...]
    changes: tuple[int, ...]

    def holds(self, value: int) -> bool:
        """The truth at a value of the size."""
        if self.period > 1:
            return self.table[value % self.period]
        return self.table[0] ^ bool(bisect_right(self.changes, value) & 1)


@cached
def truth_pattern(comparison: Comparison) -> TruthPattern | None:
    """The course of a comparison of one size; ``None`` of several, of products, or a long one."""
    expr = comparison.expr
    trend = _trend(expr)
    if trend is None or trend.name is None:
        return None
    name = trend.name

    def truth(value: int) -> bool:
        return comparison.evaluate({name: value})

    if trend.slope == 0:
        if trend.period > MAX_VALUES:
            return None
        table = tuple(map(truth, range(trend.period)))
        return TruthPattern(name, trend.period, table if trend.period > 1 else table[:1], ())
    # Beyond where slope*value + low..high crosses 0 the sign is that of the slope for good.
    ends = (-trend.low / trend.slope, -trend.high / trend.slope)
    first, last = math.floor(min(ends)) - 1, math.ceil(max(ends)) + 1
    if last - first > MAX_VALUES:
        return None
    truths = list(map(truth, range(first, last + 1)))
    changes = [first + i for i in range(1, len(truths)) if truths[i] != truths[i - 1]]
    return TruthPattern(name, 1, (truths[0],), tuple(changes))


class _Trend(NamedTuple):
    """``slope * size`` and what repeats itself after ``period`` values, within ``low..high``."""

    name: str | None  # of the size; None for a number
    slope: Fraction
    period: int
    low: Fraction
    high: Fraction


@cached
def _trend(expr: Expr) -> _Trend | None:
    """The trend of an expression of one size, without products; ``None`` for others."""
    const = Fraction(expr.const)
    whole = _Trend(None, Fraction(0), 1, const, const)
    for monomial, coef in expr.terms:
        part = _trend_of_atom(monomial[0]) if len(monomial) == 1 else None
        if part is None or (whole.name is not None and whole.name != part.name):
            return None
        ends = (part.low * coef, part.high * coef)
        whole = _Trend(
            part.name,
            whole.slope + part.slope * coef,
            math.lcm(whole.period, part.period),
            whole.low + min(ends),
            whole.high + max(ends),
        )
    return whole


def _trend_of_atom(atom: object) -> _Trend | None:
    if isinstance(atom, Symbol):
        return _Trend(atom.name, Fraction(1), 1, Fraction(0), Fraction(0))
    if not isinstance(atom, FloorDiv) or not isinstance(atom.den, int) or atom.den < 1:
        return None
    num = _trend(atom.num)
    if num is None:
        return None
    # num//den is (num - r)/den with r in 0..den-1, and repeats where num has grown by multiples.
    slope = num.slope / atom.den
    return _Trend(
        num.name,
        slope,
        math.lcm(num.period, slope.denominator),
        (num.low - (atom.den - 1)) / atom.den,
        num.high / atom.den,
    )
