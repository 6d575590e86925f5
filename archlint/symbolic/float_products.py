"""A size multiplied by a float, rounded to a whole number exactly as IEEE 754 doubles are.

``int(h * 0.7)`` is ``7*h // 10``, but for a few sizes: 0.7 is stored a little too small, so the
product of a multiple of 10 and 0.7 may come out one unit in the last place below the whole number
(``180 * 0.7 == 125.99999999999999``). Within one power of two of the product these are the
multiples from some size on, so that they are ranges of sizes, which the path branches on.

Everything holds for sizes below 2**31: a product that is no whole number is then further from one
than the rounding.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple, Protocol

from archlint.symbolic import Expr, Size, ceildiv, factor_text, floordiv, mod
from archlint.symbolic.formula import Bool, conj, disj, eq, ge, le

_MAX_DENOMINATOR = 1000
_MAX_BITS = 31
_PRECISION = 53  # binary digits of a double
_STORED = Fraction(2) ** (1 - _PRECISION)  # the relative error of a stored factor, at most


class BranchingPath(Protocol):
    """What rounding needs of the path that the size lives on."""

    def branch(self, formula: Bool) -> bool: ...


class FloatProduct:
    """The double nearest to ``size * factor``.

    ``factor`` is the exact value of a float, or its reciprocal for a quotient.
    """

    __slots__ = ("factor", "size")

    def __init__(self, size: Expr, factor: Fraction) -> None:
        self.size = size
        self.factor = factor

    def evaluate(self, env: Mapping[str, int]) -> float:
        return float(self.size.evaluate(env) * self.factor)

    def __repr__(self) -> str:
        return f"{factor_text(self.size)}*{float(self.factor):.12g}"


class _Factor(NamedTuple):
    """A float as the simplest fraction that rounds to it."""

    num: int
    den: int
    excess: Fraction  # of ``den * factor`` over ``num``: what the storage of the float adds


@lru_cache(maxsize=256)
def _factor(exact: Fraction) -> _Factor | None:
    simple = exact.limit_denominator(_MAX_DENOMINATOR)
    if simple <= 0 or abs(exact / simple - 1) > _STORED or simple.numerator > 1 << 20:
        return None
    return _Factor(
        simple.numerator, simple.denominator, exact * simple.denominator - simple.numerator
    )


def floor_of_product(path: BranchingPath, product: FloatProduct) -> Size | None:
    """``math.floor(size * factor)``; ``None`` for a factor that is no simple fraction."""
    return _whole_beside(path, product, above=False)


def ceil_of_product(path: BranchingPath, product: FloatProduct) -> Size | None:
    """``math.ceil(size * factor)``, as :func:`floor_of_product`."""
    return _whole_beside(path, product, above=True)


def _whole_beside(path: BranchingPath, product: FloatProduct, above: bool) -> Size | None:
    if product.factor > 0 and not path.branch(ge(product.size, 0)):
        negative = FloatProduct(-product.size, product.factor)
        opposite = _whole_beside(path, negative, not above)
        return None if opposite is None else -opposite
    size, factor = product.size, _usable(path, product)
    if factor is None:
        return None
    beyond = factor.excess > 0 if above else factor.excess < 0
    off = int(path.branch(_inexact(size, factor, 1) if beyond else False))
    if above:
        return ceildiv(size * factor.num, factor.den) + off
    return floordiv(size * factor.num, factor.den) - off


def round_product(path: BranchingPath, product: FloatProduct) -> Size | None:
    """``round(size * factor)``, to even where the product is exactly between two numbers."""
    if product.factor > 0 and not path.branch(ge(product.size, 0)):
        opposite = round_product(path, FloatProduct(-product.size, product.factor))
        return None if opposite is None else -opposite
    size, factor = product.size, _usable(path, product)
    if factor is None:
        return None
    num, den = size * factor.num, factor.den
    nearest = floordiv(num * 2 + den, 2 * den)
    if den % 2:
        return nearest
    half = eq(mod(num, den), den // 2)
    if not path.branch(half):
        return nearest
    if path.branch(_inexact(size, factor, 2)):
        return nearest if factor.excess > 0 else nearest - 1
    return nearest - mod(nearest, 2)


def is_whole_product(path: BranchingPath, product: FloatProduct) -> Bool | None:
    """Whether the product is a whole number."""
    factor = _usable(path, product)
    if factor is None:
        return None
    whole = eq(mod(product.size * factor.num, factor.den), 0)
    return whole if not path.branch(_inexact(product.size, factor, 1)) else False


def _usable(path: BranchingPath, product: FloatProduct) -> _Factor | None:
    factor = _factor(product.factor)
    if factor is None or not path.branch(ge(product.size, 0)):
        return None
    return factor


def _inexact(size: Expr, factor: _Factor, parts: int) -> Bool:
    """Where ``parts`` times the exact product is a whole number, and that of floats is another."""
    step = factor.den // math.gcd(factor.den, parts)
    ranges = (conj(ge(size, step * a), le(size, step * b)) for a, b in _ranges(factor, step))
    return conj(eq(mod(size, step), 0), disj(*ranges))


def _ranges(factor: _Factor, step: int) -> Iterator[tuple[int, int]]:
    """The ranges of ``k`` where the float product of ``step * k`` and the factor is not exact.

    The exact product ``k * value`` lies between two powers of two, between which the distance of
    doubles is the same; the product with the stored float differs from it by ``k * excess``, and
    rounds to it unless that is more than half of this distance. Just below a power of two the
    distance is half as large.
    """
    value = Fraction(factor.num * step, factor.den)
    excess = abs(factor.excess) * step / factor.den
    if not excess:
        return
    for power in range(-10, _MAX_BITS + factor.num.bit_length() + 1):
        start = Fraction(2) ** power
        half = start / 2**_PRECISION
        low = max(start / value, half / excess)
        first = math.ceil(start / value) if factor.excess > 0 else math.floor(start / value) + 1
        first = max(first, math.floor(half / excess) + 1, math.ceil(low))
        last = math.ceil(2 * start / value) - 1
        if factor.excess < 0 and (start / value).denominator == 1:
            at = int(start / value)
            if at * excess > half / 2:
                yield at, at
        if first <= last:
            yield first, last
