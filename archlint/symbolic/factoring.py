"""Factors of polynomials: ``H*W - 2*H - 2*W + 4`` is ``(H-2)*(W-2)``.

Factors that are sums are those that a linear atom or an integer root shows; a polynomial may have
others.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from archlint.symbolic.atom import Atom, FloorDiv, Size, content, divide_monomial
from archlint.symbolic.division import exact_quotient
from archlint.symbolic.expr import Expr, cached, divide_polynomial, floordiv, from_atom
from archlint.symbolic.substitution import map_atoms, with_operands

_MAX_TERMS = 16  # of a polynomial that is factored
_MAX_ROOT = 4096


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
    sums = _split(left)
    negative = [f for f in sums if f.terms[0][1] < 0]
    number *= (-1) ** len(negative)
    plain = (-f if f in negative else f for f in sums)
    return Product(number, (*map(from_atom, monomial), *plain), 0)


def _split(expr: Expr) -> tuple[Expr, ...]:
    """The factors of an expression whose terms have no factor in common."""
    if len(expr.terms) > 1 and len(expr.terms) > _MAX_TERMS:
        return (expr,)
    for divisor in _possible_divisors(expr):
        quotient = exact_quotient(expr, divisor)
        if isinstance(quotient, Expr):
            return (*_split(divisor), *_split(quotient))
    return (expr,)


def _possible_divisors(expr: Expr) -> Iterator[Expr]:
    """Sums that may divide the expression: factors of an atom's coefficient, and linear ones."""
    for atom, degree in _degrees(expr).items():
        if degree > 1 and abs(expr.const) <= _MAX_ROOT:
            for root in range(1, abs(expr.const) + 1):
                if expr.const % root == 0:
                    yield from (_sum(from_atom(atom), -root), _sum(from_atom(atom), root))
        coefficient = _coefficient(expr, atom) if degree == 1 else 0
        if isinstance(coefficient, Expr):
            yield from (f for f in factors(coefficient).factors if f.const or len(f.terms) > 1)


def _sum(expr: Expr, number: int) -> Expr:
    result = expr + number
    assert isinstance(result, Expr)
    return result


def _degrees(expr: Expr) -> dict[Atom, int]:
    """The highest power of each atom that is in a product."""
    degrees: dict[Atom, int] = {}
    for monomial, _ in expr.terms:
        for atom in monomial:
            degrees[atom] = max(degrees.get(atom, 0), monomial.count(atom))
    return degrees


def _coefficient(expr: Expr, atom: Atom) -> Size:
    """What the atom is multiplied with, if it occurs in no higher power."""
    result: Size = 0
    for monomial, coef in expr.terms:
        others = divide_monomial(monomial, (atom,))
        if others is not None:
            result = result + (from_atom(*others) * coef if others else coef)
    return result


@cached
def products_with_rest(expr: Expr) -> tuple[Product, ...]:
    """The expression as products plus numbers, with two factors or more, one of them a sum."""
    found = [factors(expr)] if len(expr.terms) <= _MAX_TERMS else []
    for atom, degree in _degrees(expr).items():
        coefficient = _coefficient(expr, atom) if degree == 1 else 0
        if isinstance(coefficient, int) or len(expr.terms) > _MAX_TERMS:
            continue
        divisor = floordiv(coefficient, content(coefficient)[1])
        assert isinstance(divisor, Expr)
        _, rest = divide_polynomial(expr - from_atom(atom) * coefficient, divisor)
        if isinstance(rest, int) and rest:
            product = expr - rest
            assert isinstance(product, Expr)
            found.append(factors(product)._replace(rest=rest))
    sums = [p for p in found if any(f.const or len(f.terms) > 1 for f in p.factors)]
    return tuple(dict.fromkeys(p for p in sums if len(p.factors) > 1))


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
