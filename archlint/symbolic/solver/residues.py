"""Formulas whose comparisons contain one size each, solved by residue classes.

Along its size the truth of such a comparison is constant beyond some threshold (``H >= 32``) or
periodic (``W % 7 == 0``, ``(H+15)//32 != ceil(H/32)``). So the values of each size fall into few
*classes*: ranges between thresholds, split by residues modulo the common period. All values of a
class give every comparison of the formula the same truth, and the smallest value represents the
class: the solution with the smallest sum consists of such values.
"""

from __future__ import annotations

import itertools
import math
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

from archlint.symbolic import Expr, FloorDiv, Symbol, cached, from_atom, substitute, symbol
from archlint.symbolic.case_split import MAX_CASES, by_cases
from archlint.symbolic.formula import (
    Bool,
    Comparison,
    Formula,
    Junction,
    compare_to_zero,
    comparisons,
    conj,
    eq,
    map_comparisons,
    negate,
    simplify,
)
from archlint.symbolic.intervals import Box, Interval
from archlint.symbolic.products import factored
from archlint.symbolic.solver.tails import tail, values_in

MAX_VALUES = 512
"""Values of one size at which a comparison is evaluated, at most."""

MAX_COMBINATIONS = 1024
"""Combinations of classes that are tried, at most."""


class NotSeparable(Exception):
    """The classes of the single sizes do not decide the formula, or there are too many of them."""


def smallest_by_residues(names: Sequence[str], box: Box, formula: Bool) -> dict[str, int] | None:
    """The sizes in ``box`` with the smallest sum where the formula holds.

    Of several, the one whose values, in the order of ``names``, come first. ``None`` if there are
    none at all; :class:`NotSeparable` if the method does not apply. Comparisons of several sizes
    are assumed to hold: if the formula is false even then, they do not matter.
    """
    rest = map_comparisons(simplify(formula, box.decide), lambda c: _separated(c, box))
    rest = _with_facts(rest)
    steps = _steps(rest)
    if steps:
        return _smallest_of_multiples(names, box, rest, steps)
    return _smallest(names, box, rest, dict.fromkeys(names, 1))


def _smallest(
    names: Sequence[str], box: Box, rest: Bool, unit: Mapping[str, int]
) -> dict[str, int] | None:
    """As :func:`smallest_by_residues`, of comparisons that are as separate as they get.

    ``unit``: what one of each size counts in the sum.
    """
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
        return {name: value * unit[name] for name, value in point.items()}
    bits: dict[Comparison, int] = {}
    patterns: dict[str, list[tuple[TruthPattern, int]]] = {}
    inseparable = 0  # the bits of comparisons of several sizes
    for comparison in comparisons(rest):
        if comparison not in bits:
            bits[comparison] = bit = 1 << len(bits)
            pattern = truth_pattern(comparison)
            if pattern is None or pattern.name not in names:
                inseparable |= bit
            else:
                patterns.setdefault(pattern.name, []).append((pattern, bit))
    varying = [n for n in names if n in patterns]
    if not varying:
        raise NotSeparable
    classes = [_classes(box.ranges[n], patterns[n]) for n in varying]
    if math.prod(map(len, classes)) > MAX_COMBINATIONS:
        raise NotSeparable
    holds = _compiled(rest, bits)
    best = None
    for combination in itertools.product(*classes):
        if holds(sum(true for _, true in combination) | inseparable):
            if inseparable:
                raise NotSeparable
            values = tuple(v * unit[n] for n, (v, _) in zip(varying, combination, strict=True))
            if best is None or (sum(values), values) < (sum(best), best):
                best = values
    if best is None:
        return None
    return {n: v * unit[n] for n, v in point.items()} | dict(zip(varying, best, strict=True))


def _with_facts(formula: Bool) -> Bool:
    """An ``and``, the other parts of which are simplified by those that are comparisons."""
    facts: dict[Formula, bool] = {}
    while isinstance(formula, Junction) and formula.op == "and":
        new = [a for a in formula.args if isinstance(a, Comparison) and a not in facts]
        if not new:
            break
        facts.update(dict.fromkeys(new, True))
        facts.update((opposite, False) for n in new if isinstance(opposite := negate(n), Formula))
        others = (a for a in formula.args if isinstance(a, Junction))
        formula = conj(
            *(a for a in formula.args if isinstance(a, Comparison)),
            *(simplify(a, facts.get) for a in others),
        )
    return formula


def _steps(formula: Bool) -> dict[str, int]:
    """The number above 1 of which each size has to be a multiple, where one is required."""
    parts = formula.args if isinstance(formula, Junction) and formula.op == "and" else (formula,)
    found: dict[str, int] = {}
    for part in parts:
        if not isinstance(part, Comparison) or part.op != "==" or part.expr.const:
            continue
        for monomial, coef in part.expr.terms:
            atom = monomial[0]
            if isinstance(atom, Symbol) and len(monomial) == 1 and abs(coef) == 1:
                size, m = symbol(atom.name), abs(max((c for _, c in part.expr.terms), key=abs))
                if m > 1 and eq(size % m, 0) is part:
                    found[atom.name] = math.lcm(m, found.get(atom.name, 1))
    return found


def _smallest_of_multiples(
    names: Sequence[str], box: Box, formula: Bool, steps: Mapping[str, int]
) -> dict[str, int] | None:
    """As :func:`smallest_by_residues`; each size is so many times a size of another formula."""
    values = {name: symbol(name) * step for name, step in steps.items()}
    ranges = dict(box.ranges)
    for name, step in steps.items():
        low, high = ranges.get(name, (None, None))
        ranges[name] = (
            None if low is None else -(-low // step),
            None if high is None else high // step,
        )
    fewer = Box(ranges)

    def in_steps(comparison: Comparison) -> Bool:
        return compare_to_zero(comparison.op, substitute(comparison.expr, values))

    try:
        rest = map_comparisons(formula, in_steps)
    except ZeroDivisionError:
        raise NotSeparable from None
    rest = map_comparisons(simplify(rest, fewer.decide), lambda c: _separated(c, fewer))
    return _smallest(names, fewer, rest, {n: steps.get(n, 1) for n in names})


def _separated(comparison: Comparison, box: Box) -> Bool:
    """A comparison of several sizes, rewritten to comparisons of fewer where the box allows it."""
    if truth_pattern(comparison) is not None:
        return comparison
    formula = factored(comparison, box)
    if formula is comparison:
        split = _split_by_quotient(comparison, box)
        if split is None:
            return comparison
        formula = split
    return map_comparisons(simplify(formula, box.decide), lambda c: _separated(c, box))


def _split_by_quotient(comparison: Comparison, box: Box) -> Bool | None:
    """A case for each value of a quotient of one size that takes few."""
    for monomial, _ in comparison.expr.terms:
        atom = monomial[0]
        if len(monomial) > 1 or not isinstance(atom, FloorDiv) or isinstance(atom.den, int):
            continue
        bounds = values_in(from_atom(atom), box)
        if bounds is not None and bounds[1] - bounds[0] < MAX_CASES:
            return by_cases(comparison, atom, *bounds, box)
    return None


def _classes(
    bounds: Interval, patterns: Sequence[tuple[TruthPattern, int]]
) -> list[tuple[int, int]]:
    """The smallest value of each class, and the bits of the comparisons that hold there."""
    low, high = bounds
    assert low is not None
    stepwise = [(p, bit) for p, bit in patterns if p.period == 1]
    periodic = [(p, bit) for p, bit in patterns if p.period > 1]
    period = math.lcm(*(p.period for p, _ in periodic))
    thresholds = {t for p, _ in stepwise for t in p.thresholds if low < t}
    last = max((p.start for p, _ in patterns), default=0)
    if last - low > MAX_VALUES:
        raise NotSeparable
    thresholds.update(range(low + 1, last + 1))  # each value there is a class of its own
    starts = [low, *sorted(t for t in thresholds if high is None or t <= high)]
    smallest: dict[int, int] = {}  # by the bits that hold
    evaluated = 0
    for i, start in enumerate(starts):
        end = start + period
        if i + 1 < len(starts):
            end = min(end, starts[i + 1])
        elif high is not None:
            end = min(end, high + 1)
        evaluated += end - start
        if evaluated > MAX_VALUES:
            raise NotSeparable
        constant = sum(bit for p, bit in stepwise if p.holds(start))
        for value in range(start, end):
            true = constant + sum(bit for p, bit in periodic if p.holds(value))
            smallest.setdefault(true, value)
    return [(value, true) for true, value in smallest.items()]


def _compiled(formula: Formula, bits: dict[Comparison, int]) -> Callable[[int], bool]:
    """The formula as a function of the bits of the comparisons that hold."""
    if isinstance(formula, Comparison):
        bit = bits[formula]
        return lambda true: bool(true & bit)
    args = formula.args  # type: ignore[attr-defined]
    own = 0
    for arg in args:
        if isinstance(arg, Comparison):
            own |= bits[arg]
    inner = [_compiled(a, bits) for a in args if not isinstance(a, Comparison)]
    if formula.op == "and":  # type: ignore[attr-defined]
        return lambda true: true & own == own and all(i(true) for i in inner)
    return lambda true: bool(true & own) or any(i(true) for i in inner)


class TruthPattern(NamedTuple):
    """The truth of a comparison of one size, ``name``, at every value of the size.

    With a ``period`` above 1, ``table[value % period]``. With a period of 1, ``table[0]`` below the
    first of ``thresholds``, and the opposite from each threshold on. Below ``start`` it is what
    ``comparison`` says.
    """

    name: str
    period: int
    table: tuple[bool, ...]
    thresholds: tuple[int, ...]
    start: int = 0
    comparison: Comparison | None = None

    def holds(self, value: int) -> bool:
        """The truth at a value of the size."""
        if value < self.start and self.comparison is not None:
            try:
                return self.comparison.evaluate({self.name: value})
            except ZeroDivisionError:
                raise NotSeparable from None
        if self.period > 1:
            return self.table[value % self.period]
        return self.table[0] ^ bool(bisect_right(self.thresholds, value) & 1)


@cached
def truth_pattern(comparison: Comparison) -> TruthPattern | None:
    """The pattern of a comparison; ``None`` for several sizes, products, or a long pattern."""
    expr = comparison.expr
    trend = _trend(expr)
    if trend is None:
        return _tail_pattern(comparison)
    if trend.name is None:
        return None
    name = trend.name

    def truth(value: int) -> bool:
        return comparison.evaluate({name: value})

    if trend.slope == 0:
        if trend.period > MAX_VALUES:
            return None
        table = tuple(map(truth, range(trend.period)))
        return TruthPattern(name, trend.period, table if trend.period > 1 else table[:1], ())
    # Outside of the values where slope*value + low..high can be 0, the sign does not change.
    ends = (-trend.low / trend.slope, -trend.high / trend.slope)
    first, last = math.floor(min(ends)) - 1, math.ceil(max(ends)) + 1
    if last - first > MAX_VALUES:
        return None
    truths = list(map(truth, range(first, last + 1)))
    thresholds = [first + i for i in range(1, len(truths)) if truths[i] != truths[i - 1]]
    return TruthPattern(name, 1, (truths[0],), tuple(thresholds))


def _tail_pattern(comparison: Comparison) -> TruthPattern | None:
    """The pattern of a comparison that divides by its size."""
    end = tail(comparison.expr)
    if end is None or end.name is None:
        return None
    name, start, period = end.name, end.start, end.period
    last = start
    for value in range(start, start + period):
        rise = end.rise(value, period)
        if rise:  # from where on the sign is that of the rise, and not 0
            here = comparison.expr.evaluate({name: value})
            against = -here if rise > 0 else here
            last = max(last, value + period * (max(0, against) // abs(rise) + 1))
    if last > MAX_VALUES:
        return None
    truths = {v % period: comparison.evaluate({name: v}) for v in range(last, last + period)}
    table = tuple(truths[c] for c in range(period))
    return TruthPattern(name, period, table, (), last, comparison)


class _Trend(NamedTuple):
    """``slope * size`` plus a function of the size with this period and values in ``low..high``."""

    name: str | None  # of the size; None for a number
    slope: Fraction
    period: int
    low: Fraction
    high: Fraction


@cached
def _trend(expr: Expr) -> _Trend | None:
    """The trend of an expression of one size without products; ``None`` for others."""
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
    # num//den is (num - r)/den with r in 0..den-1; r has the period of num % den.
    slope = num.slope / atom.den
    return _Trend(
        num.name,
        slope,
        math.lcm(num.period, slope.denominator),
        (num.low - (atom.den - 1)) / atom.den,
        num.high / atom.den,
    )
