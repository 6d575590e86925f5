"""Comparisons of numbers made from sizes, and what ``and``, ``or`` and ``not`` make of them."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

from archlint.symbolic import Expr, Size, formula
from archlint.symbolic.formula import Bool, Formula, conj, disj, negate
from archlint.symbolic.quantify import unknowns_in
from archlint.symbolic.rational import Ratio, compares_exactly, ratio_of
from archlint.tracing.symint.float_kinds import Logarithm, Root
from archlint.tracing.symint.numbers import Binary, SizePath, pinned, settled, sizes_in


def _comparison(build: Callable[[Size, Size], Bool], plain: Callable[[Any, Any], bool]) -> Binary:
    def operation(path: SizePath, a: Any, b: Any) -> Any:
        if isinstance(a, (int, Expr)) and isinstance(b, (int, Expr)):
            return build(a, b)
        if isinstance(a, (bool, Formula)) and isinstance(b, (bool, Formula)):
            return _of_truths(build, a, b)
        if isinstance(a, Formula) or isinstance(b, Formula):
            return operation(path, settled(path, a), settled(path, b))
        if isinstance(a, Root) or isinstance(b, Root):
            squares = _squares(path, a, b)
            if squares is not None:
                return build(*squares)
        if isinstance(a, Logarithm) and _exponent(b):
            return build(a.size, 1 << int(b))
        if isinstance(b, Logarithm) and _exponent(a):
            return build(1 << int(a), b.size)
        x, y = ratio_of(a), ratio_of(b)
        if x is not None and y is not None and _told_apart(path, x, y):
            return build(x.num * y.den, y.num * x.den)
        if any(unknowns_in(size) for number in (a, b) for size in sizes_in(number)):
            return _of_unknown(path, build, a, b)
        return plain(pinned(path, a), pinned(path, b))

    return operation


def _of_unknown(path: SizePath, build: Callable[[Size, Size], Bool], a: Any, b: Any) -> Bool:
    """A comparison with a float that values determine, such as ``random.random() < 0.1``."""
    x, y = _exact(a), _exact(b)
    if x is not None and y is not None:
        return build(x[0] * y[1], y[0] * x[1])
    return path.choose("values determine the path that the model takes")


def _exact(number: Any) -> tuple[Size, int] | None:
    """A number that its double holds exactly, as a numerator and a denominator."""
    if isinstance(number, Ratio):
        whole = isinstance(number.den, int) and number.den > 0 and not number.rounded
        return (number.num, number.den) if whole and isinstance(number.den, int) else None
    if isinstance(number, float):
        return number.as_integer_ratio() if math.isfinite(number) else None
    return (number, 1) if isinstance(number, (int, Expr)) else None


def _squares(path: SizePath, a: Any, b: Any) -> tuple[Size, Size] | None:
    """Two sizes that compare as a square root and another number do; ``None`` if none is known."""
    sides: list[tuple[Size, int]] = []
    for number in (a, b):
        exact = None if isinstance(number, Root) else ratio_of(number)
        if isinstance(number, Root):
            sides.append((number.size, 1))
        elif exact is None or exact.rounded or not isinstance(exact.den, int):
            return None
        elif path.branch(formula.ge(exact.num, 0)):
            sides.append((exact.num * exact.num, exact.den * exact.den))
        else:
            sides.append((-1, 1))  # below every root
    (x, p), (y, q) = sides
    return x * q, y * p


def _exponent(number: Any) -> bool:
    return isinstance(number, (int, float)) and 0 <= number < 64 and int(number) == number


def _of_truths(build: Callable[[Size, Size], Bool], a: Bool, b: Bool) -> Bool:
    """A comparison of two truths, of which Python takes one as 1 and the other as 0."""
    if build is formula.eq or build is formula.ne:
        same = disj(conj(a, b), conj(negate(a), negate(b)))
        return same if build is formula.eq else negate(same)
    cases = ((x, y) for x in (True, False) for y in (True, False) if build(int(x), int(y)) is True)
    return disj(*(conj(a if x else negate(a), b if y else negate(b)) for x, y in cases))


def _told_apart(path: SizePath, x: Ratio, y: Ratio) -> bool:
    """Whether the doubles of two ratios compare as the ratios do.

    ``p / q``, rounded once, and a ``r / s`` that is not rounded differ by ``1 / (q*s)`` at least,
    unless they are the same: more than rounding loses while ``p * s`` is below 2**52. So ``s`` is
    to be small, and ``p`` is a size.
    """
    if all(compares_exactly(path.known, r) for r in (x, y)):
        return True
    if x.rounded and y.rounded:
        return False
    if x.rounded or y.rounded:
        exact = y if x.rounded else x
        if not isinstance(exact.den, int) or exact.den > _SMALL:
            return False
    return path.known(conj(formula.ge(x.den, 1), formula.ge(y.den, 1))) is True


_SMALL = 1 << 10


eq = _comparison(formula.eq, operator.eq)
ne = _comparison(formula.ne, operator.ne)
lt = _comparison(formula.lt, operator.lt)
le = _comparison(formula.le, operator.le)
gt = _comparison(formula.gt, operator.gt)
ge = _comparison(formula.ge, operator.ge)


def both(path: SizePath, a: Bool, b: Bool) -> Bool:
    """``a & b`` of two truths."""
    return conj(a, b)


def either(path: SizePath, a: Bool, b: Bool) -> Bool:
    """``a | b`` of two truths."""
    return disj(a, b)


def one_of_two(path: SizePath, a: Bool, b: Bool) -> Any:
    """``a ^ b`` of two truths."""
    return ne(path, a, b)


def truth(path: SizePath, number: Any) -> Bool:
    """What ``if number:`` asks."""
    return number if isinstance(number, (bool, Formula)) else ne(path, number, 0)


def opposite(path: SizePath, truth: Any) -> Bool:
    """``not truth``."""
    return negate(truth)
