"""Floats made from sizes that are known exactly although no ratio states them."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

from archlint.symbolic import Expr
from archlint.symbolic.rational import Ratio, is_small, ratio_add, ratio_of

_MOST_ADDENDS = 4
_ADDEND_DENOMINATORS = (1, 2, 4)


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


class Logarithm:
    """The float ``math.log2(size)`` of a size of at least 1.

    It is a whole number for powers of two only, and for sizes below 2**46 its floor is that of the
    exact logarithm.
    """

    __slots__ = ("size",)

    def __init__(self, size: Expr) -> None:
        self.size = size

    def evaluate(self, env: Mapping[str, int]) -> float:
        return math.log2(self.size.evaluate(env))

    def __repr__(self) -> str:
        return f"log2({self.size})"


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
