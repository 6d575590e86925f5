"""Replacing the symbols or the atoms of a size; the result is in normal form."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from archlint.symbolic.atom import Atom, FloorDiv, Min, Size, Symbol
from archlint.symbolic.expr import floordiv, from_atom
from archlint.symbolic.minmax import maximum, minimum
from archlint.symbolic.step_functions import StepFunction, step_function


def substitute(size: Size, values: Mapping[str, Size]) -> Size:
    """The size with symbols replaced by ``values``; other symbols stay.

    ``ZeroDivisionError`` where a divisor becomes the number 0.
    """
    return map_atoms(size, lambda atom: _substitute_atom(atom, values))


def map_atoms(size: Size, change: Callable[[Atom], Size]) -> Size:
    """The size with each of its atoms replaced by ``change(atom)``.

    ``change`` gets the factors of the terms, not the atoms inside other atoms.
    """
    if isinstance(size, int):
        return size
    result: Size = size.const
    for monomial, coef in size.terms:
        term: Size = coef
        for atom in monomial:
            term = term * change(atom)
        result = result + term
    return result


def _substitute_atom(atom: Atom, values: Mapping[str, Size]) -> Size:
    if isinstance(atom, Symbol):
        return values[atom.name] if atom.name in values else from_atom(atom)
    return with_operands(atom, [substitute(a, values) for a in atom.operands()])


def with_operands(atom: Atom, operands: Sequence[Size]) -> Size:
    """The atom applied to other ``operands``; a symbol has none."""
    if isinstance(atom, Symbol):
        return from_atom(atom)
    if isinstance(atom, FloorDiv):
        return floordiv(*operands)
    if isinstance(atom, StepFunction):
        return step_function(type(atom), *operands)
    return minimum(*operands) if isinstance(atom, Min) else maximum(*operands)
