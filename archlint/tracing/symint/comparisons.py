"""Comparisons of numbers made from sizes, and what ``and``, ``or`` and ``not`` make of them."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

from archlint.symbolic import Expr, Size, formula
from archlint.symbolic.float_products import FloatProduct
from archlint.symbolic.formula import Bool, Formula, conj, disj, negate
from archlint.symbolic.quantify_unknowns import unknowns_in
from archlint.symbolic.rational import Ratio, compares_exactly, is_small, ratio_of
from archlint.tracing.symint.float_kinds import FloatExtremum, Logarithm, QuotientSum, Root
from archlint.tracing.symint.numbers import (
    Binary,
    SizePath,
    approximation_of,
    pinned,
    settled,
    sizes_in,
)


def _comparison(build: Callable[[Size, Size], Bool], plain: Callable[[Any, Any], bool]) -> Binary:
    def operation(path: SizePath, a: Any, b: Any) -> Any:
        if isinstance(a, (int, Expr)) and isinstance(b, (int, Expr)):
            return build(a, b)
        if isinstance(a, (bool, Formula)) and isinstance(b, (bool, Formula)):
            return _of_truths(build, a, b)
        if isinstance(a, Formula) or isinstance(b, Formula):
            return operation(path, settled(path, a), settled(path, b))
        if isinstance(a, FloatExtremum) or isinstance(b, FloatExtremum):
            return _of_extremum(operation, path, a, b)
        if isinstance(a, Root) or isinstance(b, Root):
            squares = _squares(path, a, b)
            if squares is not None:
                return build(*squares)
        if isinstance(a, Logarithm) and _is_plain(b):
            return _of_logarithm(build, a, b)
        if isinstance(b, Logarithm) and _is_plain(a):
            return _of_logarithm(_SWAPPED.get(build, build), b, a)
        if (sides := _of_sums(a, b)) is not None:
            return build(*sides)
        if _is_endless(a, b):
            return plain(0, b)
        if _is_endless(b, a):
            return plain(a, 0)
        x, y = _compared(a), _compared(b)
        if x is not None and y is not None and _compares_as_ratios(path, x, y):
            return build(x.num * y.den, y.num * x.den)
        if (truth := _of_rounded(path, build, plain, a, b)) is not None:
            return truth
        if any(unknowns_in(size) for number in (a, b) for size in sizes_in(number)):
            return _of_unknown(path, build, a, b)
        return plain(pinned(path, a), pinned(path, b))

    return operation


def _is_endless(number: Any, other: Any) -> bool:
    """Whether ``other`` is infinite or no number at all, where ``number`` is finite."""
    finite = isinstance(number, (Expr, Ratio, Root, FloatProduct, QuotientSum))
    return finite and isinstance(other, float) and not math.isfinite(other)


def _compared(number: Any) -> Ratio | None:
    """A number as a ratio; Python compares whole numbers with floats without roundings."""
    return Ratio(number) if isinstance(number, (int, Expr)) else ratio_of(number)


def _of_sums(a: Any, b: Any) -> tuple[Size, Size] | None:
    """Two sizes that compare as a :class:`QuotientSum` and a whole number, half or quarter do."""
    if isinstance(a, QuotientSum) == isinstance(b, QuotientSum):
        return None
    exact = _exact(b if isinstance(a, QuotientSum) else a)
    if exact is None or 4 % exact[1]:
        return None
    (x, p), (y, q) = (
        (n.total.num, n.total.den) if isinstance(n, QuotientSum) else exact for n in (a, b)
    )
    return x * q, y * p


def _of_extremum(operation: Binary, path: SizePath, a: Any, b: Any) -> Any:
    """A comparison with the largest or smallest of some numbers."""
    if operation is eq:
        return conj(ge(path, a, b), le(path, a, b))
    if operation is ne:
        return disj(lt(path, a, b), gt(path, a, b))
    left = isinstance(a, FloatExtremum)
    many = a if left else b
    each = [operation(path, x, b) if left else operation(path, a, x) for x in many.items]
    any_of_them = (operation in (gt, ge)) == (left == many.larger)
    return (disj if any_of_them else conj)(*each)


def _of_rounded(
    path: SizePath,
    build: Callable[[Size, Size], Bool],
    plain: Callable[[Any, Any], bool],
    a: Any,
    b: Any,
) -> Bool | None:
    """A comparison of floats that were rounded several times; ``None`` if nothing is known of it.

    Floats of ``p/q`` and ``r/s`` compare as these do unless ``p*s`` and ``r*q`` are the same: they
    differ by 1 at least, which is more than a few roundings of numbers below 2**48.
    """
    x, y = approximation_of(a), approximation_of(b)
    if x is None or y is None:
        return None
    (first, rounded), (second, again) = x, y
    for ratio in (first, second):
        if path.known(formula.ge(ratio.den, 1)) is not True:
            return None
    left, right = first.num * second.den, second.num * first.den
    if not is_small(left) and not is_small(right):
        return None
    if _is_nearest(a) and _is_nearest(b):
        return build(left, right)
    if build in _NOT_ABOVE[0] and rounded <= 2 and not again and _is_power_of_two(second):
        return build(left, right)
    if build in _NOT_ABOVE[1] and again <= 2 and not rounded and _is_power_of_two(first):
        return build(left, right)
    above = formula.gt(left, right)
    if path.before_number is not None and path.known(above) is None:
        path.before_number()  # a ``max`` that keeps both may serve the caller
    if path.branch(above):
        return plain(1, 0)
    if path.branch(formula.lt(left, right)):
        return plain(0, 1)
    difference = left - right
    if isinstance(difference, Expr) and len(difference.symbols()) == 1:
        return plain(pinned(path, a), pinned(path, b))
    return path.choose("the rounding of floats determines the path that the model takes")


def _is_nearest(number: Any) -> bool:
    """Whether a number is the double next to its approximation: those of equal ratios are equal."""
    return isinstance(number, (int, float, Expr, Ratio))


def _is_power_of_two(ratio: Ratio) -> bool:
    return ratio.den == 1 and isinstance(ratio.num, int) and ratio.num.bit_count() == 1


# What asks whether a number is above a power of two, on the right or on the left. A number that
# is one and was rounded twice is not above it: the doubles above are twice as far apart as those
# below, so that half of that distance, which the first rounding adds, is lost in the second.
_NOT_ABOVE = (formula.gt, formula.le), (formula.lt, formula.ge)


def _of_unknown(path: SizePath, build: Callable[[Size, Size], Bool], a: Any, b: Any) -> Bool:
    """A comparison with a float that no size determines, such as ``random.random() < 0.1``."""
    x, y = _exact(a), _exact(b)
    if x is not None and y is not None:
        return build(x[0] * y[1], y[0] * x[1])
    return path.choose("a random number or a tensor value determines the path that the model takes")


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


def _is_plain(number: Any) -> bool:
    return isinstance(number, (int, float)) and math.isfinite(number)


_SWAPPED: dict[Callable[[Size, Size], Bool], Callable[[Size, Size], Bool]] = {
    formula.ge: formula.le, formula.le: formula.ge, formula.gt: formula.lt, formula.lt: formula.gt,
}  # fmt: skip


def _of_logarithm(build: Callable[[Size, Size], Bool], log: Logarithm, bound: float) -> Bool:
    """A comparison with a number, by the sizes from which on the logarithm reaches or passes it."""
    least, more = log.first(lambda n: n >= bound), log.first(lambda n: n > bound)
    reached = False if least is None else formula.ge(log.size, least)
    passed = False if more is None else formula.ge(log.size, more)
    if build is formula.ge or build is formula.lt:
        return reached if build is formula.ge else negate(reached)
    if build is formula.gt or build is formula.le:
        return passed if build is formula.gt else negate(passed)
    same = conj(reached, negate(passed))
    return same if build is formula.eq else negate(same)


def _of_truths(build: Callable[[Size, Size], Bool], a: Bool, b: Bool) -> Bool:
    """A comparison of two truths, of which Python takes one as 1 and the other as 0."""
    if build is formula.eq or build is formula.ne:
        same = disj(conj(a, b), conj(negate(a), negate(b)))
        return same if build is formula.eq else negate(same)
    cases = ((x, y) for x in (True, False) for y in (True, False) if build(int(x), int(y)) is True)
    return disj(*(conj(a if x else negate(a), b if y else negate(b)) for x, y in cases))


def _compares_as_ratios(path: SizePath, x: Ratio, y: Ratio) -> bool:
    """Whether the doubles of two ratios compare as the ratios do.

    ``p / q``, rounded once, and a ``r / s`` that is not rounded differ by ``1 / (q*s)`` at least,
    unless they are the same: more than rounding loses while ``p * s`` is below 2**52. So ``s`` is
    to be small, and ``p`` is a size. If both are rounded, products of ``p * s`` are to be small.
    """
    if all(compares_exactly(path.known, r) for r in (x, y)):
        return True
    if x.rounded and y.rounded:
        if not all(map(is_small, (x.num * y.den, y.num * x.den))):
            return False
    elif x.rounded or y.rounded:
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
    """The truth of a number, as ``if number:`` takes it."""
    return number if isinstance(number, (bool, Formula)) else ne(path, number, 0)


def opposite(path: SizePath, truth: Any) -> Bool:
    """``not truth``."""
    return negate(truth)
