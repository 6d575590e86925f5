"""Arithmetic on value ranges: bounds of integers made from sizes, through pointwise operators.

A range is (low, high), both included and either possibly ``None``; a bound is set only where it
surely holds. Floating dtypes keep integer bounds: float32 is taken to hold them exactly, which it
does below 2**24, unless bounds are beyond that at small sizes already. The narrow dtypes keep a
range only where it surely fits.
"""

from __future__ import annotations

import math
from typing import Any

import torch

from archlint.ops.registry import Path, Range, TensorSpec
from archlint.ops.values.float_ranges import FLOATS, Real
from archlint.symbolic import Expr, Size, ceildiv, floordiv, maximum, minimum, mod
from archlint.symbolic.formula import conj, ge, le
from archlint.symbolic.quantify_unknowns import unknowns_in
from archlint.symbolic.rational import Ratio, ratio_of

Values = Any  # Range, Real, IN_RANGE or None
UNKNOWN: Range = (None, None)
_EXACT = {
    torch.bool: (0, 1),
    torch.uint8: (0, 255),
    torch.int8: (-128, 127),
    torch.int16: (-32768, 32767),
    torch.float16: (-2048, 2048),
    torch.bfloat16: (-256, 256),
}

_WIDE = {torch.float32: 1 << 24, torch.int32: (1 << 31) - 1, torch.int64: (1 << 63) - 1}
_SMALL_SIZE = 48


def _is_beyond(bound: Size | None, most: int) -> bool:
    """Whether a bound is too large for a dtype where all sizes are small."""
    if isinstance(bound, Expr):
        if unknowns_in(bound):
            return False
        values = [_value_at(bound, size) for size in (1, _SMALL_SIZE)]
        known = [value for value in values if value is not None]
        return not known or max(map(abs, known)) > most
    return bound is not None and abs(bound) > most


def _value_at(bound: Expr, size: int) -> int | None:
    """A bound where each size is ``size``; ``None`` where it divides by 0."""
    try:
        return bound.evaluate(dict.fromkeys(bound.symbols(), size))
    except ZeroDivisionError:
        return None


def range_of(operand: object) -> Range:
    """The range of a tensor's elements or of a number."""
    if isinstance(operand, TensorSpec):
        if isinstance(operand.values, tuple):
            return operand.values
        return (0, 1) if operand.dtype is torch.bool else UNKNOWN
    if isinstance(operand, (int, Expr)):
        return (int(operand) if isinstance(operand, bool) else operand,) * 2
    if isinstance(operand, Ratio):
        return operand.floor(), operand.ceil()
    if isinstance(operand, float) and math.isfinite(operand):
        return math.floor(operand), math.ceil(operand)
    return UNKNOWN


def fitted(path: Path, values: Range | Real, dtype: torch.dtype) -> Values:
    """The range after a conversion to ``dtype``; ``None`` if it has no bounds."""
    if isinstance(values, Real):
        return values if dtype in FLOATS else None
    low, high = values
    if low is None and high is None:
        return None
    if dtype not in _EXACT:
        most = _WIDE.get(dtype)
        far = most is not None and any(_is_beyond(bound, most) for bound in values)
        return None if far else values
    least, most = _EXACT[dtype]
    fits = low is not None and high is not None and path.known(conj(ge(low, least), le(high, most)))
    return values if fits else None


def _nonneg(path: Path, size: Size | None) -> bool:
    return size is not None and path.known(ge(size, 0)) is True


def add(path: Path, a: Range, b: Range) -> Range:
    low = None if a[0] is None or b[0] is None else a[0] + b[0]
    high = None if a[1] is None or b[1] is None else a[1] + b[1]
    return low, high


def neg(path: Path, a: Range) -> Range:
    return (None if a[1] is None else -a[1]), (None if a[0] is None else -a[0])


def sub(path: Path, a: Range, b: Range) -> Range:
    return add(path, a, neg(path, b))


def mul(path: Path, a: Range, b: Range) -> Range:
    for x, y in ((a, b), (b, a)):
        if x[0] is not None and x[0] == x[1]:
            return _scaled(path, y, x[0])
    if _nonneg(path, a[0]) and _nonneg(path, b[0]):
        assert a[0] is not None
        assert b[0] is not None
        return a[0] * b[0], None if a[1] is None or b[1] is None else a[1] * b[1]
    corners = [x * y for x in a for y in b if isinstance(x, int) and isinstance(y, int)]
    return (min(corners), max(corners)) if len(corners) == 4 else UNKNOWN


def _scaled(path: Path, a: Range, scale: Size) -> Range:
    if _nonneg(path, scale):
        low, high = a
    elif _nonneg(path, -scale):
        high, low = a
    else:
        return UNKNOWN
    return (None if low is None else low * scale), (None if high is None else high * scale)


def mul_ratio(path: Path, a: Range, factor: object) -> Range:
    """Times a float or a ratio of sizes, rounded outwards to integers."""
    ratio = ratio_of(factor)
    if ratio is None or not _nonneg(path, ratio.den - 1):
        return UNKNOWN
    low, high = _scaled(path, a, ratio.num)
    return (
        None if low is None else floordiv(low, ratio.den),
        None if high is None else ceildiv(high, ratio.den),
    )


def floor_divide(path: Path, a: Range, b: Range) -> Range:
    low, high = a
    least, most = b
    if least is None or not _nonneg(path, least - 1):
        return UNKNOWN
    if least == most:
        return (
            None if low is None else floordiv(low, least),
            None if high is None else floordiv(high, least),
        )
    if not _nonneg(path, low):
        return UNKNOWN
    return 0, None if high is None else floordiv(high, least)


def truncate(path: Path, a: Range, b: Range) -> Range:
    """Division rounded towards zero."""
    return floor_divide(path, a, b) if _nonneg(path, a[0]) else UNKNOWN


def divide(path: Path, a: Range, b: Range) -> Range:
    """True division, rounded outwards."""
    low, high = floor_divide(path, a, b)
    if a[1] is None or high is None or b[0] is None:
        return low, None
    return low, ceildiv(a[1], b[0])


def remainder(path: Path, a: Range, b: Range, whole: bool = True) -> Range:
    """``a % b`` with the sign of ``b``; ``whole`` for integers, whose remainder is below b."""
    least, most = b
    if least is None or not _nonneg(path, least - 1):
        return UNKNOWN
    if whole and a[0] is not None and a[0] == a[1] and least == most:
        return (mod(a[0], least),) * 2
    high = None if most is None else most - (1 if whole else 0)
    if _nonneg(path, a[0]) and a[1] is not None:
        high = a[1] if high is None else minimum(high, a[1])
    return 0, high


def fmod(path: Path, a: Range, b: Range, whole: bool = True) -> Range:
    """``a % b`` with the sign of ``a``."""
    return remainder(path, a, b, whole) if _nonneg(path, a[0]) else UNKNOWN


def power(path: Path, a: Range, b: Range) -> Range:
    exponent = b[0]
    if not isinstance(exponent, int) or b[1] != exponent or not 0 <= exponent <= 4:
        return UNKNOWN
    if not _nonneg(path, a[0]):
        return UNKNOWN
    assert a[0] is not None
    return a[0] ** exponent, None if a[1] is None else a[1] ** exponent


def absolute(path: Path, a: Range) -> Range:
    if _nonneg(path, a[0]):
        return a
    return 0, None if a[0] is None or a[1] is None else maximum(-a[0], a[1])


def least(path: Path, a: Range, b: Range) -> Range:
    """The smaller of two elements."""
    low = None if a[0] is None or b[0] is None else minimum(a[0], b[0])
    high = b[1] if a[1] is None else a[1] if b[1] is None else minimum(a[1], b[1])
    return low, high


def greatest(path: Path, a: Range, b: Range) -> Range:
    """The larger of two elements."""
    low = b[0] if a[0] is None else a[0] if b[0] is None else maximum(a[0], b[0])
    high = None if a[1] is None or b[1] is None else maximum(a[1], b[1])
    return low, high


def either(path: Path, had: Values, put: Values, dtype: torch.dtype) -> Values:
    """The bounds of elements that were there or were written; ``None`` if not known."""
    if type(had) is not tuple or type(put) is not tuple or None in (*had, *put):
        return None
    return fitted(path, union(path, had, put), dtype)


def union(path: Path, a: Range, b: Range) -> Range:
    """An element of the one or the other."""
    low = None if a[0] is None or b[0] is None else minimum(a[0], b[0])
    high = None if a[1] is None or b[1] is None else maximum(a[1], b[1])
    return low, high
