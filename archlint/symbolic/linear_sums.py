"""Sums that are linear in one of their sizes."""

from __future__ import annotations

from archlint.symbolic.atom import Atom, Size, Symbol, atoms
from archlint.symbolic.expr import from_atom, polynomial


def linear_parts(size: Size, name: str) -> tuple[Size, Size] | None:
    """``factor, rest`` of ``factor * name + rest``; ``None`` if the size is no such sum."""
    if isinstance(size, int):
        return 0, size
    factor: Size = 0
    rest: Size = size.const
    for monomial, coef in size.terms:
        others = tuple(atom for atom in monomial if not _is(atom, name))
        power = len(monomial) - len(others)
        if power > 1 or (others and any(_is(a, name) for a in atoms(from_atom(*others)))):
            return None
        term: Size = polynomial(0, ((others, coef),)) if others else coef
        if power:
            factor = factor + term
        else:
            rest = rest + term
    return factor, rest


def _is(atom: Atom, name: str) -> bool:
    return isinstance(atom, Symbol) and atom.name == name
