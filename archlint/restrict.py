"""A formula where more is known: the smaller formula that is left of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from archlint.bounds import Box, Interval
from archlint.dims import Size
from archlint.factors import factored
from archlint.formula import Bool, Comparison, Formula, Junction, conj, disj, replace_symbols
from archlint.region import bounds_of, in_box


def rebuilt(formula: Bool, change: Callable[[Comparison], Bool]) -> Bool:
    """The formula with every comparison changed; each is asked for once."""
    known: dict[Formula, Bool] = {}

    def walk(part: Bool) -> Bool:
        if isinstance(part, bool):
            return part
        found = known.get(part)
        if found is None:
            if isinstance(part, Junction):
                found = (conj if part.word == "and" else disj)(*map(walk, part.args))
            else:
                assert isinstance(part, Comparison)
                found = change(part)
            known[part] = found
        return found

    return walk(formula)


def restrict(formula: Bool, values: Mapping[str, Size]) -> Bool:
    """The formula with sizes put in. A comparison that divides by zero counts as false."""

    def change(comparison: Comparison) -> Bool:
        try:
            return replace_symbols(comparison, values)
        except ZeroDivisionError:
            return False

    return rebuilt(formula, change)


def simplified(formula: Bool, box: Box) -> Bool:
    """The same set of sizes in the box, without comparisons that it decides, or of products.

    What the parts of an ``and`` say of one size alone narrows the box for its other parts.
    """

    def change(comparison: Comparison) -> Bool:
        decided = box.decide(comparison)
        if decided is not None:
            return decided
        found = factored(comparison, box)
        return found if found is comparison else rebuilt(found, change)

    known: dict[Formula, Bool] = {}

    def walk(part: Bool) -> Bool:
        if isinstance(part, bool):
            return part
        found = known.get(part)
        if found is None:
            if isinstance(part, Comparison):
                found = change(part)
            else:
                assert isinstance(part, Junction)
                found = (conj if part.word == "and" else disj)(*map(walk, part.args))
                if isinstance(found, Junction) and found.word == "and":
                    found = _narrowed(found, box)
            known[part] = found
        return found

    return walk(formula)


def _narrowed(formula: Junction, box: Box) -> Bool:
    """The parts of an ``and``, each in the box that the bounds among them leave."""
    bounds: list[Bool] = []
    others: list[Bool] = []
    for part in formula.args:
        (bounds if isinstance(part, Comparison) and bounds_of(part) else others).append(part)
    if not bounds:
        return formula
    ranges = dict(box.ranges)
    for name, (low, high) in bounds_of(conj(*bounds)).items():
        least, most = ranges.get(name, (None, None))
        low = least if low is None else low if least is None else max(low, least)
        high = most if high is None else high if most is None else min(high, most)
        if low is not None and high is not None and low > high:
            return False
        ranges[name] = (low, high)
    narrow = Box(ranges)
    said = in_box(Box({n: _tighter(r, box.ranges.get(n, (None, None))) for n, r in ranges.items()}))
    return conj(said, simplified(conj(*others), narrow))


def _tighter(new: Interval, old: Interval) -> Interval:
    """The bounds that are not already there."""
    return None if new[0] == old[0] else new[0], None if new[1] == old[1] else new[1]
