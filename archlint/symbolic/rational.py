"""Exact ratios of sizes: what a true division or a float factor makes of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction

from archlint.symbolic import Expr, Size, ceildiv, evaluate, exact_quotient, floordiv, tight
from archlint.symbolic.formula import Bool, ge

_EXACT = 1 << 20  # numbers that stay exact in a double when they are multiplied with sizes


class Ratio:
    """An exact ``num / den`` made by true division or by multiplying with a float.

    ``den`` is a size that is not 0 where the ratio is used. ``rounded`` says that the float it
    stands for was rounded once (``H / 3``): still the nearest double, so its floor and ceiling are
    those of the exact quotient, but further arithmetic on it would not be exact.
    """

    __slots__ = ("den", "num", "rounded")

    def __init__(self, num: Size, den: Size = 1, rounded: bool = False) -> None:
        self.num = num
        self.den = den
        self.rounded = rounded

    def floor(self) -> Size:
        return floordiv(self.num, self.den)

    def ceil(self) -> Size:
        return ceildiv(self.num, self.den)

    def evaluate(self, env: Mapping[str, int]) -> Fraction:
        return Fraction(evaluate(self.num, env), evaluate(self.den, env))

    def __repr__(self) -> str:
        return f"{tight(self.num)}/{tight(self.den)}"


class Opaque:
    """A float made from sizes that no exact ratio stands for, known at the path's sizes only.

    Whoever asks for its value pins the sizes it was made from. ``near`` is the ratio that it would
    be without ``steps`` roundings of a double, each of which loses 2**-53 of it; ``None`` where
    no ratio is near.
    """

    __slots__ = ("near", "sizes", "steps", "value")

    def __init__(
        self, value: float, sizes: tuple[Size, ...], near: Ratio | None = None, steps: int = 0
    ) -> None:
        self.value = value
        self.sizes = sizes
        self.near = near if steps <= MOST_STEPS else None
        self.steps = steps

    def __repr__(self) -> str:
        return f"{self.value}"


MOST_STEPS = 16


def near(value: object) -> tuple[Ratio, int] | None:
    """The exact ratio that a float is, or would be without some roundings, and how many."""
    if isinstance(value, Opaque):
        return None if value.near is None else (value.near, value.steps)
    ratio = ratio_of(value)
    return None if ratio is None else (ratio, int(ratio.rounded))


def ratio_of(value: object) -> Ratio | None:
    """A number or size as an exact ratio; ``None`` where a double could not keep it exact."""
    if isinstance(value, Ratio):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        exact = Fraction(value)
        if abs(exact.numerator) >= _EXACT or exact.denominator > _EXACT:
            return None
        return Ratio(exact.numerator, exact.denominator)
    if isinstance(value, (int, Expr)):
        return Ratio(value)
    return None


def small(known: Callable[[Bool], bool | None], ratio: Ratio) -> bool:
    """Whether doubles compare it with others such as it is: of a number by a size, both positive.

    Two that differ then do so by more than a rounding, for sizes below ``2**31``.
    """
    num, den = ratio.num, ratio.den
    if not isinstance(num, int) or not 0 < num < _EXACT:
        return False
    if isinstance(den, int):
        return 0 < den < _EXACT
    return all(len(m) == 1 and c == 1 for m, c in den.terms) and known(ge(den, 1)) is True


def ratio_add(a: Ratio, b: Ratio) -> Ratio | None:
    """``a + b`` where floats would be exact, else ``None``."""
    if a.rounded or b.rounded or not isinstance(a.den, int) or not isinstance(b.den, int):
        return None
    den = math.lcm(a.den, b.den)
    return reduced(a.num * (den // a.den) + b.num * (den // b.den), den)


def ratio_mul(a: Ratio, b: Ratio) -> Ratio | None:
    """``a * b`` where floats would be exact (or only scaled by a power of two), else ``None``."""
    for x, y in ((a, b), (b, a)):
        if x.rounded:
            if y.rounded or not (isinstance(y.num, int) and isinstance(y.den, int)):
                return None
            if y.num <= 0 or y.num & (y.num - 1):
                return None
    product_ = reduced(a.num * b.num, a.den * b.den)
    product_.rounded = a.rounded or b.rounded
    return product_


def ratio_div(a: Ratio, b: Ratio) -> Ratio | None:
    """``a / b``, correctly rounded once; ``None`` where a second rounding could show."""
    if isinstance(b.num, int) and b.num == 0:
        raise ZeroDivisionError("division by zero")
    if a.rounded or b.rounded:
        return ratio_mul(a, Ratio(b.den, b.num)) if not b.rounded else None
    if isinstance(b.num, int) and b.num < 0:
        b = Ratio(-b.num, -b.den)
    quotient = reduced(a.num * b.den, a.den * b.num)
    den = quotient.den
    quotient.rounded = not (isinstance(den, int) and den & (den - 1) == 0)
    return quotient


def reduced(num: Size, den: Size) -> Ratio:
    """``num / den``, whole numbers and common factors taken out."""
    whole = exact_quotient(num, den)
    if whole is not None:
        return Ratio(whole, 1)
    if isinstance(den, int) and den:
        common = math.gcd(den, *_coefficients(num))
        return Ratio(floordiv(num, common), den // common) if common > 1 else Ratio(num, den)
    return Ratio(num, den)


def _coefficients(size: Size) -> tuple[int, ...]:
    return (size,) if isinstance(size, int) else (size.const, *(c for _, c in size.terms))
