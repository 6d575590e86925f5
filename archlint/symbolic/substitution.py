"""Sizes made again of other atoms or of other symbols."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from archlint.symbolic.atom import Atom, FloorDiv, Min, Size, Symbol
from archlint.symbolic.division import floordiv
from archlint.symbolic.expr import of_atom
from archlint.symbolic.minmax import maximum, minimum


def substitute(size: Size, values: Mapping[str, Size]) -> Size:
    """The size with symbols replaced, in normal form again. Symbols not in ``values`` stay."""
    return with_atoms(size, lambda atom: _substitute_atom(atom, values))


def with_atoms(size: Size, change: Callable[[Atom], Size]) -> Size:
    """The size with every atom of it changed, in normal form again. Operands are not entered."""
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
        return values[atom.name] if atom.name in values else of_atom(atom)
    return operated(atom, [substitute(a, values) for a in atom.operands()])


def operated(atom: Atom, operands: list[Size]) -> Size:
    """What the atom makes of other ``operands``; a symbol has none and stays."""
    if isinstance(atom, Symbol):
        return of_atom(atom)
    if isinstance(atom, FloorDiv):
        return floordiv(*operands)
    return minimum(*operands) if isinstance(atom, Min) else maximum(*operands)
