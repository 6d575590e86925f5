"""Bits of sizes, powers modulo a number, divisors and lengths: what ``int`` computes beyond sums.

For whole numbers, negative ones included, ``h & (2**k - 1)`` is ``h % 2**k``, and the bits ``i`` to
``j-1`` of ``h`` are ``(h // 2**i) % 2**(j-i)``. So ``h & c`` is a sum over the runs of ones in
``c``; ``h | c == h + c - (h & c)``, ``h ^ c == h + c - 2*(h & c)`` and ``~h == -h - 1``.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

from archlint.symbolic import Expr, Size, bit_length_of, floordiv, isqrt_of, mod, power_below
from archlint.symbolic.formula import Bool, conj, disj, eq, ge, ne
from archlint.tracing.signals import CannotMerge
from archlint.tracing.symint import comparisons
from archlint.tracing.symint.numbers import Binary, SizePath, kind_of, pinned, settled
from archlint.tracing.symint.powers import power

_MAX_RESIDUES = 256
"""The largest modulus whose residues are sorted into classes of one result each."""

_Whole = Callable[[SizePath, Size, Size], "Size | None"]


def _bits(truths: Callable[..., Bool], whole: _Whole, plain: Callable[[int, int], int]) -> Binary:
    def operation(path: SizePath, a: Any, b: Any) -> Any:
        if kind_of(a) is bool and kind_of(b) is bool:
            return truths(path, a, b)
        if float in (kind_of(a), kind_of(b)):
            raise TypeError("unsupported operand type(s) for a bitwise operator: 'float'")
        a, b = settled(path, a), settled(path, b)
        result = whole(path, a, b)
        return plain(pinned(path, a), pinned(path, b)) if result is None else result

    return operation


def _common(path: SizePath, a: Size, b: Size) -> Size | None:
    """``a & b``; ``None`` for two sizes whose common bits no formula states."""
    if isinstance(a, int):
        a, b = b, a
    if isinstance(a, int):
        assert isinstance(b, int)
        return a & b
    if isinstance(b, int):
        return _masked(a, b)
    if a is b:
        return a
    for x, y in ((a, b), (b, a)):
        if y - x == -1:
            return _without_lowest_bit(path, x)
        if y + x == 0 and path.branch(ge(x, 1)) and path.branch(eq(x, power_below(x))):
            return x
    return None


def _masked(size: Size, mask: int) -> Size:
    if mask < 0:
        return size - _masked(size, ~mask)
    result: Size = 0
    low = 0
    while mask >> low:
        rest = mask >> low
        low += (rest & -rest).bit_length() - 1
        high = low
        while (mask >> high) & 1:
            high += 1
        result = result + mod(floordiv(size, 1 << low), 1 << (high - low)) * (1 << low)
        low = high
    return result


def _without_lowest_bit(path: SizePath, size: Size) -> Size | None:
    """``size & (size - 1)``: 0 for 0 and powers of two, else only its bounds are known."""
    if not path.branch(ge(size, 1)):
        return 0 if path.branch(eq(size, 0)) else None
    if path.branch(eq(size, power_below(size))):
        return 0
    return path.unknown("the bits of a size", 1, size - 1)


def _either(path: SizePath, a: Size, b: Size) -> Size | None:
    common = _common(path, a, b)
    return None if common is None else a + b - common


def _one_of_two(path: SizePath, a: Size, b: Size) -> Size | None:
    common = _common(path, a, b)
    return None if common is None else a + b - common * 2


both = _bits(comparisons.both, _common, operator.and_)
either = _bits(comparisons.either, _either, operator.or_)
one_of_two = _bits(comparisons.one_of_two, _one_of_two, operator.xor)


def inverted(path: SizePath, number: Any) -> Any:
    """``~number``."""
    if kind_of(number) is float:
        raise TypeError("bad operand type for unary ~: 'float'")
    return -settled(path, number) - 1


def _absolute(path: SizePath, number: Any) -> Size:
    size = settled(path, number)
    assert isinstance(size, (int, Expr))
    return size if path.branch(ge(size, 0)) else -size


def bit_length(path: SizePath, number: Any) -> Size:
    """``number.bit_length()``, of the absolute value."""
    return bit_length_of(_absolute(path, number))


def square_root(path: SizePath, number: Any) -> Size:
    """``math.isqrt(number)``."""
    size = settled(path, number)
    if path.branch(ge(-1, size)):
        raise ValueError("isqrt() argument must be nonnegative")
    return isqrt_of(size)


def power_modulo(path: SizePath, base: Any, exponent: Any, modulus: Any) -> Any:
    """``pow(base, exponent, modulus)``: one path for each result that a residue leads to."""
    base, exponent = settled(path, base), settled(path, exponent)
    modulus = settled(path, modulus)
    if kind_of(base) is int and isinstance(exponent, int) and isinstance(modulus, int):
        if exponent >= 0 and 0 < modulus <= _MAX_RESIDUES:
            return _by_residue(path, base, modulus, lambda r: pow(r, exponent, modulus))
        if exponent >= 0 and modulus:
            return mod(power(path, base, exponent), modulus)
    return pow(pinned(path, base), pinned(path, exponent), pinned(path, modulus))


def _by_residue(path: SizePath, size: Size, modulus: int, result: Callable[[int], int]) -> int:
    """A function of ``size % modulus``: a branch on the residues with the result of this path."""
    if isinstance(size, int):
        return result(size % modulus)
    here = result(size.evaluate(path.env) % modulus)
    rest = mod(size, modulus)
    same = [r for r in range(modulus) if result(r) == here]
    if len(same) < modulus:
        _branch_here(path, disj(*(eq(rest, r) for r in same)))
    return here


def _branch_here(path: SizePath, formula: Bool) -> None:
    """Branch on what holds at the sizes of the path, where an answer was taken from them.

    Raises :class:`CannotMerge` where the path has to take the other side: it has no answer there.
    """
    if not path.branch(formula):
        raise CannotMerge


def greatest_divisor(path: SizePath, a: Any, b: Any) -> Size:
    """``math.gcd(a, b)``.

    Of a size and a number ``c``, the divisor ``d`` of ``c`` such that ``d`` divides the size and
    ``d * p`` does not, for each prime ``p`` of ``c / d``: one branch.
    """
    a, b = settled(path, a), settled(path, b)
    if isinstance(a, int):
        a, b = b, a
    if isinstance(a, int):
        return math.gcd(a, b)
    if not isinstance(b, int):
        if a is b:
            return _absolute(path, a)
        return math.gcd(pinned(path, a), pinned(path, b))
    if b == 0:
        return _absolute(path, a)
    divisor = math.gcd(a.evaluate(path.env), b)
    larger = [divisor * p for p in _primes(abs(b) // divisor)]
    _branch_here(path, conj(eq(mod(a, divisor), 0), *(ne(mod(a, m), 0) for m in larger)))
    return divisor


def least_multiple(path: SizePath, a: Any, b: Any) -> Size:
    """``math.lcm(a, b)``, which branches as :func:`greatest_divisor`."""
    a, b = settled(path, a), settled(path, b)
    if isinstance(a, int):
        a, b = b, a
    if isinstance(a, int) or not isinstance(b, int):
        return math.lcm(pinned(path, a), pinned(path, b))
    if b == 0:
        return 0
    return _absolute(path, floordiv(a * b, greatest_divisor(path, a, b)))


def _primes(number: int) -> list[int]:
    primes = []
    divisor = 2
    while divisor * divisor <= number:
        if number % divisor == 0:
            primes.append(divisor)
            while number % divisor == 0:
                number //= divisor
        divisor += 1
    return [*primes, number] if number > 1 else primes


def bit_count(path: SizePath, number: Any) -> int:
    """``number.bit_count()``, which pins the size: no formula counts bits."""
    return int(pinned(path, settled(path, number))).bit_count()
