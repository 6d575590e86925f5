"""Floats made from sizes that are known exactly although no ratio states them."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from archlint.symbolic import Expr
from archlint.symbolic.rational import Ratio, is_small, ratio_add, ratio_of

_MOST_ADDENDS = 4
_ADDEND_DENOMINATORS = (1, 2, 4)

NATURAL, BINARY, DECIMAL = math.log, math.log2, math.log10
"""The functions themselves, in whose place ``math`` has others during a trace."""


class Root:
    """The float ``math.sqrt(size)`` of a size that is not negative and no known square.

    For sizes below 2**52 its floor is that of the exact root, and it compares with whole numbers as
    the exact root does: the distance of two such roots is more than a rounding.
    """

    __slots__ = ("size",)

    def __init__(self, size: Expr) -> None:
        self.size = size

    def evaluate(self, env: Mapping[str, int]) -> float:
        return math.sqrt(self.size.evaluate(env))

    def __repr__(self) -> str:
        return f"sqrt({self.size})"


def log_by_two(number: float) -> float:
    """What ``math.log(number, 2)`` computes, which may miss the whole number of a power."""
    return NATURAL(number) / NATURAL(2)


def log_by_ten(number: float) -> float:
    """What ``math.log(number, 10)`` computes, which may miss the whole number of a power."""
    return NATURAL(number) / NATURAL(10)


class Logarithm:
    """The float ``times * plain(size)`` of a size of at least 1.

    ``plain`` is ``math.log2``, ``math.log``, ``math.log10``, :func:`log_by_two` or
    :func:`log_by_ten`; of the last two ``times`` is 1. For sizes below 2**42 its floor is that of
    the exact logarithm, but for the powers that the last two miss.
    """

    __slots__ = ("plain", "size", "times")

    def __init__(self, size: Expr, plain: Callable[[float], float], times: int = 1) -> None:
        self.size = size
        self.plain = plain
        self.times = times

    def at(self, size: int) -> float:
        """The float for a plain size."""
        return self.times * self.plain(size)

    def scaled(self, factor: Any) -> Logarithm | None:
        """The logarithm times one of the whole numbers from 1 to 10; ``None`` for others."""
        few = isinstance(factor, (int, float)) and factor in range(1, 11)
        if not few or self.plain in (log_by_two, log_by_ten):
            return None
        return Logarithm(self.size, self.plain, self.times * int(factor))

    def divided(self, divisor: Any) -> Logarithm | None:
        """A natural logarithm divided by that of 2 or 10; ``None`` for others."""
        if self.plain is not NATURAL or self.times != 1 or not isinstance(divisor, float):
            return None
        by = {NATURAL(2): log_by_two, NATURAL(10): log_by_ten}.get(divisor)
        return None if by is None else Logarithm(self.size, by)

    def first(self, reached: Callable[[float], bool]) -> int | None:
        """The smallest size from which on ``reached`` holds of the float; ``None`` below 2**63."""
        low, high = 1, _MOST
        if not reached(self.at(high)):
            return None
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if reached(self.at(middle)) else (middle + 1, high)
        return low

    def evaluate(self, env: Mapping[str, int]) -> float:
        return self.at(self.size.evaluate(env))

    def __repr__(self) -> str:
        factor = f"{self.times}*" if self.times != 1 else ""
        return f"{factor}{self.plain.__name__}({self.size})"


_MOST = 2**63 - 1


@cache
def powers_missed(plain: Callable[[float], float], above: bool) -> list[int]:
    """The powers whose logarithm is a whole number, and computed as above or below it."""
    base = 2 if plain is log_by_two else 10 if plain is log_by_ten else None
    powers = [] if base is None else [base**k for k in range(63) if base**k <= _MOST]
    missed = (n for k, n in enumerate(powers) if (plain(n) > k if above else plain(n) < k))
    return list(missed)


class QuotientSum:
    """A rounded quotient plus numbers that doubles hold exactly, as in ``(L - 3) / 5 + 1``.

    Where the exact sum is a whole number, a half or a quarter, so is the quotient: nothing is
    rounded. Elsewhere it is at least ``1/(4*d)`` from these, for the denominator ``d`` of the
    quotient, and the roundings together are less.
    """

    __slots__ = ("addends", "quotient", "total")

    def __init__(self, quotient: Ratio, addends: tuple[Ratio, ...], total: Ratio) -> None:
        self.quotient = quotient
        self.addends = addends
        self.total = total  # without roundings

    @classmethod
    def of(cls, operation: Callable[..., Any], a: Any, b: Any) -> QuotientSum | None:
        """``a + b`` or ``a - b`` where one is a rounded quotient or has one; ``None`` for others.

        Numerators below 2**48 and denominators of addends up to 4 keep each rounding below
        ``1/(32*d)``, for the common denominator ``d`` before it.
        """
        first, second = _summands(a), _summands(b)
        if operation not in (operator.add, operator.sub) or first is None or second is None:
            return None
        if operation is operator.sub:
            second = [_opposite(number) for number in second]
        quotient, *addends = [*second, *first] if second[0].rounded else [*first, *second]
        if not quotient.rounded or any(number.rounded for number in addends):
            return None
        if len(addends) > _MOST_ADDENDS or not isinstance(quotient.den, int):
            return None
        total = Ratio(quotient.num, quotient.den)
        sums = [total]
        for addend in addends:
            more = ratio_add(total, addend) if addend.den in _ADDEND_DENOMINATORS else None
            if more is None:
                return None
            total = more
            sums.append(more)
        if quotient.den < 1 or not all(is_small(part.num) for part in sums):
            return None
        return cls(quotient, tuple(addends), total)

    @property
    def items(self) -> tuple[Ratio, ...]:
        return (self.quotient, *self.addends)

    def evaluate(self, env: Mapping[str, int]) -> float:
        result = float(self.quotient.evaluate(env))
        for addend in self.addends:
            result += float(addend.evaluate(env))
        return result

    def __repr__(self) -> str:
        return f"{self.total}"


def _summands(number: Any) -> list[Ratio] | None:
    if isinstance(number, QuotientSum):
        return [*number.items]
    ratio = ratio_of(number)
    return None if ratio is None else [ratio]


def _opposite(ratio: Ratio) -> Ratio:
    return Ratio(-ratio.num, ratio.den, ratio.rounded)


class FloatExtremum:
    """The largest or smallest of some floats made from sizes."""

    __slots__ = ("items", "larger")

    def __init__(self, items: tuple[Any, ...], larger: bool) -> None:
        self.items = items
        self.larger = larger

    def __repr__(self) -> str:
        return f"{'max' if self.larger else 'min'}({', '.join(map(str, self.items))})"
