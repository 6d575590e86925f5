"""Numbers made from sizes, rounded to whole ones, and as floats."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

from archlint.symbolic import (
    Expr,
    Size,
    floordiv,
    isqrt_of,
    maximum,
    minimum,
    mod,
)
from archlint.symbolic.float_products import (
    FloatProduct,
    ceil_of_product,
    floor_of_product,
    is_whole_product,
    round_product,
)
from archlint.symbolic.formula import conj, eq, ge, gt
from archlint.symbolic.rational import Opaque, Ratio, is_representable, is_small, ratio_of
from archlint.tracing.symint import logarithms, random_parts
from archlint.tracing.symint.float_kinds import FloatExtremum, Logarithm, QuotientSum, Root
from archlint.tracing.symint.numbers import (
    SizePath,
    approximation_of,
    kind_of,
    opaque,
    pinned,
    settled,
    sizes_in,
    value_at,
)


def as_float(path: SizePath, number: Any) -> Any:
    if kind_of(number) is float:
        return number
    number = settled(path, number)
    if isinstance(number, int):
        return float(number)
    return Ratio(number) if is_representable(number) else opaque(path, float, number)


def _of_extremum(whole: Callable[..., Any]) -> Callable[..., Any]:
    """The rounding ``whole`` of each number where one of them is to be chosen."""

    def rounding(path: SizePath, number: Any, *rest: Any) -> Any:
        if not isinstance(number, FloatExtremum) or any(rest):
            return whole(path, number, *rest)
        choose = maximum if number.larger else minimum
        return reduce(choose, (whole(path, item) for item in number.items))

    return rounding


@_of_extremum
def floor(path: SizePath, number: Any) -> Any:
    parts = random_parts.parts_of(number) if isinstance(number, Ratio) else None
    if parts is not None and (whole := random_parts.floor(path, parts)) is not None:
        return whole
    if isinstance(number, Root):
        return isqrt_of(number.size)
    if isinstance(number, Logarithm):
        return logarithms.floor(path, number)
    exact = floor_of_product(path, number) if isinstance(number, FloatProduct) else None
    if exact is None:
        exact = _between_whole_numbers(path, number, Ratio.floor)
    return _whole(path, number, Ratio.floor, math.floor) if exact is None else exact


@_of_extremum
def ceil(path: SizePath, number: Any) -> Any:
    if isinstance(number, Root):
        return isqrt_of(number.size - 1) + 1 if path.branch(gt(number.size, 0)) else 0
    if isinstance(number, Logarithm):
        return logarithms.ceil(path, number)
    exact = ceil_of_product(path, number) if isinstance(number, FloatProduct) else None
    if exact is None:
        exact = _between_whole_numbers(path, number, Ratio.ceil)
    return _whole(path, number, Ratio.ceil, math.ceil) if exact is None else exact


@_of_extremum
def trunc(path: SizePath, number: Any) -> Any:
    """Towards zero, which branches on the sign of a ratio."""
    if kind_of(number) is int:
        return number
    if isinstance(number, (Root, Logarithm)):
        return floor(path, number)
    if isinstance(number, FloatProduct):
        if number.factor < 0:
            number = FloatProduct(-number.size, -number.factor)
        return (floor if path.branch(ge(number.size, 0)) else ceil)(path, number)
    exact = number.approximation if isinstance(number, Opaque) else _as_ratio(number)
    if exact is None:
        return math.trunc(pinned(path, number))
    parts = random_parts.parts_of(exact)
    if parts is not None and (whole := random_parts.trunc(path, parts)) is not None:
        return whole
    positive = conj(ge(exact.num, 0), gt(exact.den, 0))
    if path.branch(positive):
        return floor(path, number)
    return ceil(path, number) if isinstance(number, Opaque) else _towards_zero(exact)


@_of_extremum
def rounded(path: SizePath, number: Any, ndigits: int | None = None) -> Any:
    """``round``, to even where two numbers are as near.

    That is the case for ``n/d`` where ``n % d == d/2``; the number below is even where
    ``n % (2*d) == d/2``. Both are representable, so that no float misses them.
    """
    if kind_of(number) is int and (ndigits is None or ndigits >= 0):
        return number
    exact = _as_ratio(number)
    if ndigits is None and isinstance(number, Root):
        return floordiv(isqrt_of(number.size * 4) + 1, 2)
    if ndigits is None and isinstance(number, FloatProduct):
        rounded = round_product(path, number)
        if rounded is not None:
            return rounded
    if ndigits is None and exact is not None and isinstance(exact.den, int) and exact.den % 2:
        return floordiv(exact.num * 2 + exact.den, 2 * exact.den)
    if ndigits is None and exact is not None and isinstance(exact.den, int):
        half = exact.den // 2
        up = floordiv(exact.num + half, exact.den)
        below = exact.num - half  # a multiple of 2*den where the number below is even
        return up - floordiv(below, 2 * exact.den) + floordiv(below - 1, 2 * exact.den)
    nearest = _nearest(path, number) if ndigits is None else None
    return round(pinned(path, number), ndigits) if nearest is None else nearest


def is_whole(path: SizePath, number: Any) -> Any:
    """Whether a float is a whole number."""
    if isinstance(number, Root):
        root = isqrt_of(number.size)
        return eq(root * root, number.size)
    if isinstance(number, Logarithm):
        return logarithms.is_whole(path, number)
    if isinstance(number, FloatProduct):
        whole = is_whole_product(path, number)
        if whole is not None:
            return whole
    exact = _as_ratio(number)
    if exact is None:
        return float(pinned(path, number)).is_integer()
    return eq(mod(exact.num, exact.den), 0)


def as_operand(number: Any, env: Mapping[str, int]) -> Any:
    """The number as rules of operators know it: other floats than ratios are opaque."""
    if not isinstance(number, (Root, Logarithm, FloatProduct, FloatExtremum, QuotientSum)):
        return number
    ratio, roundings = approximation_of(number) or (None, 0)
    return Opaque(value_at(number, env), sizes_in(number), ratio, roundings)


def _as_ratio(number: Any) -> Ratio | None:
    """The ratio that rounds to the same whole numbers."""
    return number.total if isinstance(number, QuotientSum) else ratio_of(number)


def _whole(
    path: SizePath, number: Any, exact: Callable[[Ratio], Size], plain: Callable[[float], int]
) -> Any:
    if kind_of(number) is int:
        return number
    ratio = _as_ratio(number)
    return plain(pinned(path, number)) if ratio is None else exact(ratio)


def _between_whole_numbers(
    path: SizePath, number: Any, whole: Callable[[Ratio], Size]
) -> Size | None:
    """The floor or ceiling of a float rounded more than once; ``None`` if it is not known.

    A quotient ``n/d`` that is no whole number is ``1/d`` from one at least, more than all roundings
    together for numerators below 2**48. Of whole numbers it is not known on which side the float
    is: for one size, as in ``H * 0.3 / 3``, that gives ``None``, for ``W * (800 / H)`` an unknown
    number.
    """
    if not isinstance(number, Opaque) or number.approximation is None:
        return None
    exact = number.approximation
    if _is_of_several(path, number, exact):
        if whole is Ratio.floor:
            return path.unknown(_made_by(exact), exact.ceil() - 1, exact.floor())
        return path.unknown(_made_by(exact), exact.ceil(), exact.floor() + 1)
    if not isinstance(exact.den, int) or not 0 < exact.den < _SMALL or not is_small(exact.num):
        return None
    if path.branch(eq(mod(exact.num, exact.den), 0)):
        return None
    return whole(exact)


def _nearest(path: SizePath, number: Any) -> Size | None:
    """The whole number next to a quotient of sizes; either of two that are as near."""
    exact = number.approximation if isinstance(number, Opaque) else ratio_of(number)
    if exact is None or not _is_of_several(path, number, exact):
        return None
    moved = Ratio(exact.num * 2 + exact.den, exact.den * 2)
    return path.unknown(_made_by(exact), moved.ceil() - 1, moved.floor())


def _is_of_several(path: SizePath, number: Any, exact: Ratio) -> bool:
    """Whether a number is of several sizes, and small enough for a double.

    That is, a few roundings leave it on the same side of all whole numbers and halves, but of the
    one that it may be.
    """
    if not (is_small(exact.num) and is_small(exact.den)):
        return False
    if isinstance(exact.num, int):  # the sizes cancel, as in ``16 / H * H``
        return path.known(ge(exact.den, 1)) is True
    symbols = {
        name
        for size in sizes_in(number)
        for name in (size.symbols() if isinstance(size, Expr) else ())
    }
    return len(symbols) > 1 and path.known(ge(exact.den, 1)) is True


def _made_by(exact: Ratio) -> str:
    return f"the rounding of {exact}"


_SMALL = 1 << 8


def _towards_zero(ratio: Ratio) -> Size:
    """Truncated, for a ratio that is not positive on this path."""
    if isinstance(ratio.den, int) and ratio.den > 0:
        return ratio.ceil()
    return -Ratio(-ratio.num, ratio.den).floor()
