"""Floats made from sizes, as in ``arange(q) * (k / q)``, and the whole numbers cut from them.

``table[((i - j) * ratio).long()]`` reads a table where a float, rounded at each step, is cut off.
So bounds of such floats are kept as exact ratios (:class:`Real`), with what rounding may have lost;
the whole numbers cut from them (:class:`Span`) are known to be in one range and to reach another,
which may be narrower by one. Both hold for float32 and more precise dtypes.

Only a number that a float may have to round makes a :class:`Real`. Others (``* 0.5``) keep the
whole bounds of :mod:`.int_ranges`.
"""

from __future__ import annotations

from typing import Any

import torch

from archlint.ops.registry import Path, Range, TensorSpec
from archlint.ops.shapes.strides import decide
from archlint.symbolic import (
    Extremum,
    FloorDiv,
    Size,
    StepFunction,
    Symbol,
    atoms,
    ceildiv,
    divide_polynomial,
    floordiv,
    maximum,
    symbol,
)
from archlint.symbolic.formula import conj, ge, le
from archlint.symbolic.rational import Opaque, Ratio, approximate, reduced

FLOATS = (torch.float32, torch.float64)
WHOLE = (torch.int32, torch.int64)
_UNIT = 1 << 23  # one rounding loses at most 2**-24 of a number; the rest is slack
_FARTHEST = 20  # limits for sizes are tried from 2**20 downwards


class Real:
    """Bounds of floats: ``low`` and ``high`` would be elements, and none outside, without rounding.

    Their denominators are at least 1. What was computed is off by at most
    ``size * steps * 2**-24``: ``steps`` roundings of numbers that are no larger than ``size``.
    """

    __slots__ = ("high", "low", "size", "steps")

    def __init__(self, low: Ratio, high: Ratio, size: Size, steps: int) -> None:
        self.low = low
        self.high = high
        self.size = size
        self.steps = steps

    @property
    def constant(self) -> bool:
        return self.low.num is self.high.num and self.low.den is self.high.den

    def __neg__(self) -> Real:
        return Real(_negative(self.high), _negative(self.low), self.size, self.steps)


class Span(tuple[Any, Any]):
    """A range of whole numbers; some are as low as ``reached[0]`` and as high as ``reached[1]``."""

    reached: Range

    def __new__(cls, bounds: Range, reached: Range) -> Span:
        self = super().__new__(cls, bounds)
        self.reached = reached
        return self

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Span) and (*self, *self.reached) == (*other, *other.reached)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash((*self, *self.reached))


KNOWN = (tuple, Real)
"""Types of the values of a tensor."""


def added(path: Path, a: Any, b: Any, dtype: torch.dtype) -> Real | None:
    """The sum of two operands; ``None`` if it is none of :class:`Real`, or not known."""
    x, y = _both(path, a, b, dtype)
    return None if x is None or y is None else _sum(x, y)


def subtracted(path: Path, a: Any, b: Any, dtype: torch.dtype) -> Real | None:
    """``a - b``."""
    x, y = _both(path, a, b, dtype)
    return None if x is None or y is None else _sum(x, -y)


def multiplied(path: Path, a: Any, b: Any, dtype: torch.dtype) -> Real | None:
    """The product of a tensor and a number that is not below 0."""
    if not isinstance(a, TensorSpec):
        a, b = b, a
    x, y = _both(path, a, b, dtype)
    if (
        x is None
        or y is None
        or isinstance(b, TensorSpec)
        or path.known(ge(y.low.num, 0)) is not True
    ):
        return None
    low, high = (reduced(r.num * y.low.num, r.den * y.low.den) for r in (x.low, x.high))
    size = ceiled(reduced(x.size * y.low.num, y.low.den))
    return Real(low, high, size, x.steps + y.steps + 1)


def rounding(operand: object) -> bool:
    """Whether it is a float that may have been rounded, or a tensor of such floats."""
    if isinstance(operand, TensorSpec):
        return isinstance(operand.values, Real)
    found = approximate(operand) if isinstance(operand, (Ratio, Opaque)) else None
    return found is not None and (found[1] > 0 or not isinstance(found[0].den, int))


def cast(path: Path, values: Real, dtype: torch.dtype) -> Real | Span | None:
    """The values in another dtype; ``None`` if they are unknown in that."""
    if dtype in FLOATS:
        return Real(values.low, values.high, values.size, values.steps + 1)
    return whole(path, values) if dtype in WHOLE else None


def whole(path: Path, values: Real) -> Span:
    """The floats as whole numbers: cut off towards 0.

    While sizes are small, rounding loses less than what lies between a fraction and the next whole
    number; what is a whole number may become the one below. Branches on whether they are.
    """
    names = sorted({a.name for n in _parts(values) for a in atoms(n) if isinstance(a, Symbol)})
    limit = _limit(values)
    small = conj(*(le(symbol(n), limit) for n in names))
    high, reached_high = _cut(path, values, small=limit > 0 and decide(path, small))
    low, reached_low = _cut(path, -values, small=high is not None)
    return Span((_opposite(low), high), (_opposite(reached_low), reached_high))


def _cut(path: Path, values: Real, small: bool) -> tuple[Size | None, Size]:
    """A bound of what is cut off, and what some element surely comes to, both from above."""
    top = values.high
    below = ceiled(top) - 1
    if not small:
        return None, below - ceildiv(values.size * values.steps, _UNIT)
    down = floored(top)
    positive = path.known(ge(top.num, 0)) or path.known(ge(down, 0))
    return down if positive else maximum(down, 0), below


def _limit(values: Real) -> int:
    """A size up to which rounding loses less than ``1 / den`` of each bound; 0 if there is none."""
    for power in range(_FARTHEST, -1, -1):
        limit = 1 << power
        dens = max(_largest(values.low.den, limit), _largest(values.high.den, limit))
        if _largest(values.size, limit) * dens * values.steps < _UNIT:
            return limit
    return 0


def _largest(size: Size, limit: int) -> int:
    """No smaller than the size, or its opposite, for symbols of 0 to ``limit``."""
    if isinstance(size, int):
        return abs(size)
    total = abs(size.const)
    for monomial, coef in size.terms:
        part = abs(coef)
        for atom in monomial:
            if isinstance(atom, Symbol):
                part *= limit
            elif isinstance(atom, FloorDiv):
                num = _largest(atom.num, limit)
                part *= -(-num // abs(atom.den)) if isinstance(atom.den, int) else num
            elif isinstance(atom, Extremum):
                part *= max(_largest(a, limit) for a in atom.args)
            elif isinstance(atom, StepFunction):
                part *= max(1, _largest(atom.arg, limit))
        total += part
    return total


def _parts(values: Real) -> tuple[Size, ...]:
    return values.size, values.low.den, values.high.den


def _both(path: Path, a: Any, b: Any, dtype: torch.dtype) -> tuple[Real | None, Real | None]:
    if dtype not in FLOATS or not (rounding(a) or rounding(b)):
        return None, None
    x = _real(path, a)
    return x, None if x is None else _real(path, b)


def _real(path: Path, operand: Any) -> Real | None:
    """The values of an operand; ``None`` if they are unknown."""
    if isinstance(operand, TensorSpec):
        values = operand.values
        if isinstance(values, Real):
            return values
        if not isinstance(values, tuple) or values[0] is None or values[1] is None:
            return None
        low, high = values
        return Real(Ratio(low), Ratio(high), _size(path, low, high), 0)
    found = approximate(operand)
    if found is None or path.known(ge(found[0].den, 1)) is not True:
        return None
    ratio, steps = found
    exact = isinstance(ratio.den, int) and ratio.den & (ratio.den - 1) == 0 and not steps
    positive = path.known(ge(ratio.num, 0)) is True
    size = ceiled(ratio) if positive else _size(path, floored(ratio), ceiled(ratio))
    return Real(
        Ratio(ratio.num, ratio.den), Ratio(ratio.num, ratio.den), size, 0 if exact else steps + 1
    )


def _size(path: Path, low: Size, high: Size) -> Size:
    """No smaller than any number between the two, or its opposite."""
    if path.known(ge(low, 0)) is True:
        return high
    return -low if path.known(le(high, 0)) is True else maximum(-low, high)


def _sum(a: Real, b: Real) -> Real:
    low, high = _total(a.low, b.low), _total(a.high, b.high)
    return Real(low, high, a.size + b.size, max(a.steps, b.steps) + 1)


def _total(a: Ratio, b: Ratio) -> Ratio:
    if a.den is b.den or a.den == b.den:
        return reduced(a.num + b.num, a.den)
    return reduced(a.num * b.den + b.num * a.den, a.den * b.den)


def _negative(ratio: Ratio) -> Ratio:
    return Ratio(-ratio.num, ratio.den)


def _opposite(size: Size | None) -> Size | None:
    return None if size is None else -size


def floored(ratio: Ratio) -> Size:
    """Rounded down, whole multiples of the denominator taken out."""
    if isinstance(ratio.den, int):
        return ratio.floor()
    quotient, rest = divide_polynomial(ratio.num, ratio.den)
    return quotient + floordiv(rest, ratio.den)


def ceiled(ratio: Ratio) -> Size:
    """Rounded up."""
    return -floored(_negative(ratio))
