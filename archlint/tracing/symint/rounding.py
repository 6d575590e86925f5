"""Numbers made from sizes, rounded to whole ones, and as floats."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from archlint.symbolic import Size, floordiv, mod
from archlint.symbolic.formula import conj, eq, ge, gt
from archlint.symbolic.rational import Ratio, ratio_of
from archlint.tracing.symint import random_parts
from archlint.tracing.symint.numbers import SizePath, kind_of, pinned, settled


def as_float(path: SizePath, number: Any) -> Any:
    if kind_of(number) is float:
        return number
    number = settled(path, number)
    return float(number) if isinstance(number, int) else Ratio(number)


def floor(path: SizePath, number: Any) -> Any:
    parts = random_parts.parts_of(number) if isinstance(number, Ratio) else None
    if parts is not None and (whole := random_parts.floor(path, parts)) is not None:
        return whole
    return _whole(path, number, Ratio.floor, math.floor)


def ceil(path: SizePath, number: Any) -> Any:
    return _whole(path, number, Ratio.ceil, math.ceil)


def trunc(path: SizePath, number: Any) -> Any:
    """Towards zero, which branches on the sign of a ratio."""
    if kind_of(number) is int:
        return number
    exact = ratio_of(number)
    if exact is None:
        return math.trunc(pinned(path, number))
    parts = random_parts.parts_of(exact)
    if parts is not None and (whole := random_parts.trunc(path, parts)) is not None:
        return whole
    positive = conj(ge(exact.num, 0), gt(exact.den, 0))
    return floor(path, number) if path.branch(positive) else _towards_zero(exact)


def rounded(path: SizePath, number: Any, ndigits: int | None = None) -> Any:
    """``round``: to even where two are as near, which no formula says, so that it is pinned."""
    exact = ratio_of(number)
    if ndigits is None and exact is not None and isinstance(exact.den, int) and exact.den % 2:
        return floordiv(exact.num * 2 + exact.den, 2 * exact.den)
    return round(pinned(path, number), ndigits)


def is_whole(path: SizePath, number: Any) -> Any:
    """Whether a float is a whole number."""
    exact = ratio_of(number)
    if exact is None or exact.rounded:
        return float(pinned(path, number)).is_integer()
    return eq(mod(exact.num, exact.den), 0)


def _whole(
    path: SizePath, number: Any, exact: Callable[[Ratio], Size], plain: Callable[[float], int]
) -> Any:
    if kind_of(number) is int:
        return number
    ratio = ratio_of(number)
    return plain(pinned(path, number)) if ratio is None else exact(ratio)


def _towards_zero(ratio: Ratio) -> Size:
    """Truncated, for a ratio that is not positive on this path."""
    if isinstance(ratio.den, int) and ratio.den > 0:
        return ratio.ceil()
    return -Ratio(-ratio.num, ratio.den).floor()
