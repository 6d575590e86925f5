"""Remainders, ceilings and exact quotients, made of floor division."""

from __future__ import annotations

from archlint.symbolic.atom import FloorDiv, Size
from archlint.symbolic.expr import cached, divide_polynomial, floordiv


@cached
def exact_quotient(num: Size, den: Size) -> Size | None:
    """``q`` with ``num == q * den`` at all sizes, or ``None`` if the algebra cannot find one."""
    if isinstance(den, int):
        if den == 0:
            return None
        if isinstance(num, int):
            return num // den if num % den == 0 else None
        if num.const % den == 0 and all(c % den == 0 for _, c in num.terms):
            return floordiv(num, den)
        return None
    quotient, rest = divide_polynomial(num, den)
    return quotient if isinstance(rest, int) and rest == 0 else None


def mod(num: Size, den: Size) -> Size:
    """``num % den``, with the sign of ``den`` as in Python. ``ZeroDivisionError`` for ``% 0``."""
    return num % den


def ceildiv(num: Size, den: Size) -> Size:
    """``num / den`` rounded up. ``ZeroDivisionError`` if ``den`` is the number 0."""
    return -floordiv(-num, den)


def as_quotient(size: Size) -> FloorDiv | None:
    """The quotient rounded down that the size is, if it is one and nothing else."""
    if isinstance(size, int) or size.const or len(size.terms) != 1:
        return None
    ((atom, *others), number) = size.terms[0]
    return atom if not others and number == 1 and isinstance(atom, FloorDiv) else None
