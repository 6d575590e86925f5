"""Sums of products of atoms in normal form, and the arithmetic of Python's operators on them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import lru_cache
from typing import Any, TypeVar, cast

from archlint.symbolic.atom import (
    Atom,
    FloorDiv,
    Monomial,
    Size,
    Symbol,
    atom_order,
    atoms,
    divide_monomial,
    floordiv_atom,
    shared_factors,
    symbol_atom,
    unknown_atom,
)
from archlint.symbolic.printing import expr_text
from archlint.symbolic.term_factors import common_factors, term_order

F = TypeVar("F", bound=Callable[..., Any])


def cached(function: F) -> F:
    """Cache the results: a trace computes the same few sums and quotients again and again."""
    return cast(F, lru_cache(maxsize=1 << 15)(function))


class Expr:
    """A polynomial over atoms: ``const + sum(coef * monomial)``, never a bare integer.

    Interned: two equal expressions are one object, so ``==`` and ``hash`` are by identity.
    :func:`symbol` makes one; Python's operators combine them. ``ZeroDivisionError`` for a division
    by the number 0, ``TypeError`` where a truth value or an order would depend on the input.
    """

    __slots__ = ("const", "terms")
    const: int
    terms: tuple[tuple[Monomial, int], ...]

    def __add__(self, other: Size) -> Size:
        return add(self, other) if isinstance(other, (int, Expr)) else NotImplemented

    __radd__ = __add__

    def __neg__(self) -> Expr:
        return _negative(self)

    def __sub__(self, other: Size) -> Size:
        if not isinstance(other, (int, Expr)):
            return NotImplemented
        return add(self, -other)

    def __rsub__(self, other: int) -> Size:
        return -self + other

    def __mul__(self, other: Size) -> Size:
        return multiply(self, other) if isinstance(other, (int, Expr)) else NotImplemented

    __rmul__ = __mul__

    def __floordiv__(self, other: Size) -> Size:
        if not isinstance(other, (int, Expr)):
            return NotImplemented
        return floordiv(self, other)

    def __rfloordiv__(self, other: int) -> Size:
        return floordiv(other, self)

    def __mod__(self, other: Size) -> Size:
        if not isinstance(other, (int, Expr)):
            return NotImplemented
        return self - self // other * other

    def __rmod__(self, other: int) -> Size:
        return other - other // self * self

    def __pow__(self, power: int) -> Size:
        if not isinstance(power, int) or power < 0:
            return NotImplemented
        result: Size = 1
        for _ in range(power):
            result = self * result
        return result

    def __bool__(self) -> bool:
        raise TypeError(f"whether the size {self} is true depends on the input; compare it instead")

    def __lt__(self, other: object) -> bool:
        raise TypeError(
            f"comparing the size {self} gives a formula; use lt, le, gt or ge of archlint.extend"
        )

    __le__ = __gt__ = __ge__ = __lt__

    def evaluate(self, env: Mapping[str, int]) -> int:
        """The value at concrete sizes. ``KeyError`` for a symbol that ``env`` lacks."""
        total = self.const
        for monomial, coef in self.terms:
            for atom in monomial:
                coef *= atom.evaluate(env)
            total += coef
        return total

    def symbols(self) -> frozenset[str]:
        """The names of the symbols that occur anywhere in the expression."""
        return frozenset(a.name for a in atoms(self) if isinstance(a, Symbol))

    def __str__(self) -> str:
        return expr_text(self)

    __repr__ = __str__

    def __reduce__(self) -> tuple[object, ...]:
        return polynomial, (self.const, self.terms)

    def __copy__(self) -> Expr:
        return self

    def __deepcopy__(self, memo: object) -> Expr:
        return self


_EXPRS: dict[object, Expr] = {}


def polynomial(const: int, terms: tuple[tuple[Monomial, int], ...]) -> Expr:
    """The one object for ``const + terms``.

    ``terms`` must be in normal form: sorted, no coefficient of zero. :func:`from_terms` accepts
    others.
    """
    key = (const, terms)
    expr = _EXPRS.get(key)
    if expr is None:
        expr = object.__new__(Expr)
        expr.const = const
        expr.terms = terms
        expr = _EXPRS.setdefault(key, expr)
    return expr


def from_atom(*factors: Atom) -> Expr:
    """The product of one or more atoms, in their order, as a size."""
    return polynomial(0, ((factors, 1),))


def symbol(name: str) -> Expr:
    """The size called ``name``."""
    return from_atom(symbol_atom(name))


def unknown(number: int, low: Size | None, most: tuple[Size, ...]) -> Expr:
    """The ``number``-th unknown of a run, at least ``low`` and at most each of ``most``."""
    return from_atom(unknown_atom(number, low, most))


# -- sums and products --------------------------------------------------------------------------


@cached
def _negative(expr: Expr) -> Expr:
    return polynomial(-expr.const, tuple((m, -c) for m, c in expr.terms))


@cached
def add(left: Expr, right: Size) -> Size:
    """``left + right``."""
    if isinstance(right, int):
        return left if right == 0 else polynomial(left.const + right, left.terms)
    terms = dict(left.terms)
    for monomial, coef in right.terms:
        terms[monomial] = terms.get(monomial, 0) + coef
    return from_terms(left.const + right.const, terms)


@cached
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
            m = tuple(sorted(m1 + m2, key=atom_order)) if m1 and m2 else m1 or m2
            terms[m] = terms.get(m, 0) + c1 * c2
    return from_terms(terms.pop((), 0), terms)


def from_terms(const: int, terms: Mapping[Monomial, int]) -> Size:
    """The size ``const + terms``; the terms in any order, with coefficients of zero or without."""
    nonzero = [(m, c) for m, c in terms.items() if c]
    if len(nonzero) > 1:
        for monomial, coef in nonzero:
            if len(monomial) == 1 and isinstance(monomial[0], FloorDiv):
                joined = _join_halves(const, dict(nonzero), monomial[0], coef)
                if joined is not None:
                    return joined
    if not nonzero:
        return const
    if len(nonzero) > 1:
        nonzero.sort(key=lambda term: term_order(term[0]))
    return polynomial(const, tuple(nonzero))


def _join_halves(const: int, terms: dict[Monomial, int], half: FloorDiv, coef: int) -> Size | None:
    """Apply ``x//2 + (x+1)//2 == x`` or ``x - x//2 == (x+1)//2``; ``None`` if neither applies.

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
            return from_terms(const, terms) + x * times
    whole = [(m, c * -coef) for m, c in x.terms]
    if all(abs(terms.get(m, 0)) >= abs(c) and terms.get(m, 0) * c > 0 for m, c in whole):
        for m, c in whole:
            terms[m] -= c
        del terms[half,]
        return from_terms(const + x.const * coef, terms) + other_half * -coef
    return None


def content(expr: Expr) -> tuple[Monomial, int]:
    """The atoms and the positive number that are factors of every term."""
    return common_factors(terms_of(expr))


def terms_of(expr: Expr) -> dict[Monomial, int]:
    """The coefficients of its monomials, that of ``()`` being the constant."""
    return {**dict(expr.terms), (): expr.const} if expr.const else dict(expr.terms)


# -- division, which rounds towards minus infinity as Python's does -------------------------------


@cached
def floordiv(num: Size, den: Size) -> Size:
    """``num // den``. ``ZeroDivisionError`` if ``den`` is the number 0.

    With a symbolic ``den`` the result is valid only where ``den != 0``; the caller claims that (a
    zero divisor raises in Python as it does here).
    """
    if isinstance(den, int):
        if isinstance(num, int):
            return num // den
        if den == 1:
            return num
        if den < 0:
            return floordiv(-num, -den)
        if den == 0:
            raise ZeroDivisionError(f"{num} // 0")
        return _floordiv_number(num, den)
    if isinstance(num, int) and num == 0:
        return 0
    num, den = _without_common_factor(num, den)
    if isinstance(den, int):
        return floordiv(num, den)
    quotient, rest = divide_polynomial(num, den)
    if isinstance(rest, int) and rest == 0:
        return quotient
    if isinstance(num, int):
        num = polynomial(num, ())
    return from_atom(floordiv_atom(num, den))


def _without_common_factor(num: Size, den: Expr) -> tuple[Size, Size]:
    """Numerator and denominator without the numbers and atoms that are factors of both.

    ``(896*H*W) // (224*H*H)`` is ``(4*W) // H``. The quotient is the same wherever ``den != 0``.
    """
    common, factor = content(den)
    if not isinstance(num, int):
        theirs, times = content(num)
        common = shared_factors(common, theirs)
        factor = math.gcd(factor, times)
    else:
        common = ()
        factor = math.gcd(factor, num)
    if all(c <= 0 for c in (den.const, *(c for _, c in den.terms))):
        factor = -factor
    if not common and factor == 1:
        return num, den
    return _divided(num, common, factor), _divided(den, common, factor)


def _divided(size: Size, common: Monomial, factor: int) -> Size:
    """The size divided by a product of atoms and numbers that are factors of every term."""
    if isinstance(size, int):
        return size // factor
    const = size.const // factor
    terms: dict[Monomial, int] = {}
    for monomial, coef in size.terms:
        rest = divide_monomial(monomial, common)
        assert rest is not None
        if rest:
            terms[rest] = coef // factor
        else:
            const += coef // factor
    return from_terms(const, terms)


def _floordiv_number(num: Expr, den: int) -> Size:
    outer: dict[Monomial, int] = {}
    inner: dict[Monomial, int] = {}
    for monomial, coef in num.terms:
        whole = int(Fraction(coef, den))  # towards zero, so that -H stays -H
        if whole:
            outer[monomial] = whole
        if coef - whole * den:
            inner[monomial] = coef - whole * den
    whole_const, const = divmod(num.const, den)
    result = from_terms(whole_const, outer)
    if not inner:
        return result
    common = math.gcd(den, *inner.values())
    if common > 1:
        inner = {m: c // common for m, c in inner.items()}
        const //= common
        den //= common
        if den == 1:
            return result + from_terms(const, inner)
    rest = from_terms(const, inner)
    assert isinstance(rest, Expr)
    sign = 1
    if rest.terms[0][1] < 0:  # (-x)//k == -((x+k-1)//k)
        sign = -1
        carry, const = divmod(den - 1 - rest.const, den)
        result = result - carry
        rest = polynomial(const, (-rest).terms)
    if len(rest.terms) == 1:
        (monomial, coef) = rest.terms[0]
        if coef == 1 and len(monomial) == 1:
            atom = monomial[0]
            if isinstance(atom, FloorDiv) and isinstance(atom.den, int):  # (a//m + c)//n
                nested = floordiv(atom.num + rest.const * atom.den, atom.den * den)
                return result + nested * sign
    return result + from_atom(floordiv_atom(rest, den)) * sign


def divide_polynomial(num: Size, den: Expr) -> tuple[Size, Size]:
    """Quotient and rest of polynomial division: ``num == quotient * den + rest``.

    The rest is 0 if and only if ``den`` divides ``num``. It may be larger than ``den`` in value:
    this is not Python's ``divmod``.
    """
    lead, lead_coef = den.terms[0]
    quotient: Size = 0
    rest = num
    for _ in range(4 * _term_count(num) + 8):
        if not isinstance(rest, Expr):
            break
        for monomial, coef in rest.terms:
            factor = divide_monomial(monomial, lead)
            if factor is not None and coef % lead_coef == 0:
                break
        else:
            break
        step = from_terms(0, {factor: coef // lead_coef}) if factor else coef // lead_coef
        quotient = quotient + step
        next_rest = rest - step * den
        if next_rest is rest or _term_count(next_rest) > 4 * _term_count(num) + 8:
            break
        rest = next_rest
    return quotient, rest


def _term_count(size: Size) -> int:
    return len(size.terms) if isinstance(size, Expr) else 0
