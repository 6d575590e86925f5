"""Sums and products in normal form."""

from __future__ import annotations

from collections.abc import Mapping

from archlint.symbolic.atom import Atom, FloorDiv, Monomial, Size
from archlint.symbolic.expr import Expr, polynomial, remembered


@remembered
def add(left: Expr, right: Size) -> Size:
    """``left + right``."""
    if isinstance(right, int):
        return left if right == 0 else polynomial(left.const + right, left.terms)
    terms = dict(left.terms)
    for monomial, coef in right.terms:
        terms[monomial] = terms.get(monomial, 0) + coef
    return collected(left.const + right.const, terms)


@remembered
def multiply(left: Expr, right: Size) -> Size:
    """``left * right``."""
    if isinstance(right, int):
        if right == 0:
            return 0
        if right == 1:
            return left
        return polynomial(left.const * right, tuple((m, c * right) for m, c in left.terms))
    terms: dict[Monomial, int] = {}
    ours = (*left.terms, ((), left.const)) if left.const else left.terms
    theirs = (*right.terms, ((), right.const)) if right.const else right.terms
    for m1, c1 in ours:
        for m2, c2 in theirs:
            m = tuple(sorted(m1 + m2, key=_atom_order)) if m1 and m2 else m1 or m2
            terms[m] = terms.get(m, 0) + c1 * c2
    return collected(terms.pop((), 0), terms)


def collected(const: int, terms: Mapping[Monomial, int]) -> Size:
    """The size ``const + terms``; the terms in any order, coefficients of zero among them."""
    kept = [(m, c) for m, c in terms.items() if c]
    if len(kept) > 1:
        for monomial, coef in kept:
            if len(monomial) == 1 and isinstance(monomial[0], FloorDiv):
                halved = _join_halves(const, dict(kept), monomial[0], coef)
                if halved is not None:
                    return halved
    if not kept:
        return const
    if len(kept) > 1:
        kept.sort(key=_monomial_order)
    return polynomial(const, tuple(kept))


def _join_halves(const: int, terms: dict[Monomial, int], half: FloorDiv, coef: int) -> Size | None:
    """``x//2 + (x+1)//2`` is ``x``, and ``x - x//2`` is ``(x+1)//2``; ``None`` if neither is there.

    ``half`` is ``x//2``; for ``a//8``, ``x`` is ``a//4``.
    """
    if not isinstance(half.den, int) or half.den % 2:
        return None
    x = half.num // (half.den // 2)
    if not isinstance(x, Expr):
        return None
    other_half = (x + 1) // 2
    if isinstance(other_half, Expr) and not other_half.const and len(other_half.terms) == 1:
        (monomial, _) = other_half.terms[0]
        both = terms.get(monomial, 0)
        if both and (both > 0) == (coef > 0):
            times = min(abs(both), abs(coef)) * (1 if coef > 0 else -1)
            terms[monomial] -= times
            terms[half,] -= times
            return collected(const, terms) + x * times
    whole = [(m, c * -coef) for m, c in x.terms]
    if all(abs(terms.get(m, 0)) >= abs(c) and terms.get(m, 0) * c > 0 for m, c in whole):
        for m, c in whole:
            terms[m] -= c
        del terms[half,]
        return collected(const + x.const * coef, terms) + other_half * -coef
    return None


def _atom_order(atom: Atom) -> tuple[int, str]:
    return atom.order


def _monomial_order(term: tuple[Monomial, int]) -> tuple[object, ...]:
    # Graded: exact division needs an order that multiplication respects.
    monomial = term[0]
    return (-len(monomial), [a.order for a in monomial])
