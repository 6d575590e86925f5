"""Simplifies a formula where more is known about its sizes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from archlint.contracts.region import bounds_of, in_box
from archlint.symbolic import Expr, Size, atoms
from archlint.symbolic.formula import (
    Bool,
    Comparison,
    Formula,
    Junction,
    conj,
    disj,
    map_comparisons,
    substitute_formula,
)
from archlint.symbolic.intervals import Box, Interval
from archlint.symbolic.products import factored

LARGE = 6  # summands in divisions, minima and maxima


def restrict(formula: Bool, values: Mapping[str, Size]) -> Bool:
    """The formula with sizes substituted. A comparison that divides by zero counts as false."""

    def change(comparison: Comparison) -> Bool:
        try:
            return substitute_formula(comparison, values)
        except ZeroDivisionError:
            return False

    return map_comparisons(formula, change)


def simplified(formula: Bool, box: Box, *, by_cases: bool = True) -> Bool:
    """The same set of sizes in the box, without comparisons that the box implies, or of products.

    Bounds of single sizes among the parts of an ``and`` narrow the box for its other parts.
    Comparisons of very large terms stay as they are. ``by_cases`` as in :func:`.factored`.
    """
    known: dict[Formula, Bool] = {}

    def walk(part: Bool) -> Bool:
        if isinstance(part, bool):
            return part
        result = known.get(part)
        if result is None:
            if isinstance(part, Comparison):
                truth = None if _large(part) else box.decide(part)
                result = factored(part, box, by_cases=by_cases) if truth is None else truth
                if result is not part:
                    result = walk(result)
            else:
                assert isinstance(part, Junction)
                result = (
                    _all(part, box, by_cases) if part.op == "and" else disj(*map(walk, part.args))
                )
            known[part] = result
        return result

    return walk(formula)


@lru_cache(maxsize=4096)
def _large(comparison: Comparison) -> bool:
    """Whether interval arithmetic on it would take long."""
    inner = (o for a in atoms(comparison.expr) for o in a.operands())
    return sum(len(o.terms) for o in inner if isinstance(o, Expr)) > LARGE


def _all(formula: Junction, box: Box, by_cases: bool) -> Bool:
    """The parts of an ``and``, each simplified in the box that its bounds leave."""
    narrow: Box | None = None
    for _ in range(4):  # parts that became bounds narrow the box again
        bounds = [p for p in formula.args if isinstance(p, Comparison) and bounds_of(p)]
        ranges = dict(box.ranges)
        for name, bound in bounds_of(conj(*bounds)).items():
            low, high = ranges[name] = _meet(ranges.get(name, (None, None)), bound)
            if low is not None and high is not None and low > high:
                return False
        if narrow is not None and narrow.ranges == ranges:
            break
        narrow = box if ranges == box.ranges else Box(ranges)
        new = {n: _new_bounds(r, box.ranges.get(n, (None, None))) for n, r in ranges.items()}
        others = [p for p in formula.args if p not in bounds]
        alone = {p: simplified(p, narrow) for p in others if len(p.symbols()) < 2}
        if not any(map(bounds_of, alone.values())):  # otherwise they narrow the box first
            rest = [simplified(p, narrow, by_cases=by_cases) for p in others]
        else:
            rest = [alone.get(p, p) for p in others]
        result = conj(in_box(Box(new)), *rest)
        if not isinstance(result, Junction) or result.op == "or":
            return result
        formula = result
    return formula


def _meet(a: Interval, b: Interval) -> Interval:
    lows = [x for x in (a[0], b[0]) if x is not None]
    highs = [x for x in (a[1], b[1]) if x is not None]
    return max(lows, default=None), min(highs, default=None)


def _new_bounds(new: Interval, old: Interval) -> Interval:
    """The bounds that differ from the old ones."""
    return None if new[0] == old[0] else new[0], None if new[1] == old[1] else new[1]
