"""Integer functions of one size that grow in steps: roots, bit lengths, powers, logarithms.

Each is defined for every integer and never decreases: below :attr:`StepFunction.start` it has the
value that it has there. So bounds of its operand are bounds of its value, and a comparison with a
number is a threshold of the operand.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import cache
from typing import ClassVar

from archlint.symbolic.atom import _ATOMS, Atom, Size, evaluate
from archlint.symbolic.expr import Expr, from_atom


class StepFunction(Atom):
    """A function of a size. ``function`` is its name in phrases."""

    __slots__ = ("arg",)
    function = ""
    start = 0

    def __init__(self, arg: Expr) -> None:
        self.arg = arg
        self.order = (3, repr(self))

    @classmethod
    def at(cls, value: int) -> int:
        """The function of a number."""
        raise NotImplementedError

    @classmethod
    def first(cls, result: int) -> int | None:
        """The smallest argument with at least this result; ``None`` if every argument has it."""
        raise NotImplementedError

    def evaluate(self, env: Mapping[str, int]) -> int:
        return self.at(evaluate(self.arg, env))

    def operands(self) -> tuple[Size, ...]:
        return (self.arg,)

    def __repr__(self) -> str:
        return f"{self.function}({self.arg})"

    def __reduce__(self) -> tuple[object, ...]:
        return step_atom, (type(self), self.arg)


class ISqrt(StepFunction):
    """The largest integer whose square is not above the argument; 0 for negative arguments."""

    __slots__ = ()
    function = "isqrt"

    @classmethod
    def at(cls, value: int) -> int:
        return math.isqrt(max(value, 0))

    @classmethod
    def first(cls, result: int) -> int | None:
        return result * result if result > 0 else None


class BitLength(StepFunction):
    """How many binary digits the argument has; 0 for negative arguments and 0."""

    __slots__ = ()
    function = "bit_length"

    @classmethod
    def at(cls, value: int) -> int:
        return max(value, 0).bit_length()

    @classmethod
    def first(cls, result: int) -> int | None:
        return 1 << (result - 1) if result > 0 else None


class PowerBelow(StepFunction):
    """The largest power of two that is not above the argument; 1 for arguments below 1."""

    __slots__ = ()
    function = "floor_pow2"
    start = 1

    @classmethod
    def at(cls, value: int) -> int:
        return 1 << (max(value, 1).bit_length() - 1)

    @classmethod
    def first(cls, result: int) -> int | None:
        return 1 << (result - 1).bit_length() if result > 1 else None


class FloorLog(StepFunction):
    """The whole part of the natural logarithm, as Python computes it; 0 below 1."""

    __slots__ = ()
    function = "floor_log"
    start = 1
    plain: ClassVar[Callable[[int], float]] = math.log
    base = 3  # a whole number that is not below the logarithm's base

    @classmethod
    def at(cls, value: int) -> int:
        return math.floor(cls.plain(max(value, 1)))

    @classmethod
    def first(cls, result: int) -> int | None:
        return _first_above(cls.plain, cls.base, result) if result > 0 else None


class FloorLog10(FloorLog):
    """The whole part of the logarithm to base 10; 0 below 1."""

    __slots__ = ()
    function = "floor_log10"
    plain = math.log10
    base = 10


@cache
def _first_above(plain: Callable[[int], float], base: int, result: int) -> int:
    low, high = 1, base**result
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if plain(middle) >= result else (middle + 1, high)
    return low


STEP_FUNCTIONS = (ISqrt, BitLength, PowerBelow, FloorLog, FloorLog10)


def step_function(kind: type[StepFunction], size: Size) -> Size:
    """The function of a size, as a size."""
    if isinstance(size, int):
        return kind.at(size)
    return from_atom(step_atom(kind, size))


def step_atom(kind: type[StepFunction], size: Expr) -> Atom:
    """The one atom for the function of a size."""
    key = (kind, size)
    return _ATOMS.get(key) or _ATOMS.setdefault(key, kind(size))


def isqrt_of(size: Size) -> Size:
    """``math.isqrt(size)`` for a size that is not negative."""
    return step_function(ISqrt, size)


def bit_length_of(size: Size) -> Size:
    """``size.bit_length()`` for a size that is not negative."""
    return step_function(BitLength, size)


def power_below(size: Size) -> Size:
    """The largest power of two that is not above the size, which is at least 1."""
    return step_function(PowerBelow, size)


def log_below(size: Size) -> Size:
    """``math.floor(math.log(size))`` for a size of at least 1."""
    return step_function(FloorLog, size)


def log10_below(size: Size) -> Size:
    """``math.floor(math.log10(size))`` for a size of at least 1."""
    return step_function(FloorLog10, size)


def square_root_of(size: Size) -> Size | None:
    """``a`` or ``-a`` for a size ``a*a`` of one term; ``None`` for other sizes."""
    if isinstance(size, int):
        root = math.isqrt(max(size, 0))
        return root if root * root == size else None
    if size.const or len(size.terms) != 1:
        return None
    (monomial, coef) = size.terms[0]
    root = math.isqrt(max(coef, 0))
    if root * root != coef or monomial[::2] != monomial[1::2]:
        return None
    return from_atom(*monomial[::2]) * root
