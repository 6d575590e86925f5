"""Sizes as products of factors: ``H*W - 2*H - 2*W + 4`` is ``(H-2)*(W-2)``."""

from __future__ import annotations

from typing import NamedTuple

from archlint.symbolic.atom import Atom, FloorDiv, Monomial, Size
from archlint.symbolic.division import exact_quotient
from archlint.symbolic.expr import (
    Expr,
    cached,
    content,
    divide_polynomial,
    floordiv,
    from_atom,
    from_terms,
    terms_of,
)
from archlint.symbolic.substitution import map_atoms, with_operands
from archlint.symbolic.term_factors import MAX_TERMS, coefficient, degrees, split


class Product(NamedTuple):
    """``number`` times all ``factors``, plus ``rest``."""

    number: int
    factors: tuple[Expr, ...]
    rest: int


@cached
def factors(expr: Expr) -> Product:
    """The expression as a product; the rest is 0."""
    monomial, number = content(expr)
    left = exact_quotient(expr, from_atom(*monomial) * number if monomial else number)
    assert left is not None
    if isinstance(left, int):
        return Product(number * left, tuple(map(from_atom, monomial)), 0)
    sums = [_size(dict(part)) for part in split(terms_of(left))]
    negative = [f for f in sums if f.terms[0][1] < 0]
    number *= (-1) ** len(negative)
    plain = (-f if f in negative else f for f in sums)
    return Product(number, (*map(from_atom, monomial), *plain), 0)


def _size(terms: dict[Monomial, int]) -> Expr:
    size = from_terms(terms.pop((), 0), terms)
    assert isinstance(size, Expr)
    return size


@cached
def products_with_rest(expr: Expr) -> tuple[Product, ...]:
    """The expression as products plus numbers, with two factors or more, one of them a sum."""
    if len(expr.terms) > MAX_TERMS:
        return ()
    found, terms = [factors(expr)], terms_of(expr)
    for atom, degree in degrees(terms).items():
        cofactor = _cofactor(terms, atom) if degree == 1 else 0
        if isinstance(cofactor, int):
            continue
        divisor = floordiv(cofactor, content(cofactor)[1])
        assert isinstance(divisor, Expr)
        _, rest = divide_polynomial(expr - from_atom(atom) * cofactor, divisor)
        if isinstance(rest, int) and rest:
            product = expr - rest
            assert isinstance(product, Expr)
            found.append(factors(product)._replace(rest=rest))
    sums = [p for p in found if any(f.const or len(f.terms) > 1 for f in p.factors)]
    return tuple(dict.fromkeys(p for p in sums if len(p.factors) > 1))


def _cofactor(terms: dict[Monomial, int], atom: Atom) -> Size:
    cofactor = coefficient(terms, atom)
    return from_terms(cofactor.pop((), 0), cofactor)


def cancelled(size: Size) -> Size:
    """The size with the common factors of its symbolic quotients cancelled, at every depth.

    The same wherever the divisors are not 0.
    """
    return size if isinstance(size, int) else _cancelled(size)


@cached
def _cancelled(expr: Expr) -> Size:
    return map_atoms(expr, _cancelled_atom)


def _cancelled_atom(atom: Atom) -> Size:
    operands = [cancelled(o) for o in atom.operands()]
    if isinstance(atom, FloorDiv) and all(isinstance(o, Expr) for o in operands):
        num, den = operands
        assert isinstance(den, Expr)
        for factor in factors(den).factors:
            less, fewer = exact_quotient(num, factor), exact_quotient(den, factor)
            if less is not None and fewer is not None:
                num, den = less, fewer
        operands = [num, den]
    return with_operands(atom, operands)
