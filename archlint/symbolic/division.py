"""Division and remainder, which round towards minus infinity as Python's do."""

from __future__ import annotations

import math
from fractions import Fraction

from archlint.symbolic.arithmetic import collected
from archlint.symbolic.atom import FloorDiv, Monomial, Size, floordiv_atom
from archlint.symbolic.expr import Expr, of_atom, polynomial, remembered


@remembered
def floordiv(num: Size, den: Size) -> Size:
    """``num // den``. ``ZeroDivisionError`` if ``den`` is the number 0.

    Where ``den`` is symbolic the result is meant where ``den != 0`` only; whoever divides claims
    that (a zero divisor raises in Python as it does here).
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
    quotient, rest = divided(num, den)
    if isinstance(rest, int) and rest == 0:
        return quotient
    if isinstance(num, int):
        num = polynomial(num, ())
    return of_atom(floordiv_atom(num, den))


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
    result = collected(whole_const, outer)
    if not inner:
        return result
    common = math.gcd(den, *inner.values())
    if common > 1:
        inner = {m: c // common for m, c in inner.items()}
        const //= common
        den //= common
        if den == 1:
            return result + collected(const, inner)
    rest = collected(const, inner)
    assert isinstance(rest, Expr)
    sign = 1
    if rest.terms[0][1] < 0:  # (-x)//k == -((x+k-1)//k)
        sign = -1
        lift, const = divmod(den - 1 - rest.const, den)
        result = result - lift
        rest = polynomial(const, (-rest).terms)
    if len(rest.terms) == 1:
        (monomial, coef) = rest.terms[0]
        if coef == 1 and len(monomial) == 1:
            atom = monomial[0]
            if isinstance(atom, FloorDiv) and isinstance(atom.den, int):  # (a//m + c)//n
                nested = floordiv(atom.num + rest.const * atom.den, atom.den * den)
                return result + nested * sign
    return result + of_atom(floordiv_atom(rest, den)) * sign


def divided(num: Size, den: Expr) -> tuple[Size, Size]:
    """Polynomial division: ``num == quotient * den + rest``; ``rest`` is 0 iff it divides."""
    lead, lead_coef = den.terms[0]
    quotient: Size = 0
    rest = num
    for _ in range(4 * _size_of(num) + 8):
        if not isinstance(rest, Expr):
            break
        for monomial, coef in rest.terms:
            factor = without(monomial, lead)
            if factor is not None and coef % lead_coef == 0:
                break
        else:
            break
        step = collected(0, {factor: coef // lead_coef}) if factor else coef // lead_coef
        quotient = quotient + step
        following = rest - step * den
        if following is rest or _size_of(following) > 4 * _size_of(num) + 8:
            break
        rest = following
    return quotient, rest


def _size_of(size: Size) -> int:
    return len(size.terms) if isinstance(size, Expr) else 0


def without(monomial: Monomial, factors: Monomial) -> Monomial | None:
    """The monomial divided by ``factors``; ``None`` if it has not all of them."""
    rest = list(monomial)
    for atom in factors:
        if atom not in rest:
            return None
        rest.remove(atom)
    return tuple(rest)


@remembered
def exact_quotient(num: Size, den: Size) -> Size | None:
    """``q`` with ``num == q * den`` for all sizes, or ``None`` if the algebra finds none."""
    if isinstance(den, int):
        if den == 0:
            return None
        if isinstance(num, int):
            return num // den if num % den == 0 else None
        if num.const % den == 0 and all(c % den == 0 for _, c in num.terms):
            return floordiv(num, den)
        return None
    quotient, rest = divided(num, den)
    return quotient if isinstance(rest, int) and rest == 0 else None


def mod(num: Size, den: Size) -> Size:
    """``num % den``, with the sign of ``den`` as in Python."""
    return num % den


def ceildiv(num: Size, den: Size) -> Size:
    """``num / den`` rounded up."""
    return -floordiv(-num, den)
