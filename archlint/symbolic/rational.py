"""Exact ratios of sizes, in place of the floats that true division and float factors make.

A float stays exact here only where IEEE 754 double arithmetic (53 bits) gives the same floor and
ceiling; the functions return ``None`` where it might not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from archlint.symbolic import Expr, Size, ceildiv, evaluate, exact_quotient, factor_text, floordiv
from archlint.symbolic.formula import Bool, ge

_EXACT_BELOW = 1 << 20
"""Numerators and denominators below this stay exact in a double when multiplied with sizes."""

MAX_ROUNDINGS = 16
"""Roundings after which an :class:`Opaque` float has no approximation any more."""


class Ratio:
    """An exact ``num / den`` made by true division or by multiplying with a float.

    ``den`` is a size that is not 0 where the ratio is used. ``rounded``: the float that it stands
    for was rounded once (``H / 3``). It is still the nearest double, so its floor and ceiling are
    those of the exact quotient, but further arithmetic on it would not be exact.
    """

    __slots__ = ("den", "num", "rounded")

    def __init__(self, num: Size, den: Size = 1, rounded: bool = False) -> None:
        self.num = num
        self.den = den
        self.rounded = rounded

    def floor(self) -> Size:
        """The largest size that is not above the ratio."""
        return floordiv(self.num, self.den)

    def ceil(self) -> Size:
        """The smallest size that is not below the ratio."""
        return ceildiv(self.num, self.den)

    def evaluate(self, env: Mapping[str, int]) -> Fraction:
        """The value at concrete sizes. ``ZeroDivisionError`` where ``den`` is 0."""
        return Fraction(evaluate(self.num, env), evaluate(self.den, env))

    def __repr__(self) -> str:
        return f"{factor_text(self.num)}/{factor_text(self.den)}"


class Opaque:
    """A float made from sizes that no exact ratio stands for; its ``value`` is the path's example.

    Code that reads the value fixes the ``sizes`` it was made from. ``approximation`` is the ratio
    it would be without its ``roundings``, each of which changes a double by at most 2**-53 of
    itself; ``None`` where there is no such ratio.
    """

    __slots__ = ("approximation", "roundings", "sizes", "value")

    def __init__(
        self,
        value: float,
        sizes: tuple[Size, ...],
        approximation: Ratio | None = None,
        roundings: int = 0,
    ) -> None:
        self.value = value
        self.sizes = sizes
        self.approximation = approximation if roundings <= MAX_ROUNDINGS else None
        self.roundings = roundings

    def __repr__(self) -> str:
        return f"{self.value}"


def approximate(value: object) -> tuple[Ratio, int] | None:
    """The ratio that a number, size or float would be without roundings, and how many it had.

    ``None`` if there is no such ratio.
    """
    if isinstance(value, Opaque):
        return None if value.approximation is None else (value.approximation, value.roundings)
    ratio = ratio_of(value)
    return None if ratio is None else (ratio, int(ratio.rounded))


def whole_of(number: object) -> Any:
    """The size that a float is exactly, as in ``float(H)``; any other number as it is."""
    exact = isinstance(number, Ratio) and number.den == 1 and not number.rounded
    return number.num if isinstance(number, Ratio) and exact else number


def ratio_of(value: object) -> Ratio | None:
    """A number or size as an exact ratio; ``None`` where a double could not hold it exactly."""
    if isinstance(value, Ratio):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        exact = Fraction(value)
        if abs(exact.numerator) >= _EXACT_BELOW or exact.denominator > _EXACT_BELOW:
            return None
        return Ratio(exact.numerator, exact.denominator)
    if isinstance(value, (int, Expr)):
        return Ratio(value) if is_representable(value) else None
    return None


def is_representable(size: Size) -> bool:
    """Whether a double holds the size: it has no coefficient that sizes would take above 2**53."""
    if isinstance(size, int):
        return abs(size) <= 1 << 53
    return abs(size.const) < _LARGE and all(abs(c) < _LARGE for _, c in size.terms)


_LARGE = 1 << 33


def compares_exactly(known: Callable[[Bool], bool | None], ratio: Ratio) -> bool:
    """Whether comparing two such ratios as doubles gives the result of exact comparison.

    True for a number divided by a number or by a sum of sizes, all positive: two of these that
    differ, differ by more than a rounding, for sizes below ``2**31``. ``known`` gives the truth of
    a formula on the path.
    """
    num, den = ratio.num, ratio.den
    if not isinstance(num, int) or not 0 < num < _EXACT_BELOW:
        return False
    if isinstance(den, int):
        return 0 < den < _EXACT_BELOW
    return all(len(m) == 1 and c == 1 for m, c in den.terms) and known(ge(den, 1)) is True


def is_small(size: Size) -> bool:
    """Whether the size is below 2**48, as far as sizes are below 2**20."""
    if isinstance(size, int):
        return abs(size) < 1 << 48
    return abs(size.const) + sum(abs(c) << 20 * len(m) for m, c in size.terms) < 1 << 48


def ratio_add(a: Ratio, b: Ratio) -> Ratio | None:
    """``a + b`` where floats would be exact, else ``None``."""
    if a.rounded or b.rounded or not isinstance(a.den, int) or not isinstance(b.den, int):
        return None
    den = math.lcm(a.den, b.den)
    return _representable(reduced(a.num * (den // a.den) + b.num * (den // b.den), den))


def _representable(ratio: Ratio) -> Ratio | None:
    """The ratio, if doubles hold its numerator and denominator."""
    return ratio if is_representable(ratio.num) and is_representable(ratio.den) else None


def ratio_mul(a: Ratio, b: Ratio) -> Ratio | None:
    """``a * b`` where floats would be exact (or only scaled by a power of two), else ``None``."""
    for x, y in ((a, b), (b, a)):
        if x.rounded:
            if y.rounded or not (isinstance(y.num, int) and isinstance(y.den, int)):
                return None
            if y.num <= 0 or y.num & (y.num - 1):
                return None
    result = reduced(a.num * b.num, a.den * b.den)
    result.rounded = a.rounded or b.rounded
    return _representable(result)


def ratio_div(a: Ratio, b: Ratio) -> Ratio | None:
    """``a / b``, correctly rounded once; ``None`` where a second rounding could show.

    ``ZeroDivisionError`` if ``b`` is the number 0.
    """
    if isinstance(b.num, int) and b.num == 0:
        raise ZeroDivisionError("division by zero")
    if a.rounded or b.rounded:
        return ratio_mul(a, Ratio(b.den, b.num)) if not b.rounded else None
    if isinstance(b.num, int) and b.num < 0:
        b = Ratio(-b.num, -b.den)
    quotient = reduced(a.num * b.den, a.den * b.num)
    den = quotient.den
    quotient.rounded = not (isinstance(den, int) and den & (den - 1) == 0)
    return _representable(quotient)


def reduced(num: Size, den: Size) -> Ratio:
    """``num / den`` without common factors, as far as the algebra finds them."""
    whole = exact_quotient(num, den)
    if whole is not None:
        return Ratio(whole, 1)
    if isinstance(den, int) and den:
        common = math.gcd(den, *_coefficients(num))
        return Ratio(floordiv(num, common), den // common) if common > 1 else Ratio(num, den)
    return Ratio(num, den)


def _coefficients(size: Size) -> tuple[int, ...]:
    return (size,) if isinstance(size, int) else (size.const, *(c for _, c in size.terms))
