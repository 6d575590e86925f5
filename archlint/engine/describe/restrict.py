"""A formula where more is known: the smaller formula that is left of it."""

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
    """The formula with sizes put in. A comparison that divides by zero counts as false."""

    def change(comparison: Comparison) -> Bool:
        try:
            return substitute_formula(comparison, values)
        except ZeroDivisionError:
            return False

    return map_comparisons(formula, change)


def simplified(formula: Bool, box: Box) -> Bool:
    """The same set of sizes in the box, without comparisons that it decides, or of products.

    What the parts of an ``and`` say of one size alone narrows the box for its other parts.
    Comparisons of very large terms stay as they are.
    """
    known: dict[Formula, Bool] = {}

    def walk(part: Bool) -> Bool:
        if isinstance(part, bool):
            return part
        found = known.get(part)
        if found is None:
            if isinstance(part, Comparison):
                decided = None if _large(part) else box.decide(part)
                found = factored(part, box) if decided is None else decided
                if found is not part:
                    found = walk(found)
            else:
                assert isinstance(part, Junction)
                found = _all(part, box) if part.op == "and" else disj(*map(walk, part.args))
            known[part] = found
        return found

    return walk(formula)


@lru_cache(maxsize=4096)
def _large(comparison: Comparison) -> bool:
    """Whether interval arithmetic on it would take long."""
    inner = (o for a in atoms(comparison.expr) for o in a.operands())
    return sum(len(o.terms) for o in inner if isinstance(o, Expr)) > LARGE


def _all(formula: Junction, box: Box) -> Bool:
    """The parts of an ``and``, each in the box that the bounds among them leave."""
    narrow: Box | None = None
    for _ in range(4):  # parts that became bounds narrow the box again
        bounds = [p for p in formula.args if isinstance(p, Comparison) and bounds_of(p)]
        ranges = dict(box.ranges)
        for name, said in bounds_of(conj(*bounds)).items():
            low, high = ranges[name] = _meet(ranges.get(name, (None, None)), said)
            if low is not None and high is not None and low > high:
                return False
        if narrow is not None and narrow.ranges == ranges:
            break
        narrow = box if ranges == box.ranges else Box(ranges)
        news = {n: _news(r, box.ranges.get(n, (None, None))) for n, r in ranges.items()}
        others = [simplified(p, narrow) for p in formula.args if p not in bounds]
        found = conj(in_box(Box(news)), *others)
        if not isinstance(found, Junction) or found.op == "or":
            return found
        formula = found
    return formula


def _meet(a: Interval, b: Interval) -> Interval:
    lows = [x for x in (a[0], b[0]) if x is not None]
    highs = [x for x in (a[1], b[1]) if x is not None]
    return max(lows, default=None), min(highs, default=None)


def _news(new: Interval, old: Interval) -> Interval:
    """The bounds that are not known already."""
    return None if new[0] == old[0] else new[0], None if new[1] == old[1] else new[1]
