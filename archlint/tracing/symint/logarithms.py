"""Logarithms of sizes: made, and rounded to whole numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from archlint.symbolic import (
    Expr,
    Size,
    bit_length_of,
    formula,
    log10_below,
    log_below,
    power_below,
)
from archlint.symbolic.formula import disj, eq, ge
from archlint.symbolic.rational import ratio_of
from archlint.tracing.symint import comparisons
from archlint.tracing.symint.float_kinds import (
    BINARY,
    DECIMAL,
    NATURAL,
    Logarithm,
    log_by_two,
    powers_missed,
)
from archlint.tracing.symint.numbers import SizePath, Unary, opaque, pinned, settled


def logarithm(plain: Callable[[float], float]) -> Unary:
    """``math.log2``, or another logarithm that :class:`Logarithm` knows."""

    def of(path: SizePath, number: Any) -> Any:
        if isinstance(number, (int, float)):
            return plain(number)
        exact = ratio_of(settled(path, number))
        if exact is None or exact.rounded or exact.den != 1 or isinstance(exact.num, int):
            if not path.branch(comparisons.gt(path, number, 0)):
                raise ValueError("math domain error")
            return opaque(path, plain, number)
        size = path.simplified(exact.num)
        if not path.branch(formula.ge(size, 1)):
            raise ValueError("math domain error")
        return Logarithm(size, plain) if isinstance(size, Expr) else plain(size)

    return of


def floor(path: SizePath, number: Logarithm) -> Size:
    """The largest whole number that is not above."""
    size = number.size**number.times
    if number.plain in (BINARY, log_by_two):
        return bit_length_of(size) - 1
    whole = log_below(size) if number.plain is NATURAL else log10_below(size)
    return whole - 1 if _is_missed(path, number, above=False) else whole


def ceil(path: SizePath, number: Logarithm) -> Size:
    """The smallest whole number that is not below."""
    size = number.size**number.times
    if number.plain in (BINARY, log_by_two):
        whole = bit_length_of(size - 1)
    elif not path.branch(ge(number.size, 2)):
        return 0
    else:  # of a whole number above 1 the natural logarithm is none
        whole = log_below(size) + 1 if number.plain is NATURAL else log10_below(size - 1) + 1
    return whole + 1 if _is_missed(path, number, above=True) else whole


def _is_missed(path: SizePath, number: Logarithm, above: bool) -> bool:
    missed = powers_missed(number.plain, above)
    return bool(missed) and path.branch(disj(*(eq(number.size, n) for n in missed)))


def is_whole(path: SizePath, number: Logarithm) -> Any:
    """Whether it is a whole number."""
    if number.times == 1 and number.plain is BINARY:
        return eq(power_below(number.size), number.size)
    if number.times == 1 and number.plain is NATURAL:
        return eq(number.size, 1)
    if number.times == 1 and number.plain is DECIMAL:
        return disj(*(eq(number.size, 10**k) for k in range(19)))
    return float(pinned(path, number)).is_integer()
