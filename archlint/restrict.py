"""A formula where more is known: the smaller formula that is left of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from archlint.bounds import Box
from archlint.dims import Size
from archlint.formula import Bool, Comparison, Formula, Junction, conj, disj, replace_symbols


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
    """The formula without the comparisons that the box decides."""

    def change(comparison: Comparison) -> Bool:
        decided = box.decide(comparison)
        return comparison if decided is None else decided

    return rebuilt(formula, change)
