"""Comparisons that bounds of the elements settle, as in ``(ids < 100).all()``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from archlint.ops.registry import Path, Range, TensorSpec
from archlint.ops.values import int_ranges as ranges
from archlint.ops.values.conditional_ranges import is_small, of_integers
from archlint.symbolic import Size
from archlint.symbolic.formula import Bool, eq, ge, gt, le, lt


def compared(sign: str) -> Callable[[Path, Any, Any, torch.dtype], Range]:
    """Of two operands: 1 or 0 if a comparison has one result for all elements."""

    def values(path: Path, a: Any, b: Any, dtype: torch.dtype) -> Range:
        if sign in (">", ">="):
            a, b = b, a
        (a_low, a_high), (b_low, b_high) = _exact(a), _exact(b)
        ordered = _has_no_nan(a) and _has_no_nan(b)
        if sign in ("==", "!="):
            equal = a_low == a_high and b_low == b_high and _known(path, eq, a_low, b_low)
            if equal and ordered:
                return (1, 1) if sign == "==" else (0, 0)
            if _known(path, lt, a_high, b_low) or _known(path, lt, b_high, a_low):
                return (0, 0) if sign == "==" else (1, 1)
            return ranges.UNKNOWN
        strict = sign in ("<", ">")
        apart = _is_fraction(a) or _is_fraction(b)  # no whole number equals it
        if ordered and _known(path, lt if strict and not apart else le, a_high, b_low):
            return 1, 1
        # No comparison of a NaN holds, whatever bounds its tensor has.
        fails = ge if strict or apart else gt
        return (0, 0) if _known(path, fails, a_low, b_high) else ranges.UNKNOWN

    return values


def combined(rule: Callable[..., Range]) -> Callable[[Path, Any, Any, torch.dtype], Range]:
    """``rule`` of the bounds of two truth values, if that leaves one result."""

    def values(path: Path, a: Any, b: Any, dtype: torch.dtype) -> Range:
        if dtype is not torch.bool:
            return ranges.UNKNOWN
        low, high = rule(path, ranges.range_of(a), ranges.range_of(b))
        return (low, high) if low == high else ranges.UNKNOWN

    return values


def _known(path: Path, order: Callable[[Size, Size], Bool], a: Any, b: Any) -> bool:
    return a is not None and b is not None and path.known(order(a, b)) is True


def _exact(operand: Any) -> Range:
    """The bounds of an operand whose elements no overflow and no rounding can have changed."""
    bounds = ranges.range_of(operand)
    if isinstance(operand, TensorSpec):
        if operand.dtype.is_floating_point:
            exact = all(b is None or isinstance(b, int) for b in bounds)
        else:
            exact = operand.dtype is torch.bool or of_integers(operand)
        if not exact:
            return ranges.UNKNOWN
    return bounds if all(b is None or is_small(b) for b in bounds) else ranges.UNKNOWN


def _is_fraction(operand: Any) -> bool:
    return isinstance(operand, float) and not operand.is_integer()


def _has_no_nan(operand: Any) -> bool:
    """Whether it holds for all elements: integers, and floats that were made from sizes."""
    if not isinstance(operand, TensorSpec):
        return True
    return not operand.dtype.is_floating_point or not operand.loose
