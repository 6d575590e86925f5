"""What Python computes from sizes: exact where a formula can say it, else known at one point.

A *number* is what user code has in its hands: a size, an exact :class:`.Ratio`, a
formula (the truth of a comparison), a plain number, a :class:`Root`, a :class:`FloatProduct`, a
:class:`QuotientSum`, an :class:`FloatExtremum` or an :class:`.Opaque` float.
Each operation takes the path it happens on, on which it may branch (is the divisor 0?) or pin a
size.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, Protocol

from archlint import symbolic as dims
from archlint.symbolic import (
    Expr,
    Size,
    formula,
    square_root_of,
)
from archlint.symbolic.float_products import FloatProduct
from archlint.symbolic.formula import Bool, Formula
from archlint.symbolic.rational import (
    Opaque,
    Ratio,
    approximate,
    is_representable,
    ratio_add,
    ratio_div,
    ratio_mul,
    ratio_of,
    reduced,
    whole_of,
)
from archlint.tracing.symint.float_kinds import FloatExtremum, Logarithm, QuotientSum, Root
from archlint.tracing.symint.size_keys import SizeKeys


class SizePath(Protocol):
    """What sizes need of the path they live on."""

    env: dict[str, int]
    eager: bool
    before_number: Callable[[], None] | None
    keys: SizeKeys
    events: list[Any]

    def known(self, formula: Bool) -> bool | None: ...
    def branch(self, formula: Bool) -> bool: ...
    def check(self, formula: Bool) -> bool: ...
    def pin(self, size: Size) -> int: ...
    def choose(self, what: str = ...) -> bool: ...
    def simplified(self, size: Size) -> Size: ...
    def unknown(self, made_by: str, low: Size | None, *most: Size) -> Size: ...
    def unproved(self, text: str) -> None: ...


Unary = Callable[[SizePath, Any], Any]
Binary = Callable[[SizePath, Any, Any], Any]


def kind_of(number: Any) -> type:
    """``bool``, ``int`` or ``float``: what the number is at plain sizes."""
    if isinstance(number, (bool, Formula)):
        return bool
    return int if isinstance(number, (int, Expr)) else float


def value_at(number: Any, env: Mapping[str, int]) -> Any:
    """The number at concrete sizes; asking records nothing."""
    if isinstance(number, (Expr, Formula, Root, Logarithm, FloatProduct, QuotientSum)):
        return number.evaluate(env)
    if isinstance(number, Ratio):
        return float(number.evaluate(env))
    if isinstance(number, FloatExtremum):
        values = [value_at(item, env) for item in number.items]
        return max(values) if number.larger else min(values)
    return number.value if isinstance(number, Opaque) else number


def sizes_in(number: Any) -> tuple[Size, ...]:
    """The sizes a number was made from: those that its value pins."""
    if isinstance(number, Opaque):
        return number.sizes
    if isinstance(number, Ratio):
        return number.num, number.den
    if isinstance(number, (Root, Logarithm, FloatProduct)):
        return (number.size,)
    if isinstance(number, (FloatExtremum, QuotientSum)):
        return tuple(size for item in number.items for size in sizes_in(item))
    return (number,) if isinstance(number, Expr) else ()


def settled(path: SizePath, number: Any) -> Any:
    """A formula as the 1 or 0 that Python computes with, which branches; others as they are."""
    return int(path.branch(number)) if isinstance(number, Formula) else number


def pinned(path: SizePath, number: Any) -> Any:
    """The value as a plain number: pins every size that it was made from."""
    if isinstance(number, Formula):
        return path.branch(number)
    for size in sizes_in(number):
        path.pin(size)
    return value_at(number, path.env)


def opaque(path: SizePath, plain: Callable[..., Any], *numbers: Any) -> Opaque:
    """What a function of floats gives, known at the path's own sizes only.

    Of a product, a quotient, and a sum of numbers that are not negative, it is known what it would
    be without roundings.
    """
    numbers = tuple(settled(path, n) for n in numbers)
    try:
        value = plain(*(value_at(n, path.env) for n in numbers))
    except (ArithmeticError, ValueError, TypeError):  # it may have a value at other sizes
        for number in numbers:
            pinned(path, number)
        raise
    sizes = tuple(size for n in numbers for size in sizes_in(n))
    found = [f for f in map(approximation_of, numbers) if f is not None]
    if len(found) != 2 or len(numbers) != 2:
        return Opaque(value, sizes)
    (a, before), (b, more) = found
    if plain is operator.mul:
        return Opaque(value, sizes, reduced(a.num * b.num, a.den * b.den), before + more + 1)
    if plain is operator.truediv:
        return Opaque(value, sizes, reduced(a.num * b.den, a.den * b.num), before + more + 1)
    if plain is operator.add and _is_positive(path, a) and _is_positive(path, b):
        total = reduced(a.num * b.den + b.num * a.den, a.den * b.den)
        return Opaque(value, sizes, total, max(before, more) + 1)
    return Opaque(value, sizes)


def approximation_of(number: Any) -> tuple[Ratio, int] | None:
    """The ratio that a number would be without roundings, and how many it had at most."""
    if isinstance(number, FloatProduct):
        simple = number.factor.limit_denominator(_DENOMINATORS[0])
        if not simple or abs(number.factor / simple - 1) > 2**-53:
            return None
        return reduced(number.size * simple.numerator, simple.denominator), 2
    if isinstance(number, QuotientSum):
        return number.total, 1 + len(number.addends)
    if isinstance(number, float) and math.isfinite(number) and number:
        exact = Fraction(number)
        for simple in map(exact.limit_denominator, _DENOMINATORS):
            if float(simple) == number:  # stored with one rounding
                return Ratio(simple.numerator, simple.denominator), int(simple != exact)
    return approximate(number)


def _is_known_positive(path: SizePath, factor: Any) -> bool:
    if isinstance(factor, float):
        return factor > 0
    return isinstance(factor, (int, Expr)) and path.known(formula.ge(factor, 0)) is True


def _is_positive(path: SizePath, ratio: Ratio) -> bool:
    return path.known(formula.conj(formula.ge(ratio.num, 0), formula.ge(ratio.den, 1))) is True


_DENOMINATORS = 1000, 10**6  # of floats as code writes them: 1 / 3, 1.33333


def function(plain: Callable[[float], float]) -> Unary:
    """A function of floats that no formula stands for."""
    return lambda path, number: opaque(path, plain, number)


# -- arithmetic ---------------------------------------------------------------------------------


def _arithmetic(
    exact: Callable[[Size, Size], Size],
    ratio: Callable[[Ratio, Ratio], Ratio | None] | None,
    plain: Callable[[Any, Any], Any],
) -> Binary:
    def operation(path: SizePath, a: Any, b: Any) -> Any:
        if isinstance(a, (int, Expr)) and isinstance(b, (int, Expr)):
            return exact(a, b)
        if isinstance(a, Formula) or isinstance(b, Formula):
            return operation(path, settled(path, a), settled(path, b))
        x, y = ratio_of(a), ratio_of(b)
        result = ratio(x, y) if ratio and x is not None and y is not None else None
        if result is not None:
            return result
        if (total := QuotientSum.of(plain, a, b)) is not None:
            return total
        if plain is operator.mul:
            for many, factor in ((a, b), (b, a)):
                if isinstance(many, Logarithm) and (scaled := many.scaled(factor)) is not None:
                    return scaled
                if isinstance(many, FloatExtremum) and _is_known_positive(path, factor):
                    items = tuple(operation(path, item, factor) for item in many.items)
                    return FloatExtremum(items, many.larger)
            for size, factor in ((whole_of(a), b), (whole_of(b), a)):
                if isinstance(factor, (int, float)) and math.isfinite(factor) and factor:
                    if _is_size_in_double(size) and isinstance(factor, float):
                        return FloatProduct(size, Fraction(factor))
                    if isinstance(size, FloatProduct) and _is_power_of_two(float(factor)):
                        return FloatProduct(size.size, size.factor * Fraction(float(factor)))
        return opaque(path, plain, a, b)

    return operation


def _no_zero(divide: Binary) -> Binary:
    """The division, which branches on whether the divisor is 0."""

    def operation(path: SizePath, a: Any, b: Any) -> Any:
        divisor = ratio_of(b)
        if divisor is not None and path.branch(formula.eq(divisor.num, 0)):
            raise ZeroDivisionError("division or modulo by zero")
        return divide(path, a, b)

    return operation


def _ratio_sub(a: Ratio, b: Ratio) -> Ratio | None:
    return ratio_add(a, Ratio(-b.num, b.den, b.rounded))


def _ratio_mod(a: Ratio, b: Ratio) -> Ratio | None:
    """``a % b`` of floats, which is exact; ``None`` where the ratios are not."""
    dens = (a.den, b.den)
    if a.rounded or b.rounded or not all(isinstance(d, int) and d > 0 for d in dens):
        return None
    rest = Ratio(dims.mod(a.num * b.den, b.num * a.den), a.den * b.den)
    return ratio_add(rest, Ratio(0))  # in lowest terms


def _ratio_floordiv(a: Ratio, b: Ratio) -> Ratio | None:
    quotient = ratio_div(a, b)
    return None if quotient is None else Ratio(quotient.floor())


add = _arithmetic(operator.add, ratio_add, operator.add)
sub = _arithmetic(operator.sub, _ratio_sub, operator.sub)
mul = _arithmetic(operator.mul, ratio_mul, operator.mul)
mod = _no_zero(_arithmetic(dims.mod, _ratio_mod, operator.mod))
floordiv = _no_zero(_arithmetic(dims.floordiv, _ratio_floordiv, operator.floordiv))
_smaller = _arithmetic(dims.minimum, None, min)
_larger = _arithmetic(dims.maximum, None, max)


def truediv(path: SizePath, a: Any, b: Any) -> Any:
    a, b = settled(path, a), settled(path, b)
    x, y = ratio_of(a), ratio_of(b)
    if y is not None and isinstance(y.num, Expr) and path.branch(formula.eq(y.num, 0)):
        raise ZeroDivisionError("division by zero")
    if x is not None and y is not None and not (x.rounded or y.rounded):
        whole = floordiv_exactly(path, x.num * y.den, x.den * y.num)
        if whole is not None:
            return as_ratio(whole)
    if isinstance(a, Logarithm) and (of_base := a.divided(b)) is not None:
        return of_base
    if isinstance(b, (int, float)) and math.isfinite(b) and b:
        if y is None and _is_size_in_double(whole_of(a)):
            return FloatProduct(whole_of(a), 1 / Fraction(b if kind_of(a) is int else float(b)))
        if isinstance(a, FloatProduct) and _is_power_of_two(float(b)):
            return FloatProduct(a.size, a.factor / Fraction(float(b)))
    exact = ratio_div(x, y) if x is not None and y is not None else None
    return opaque(path, operator.truediv, a, b) if exact is None else exact


def _is_size_in_double(number: Any) -> bool:
    """Whether a number is a size that doubles hold."""
    return isinstance(number, Expr) and is_representable(number)


def _is_power_of_two(factor: float) -> bool:
    """Whether a multiplication with it changes only the exponent of a double."""
    return abs(math.frexp(factor)[0]) == 0.5 and 2**-60 < abs(factor) < 2**60


def floordiv_exactly(path: SizePath, num: Size, den: Size) -> Size | None:
    """The quotient of sizes that is known to leave no rest; ``None`` for others."""
    if isinstance(num, int) or (isinstance(den, int) and den & (den - 1) == 0):
        return None
    whole = dims.exact_quotient(path.simplified(num), path.simplified(den))
    if whole is None and isinstance(den, int) and path.known(formula.eq(dims.mod(num, den), 0)):
        whole = dims.floordiv(num, den)
    return whole


def as_ratio(size: Size) -> Any:
    """A size as a float of the same value."""
    return float(size) if isinstance(size, int) else Ratio(size)


def square_root(path: SizePath, number: Any) -> Any:
    """``math.sqrt(number)``."""
    exact = ratio_of(settled(path, number))
    if exact is None or exact.rounded or exact.den != 1 or isinstance(exact.num, int):
        return opaque(path, math.sqrt, number)
    size = path.simplified(exact.num)
    if path.branch(formula.ge(-1, size)):
        raise ValueError("math domain error")
    root = square_root_of(size)
    if root is not None:
        return as_ratio(root if path.branch(formula.ge(root, 0)) else -root)
    return Root(size) if isinstance(size, Expr) else math.sqrt(size)


def not_negative(path: SizePath, number: Any) -> Bool:
    """Whether a number is at least 0."""
    exact = ratio_of(settled(path, number))
    if exact is None or not isinstance(exact.den, int):
        return bool(pinned(path, number) >= 0)
    return formula.ge(exact.num, 0)


def negative(path: SizePath, number: Any) -> Any:
    return -number if isinstance(number, (int, Expr)) else sub(path, 0, number)


def smallest(path: SizePath, a: Any, b: Any) -> Any:
    return _extremum(path, a, b, False)


def largest(path: SizePath, a: Any, b: Any) -> Any:
    return _extremum(path, a, b, True)


def _extremum(path: SizePath, a: Any, b: Any, larger: bool) -> Any:
    if kind_of(a) is int and kind_of(b) is int:
        at_least = path.known(formula.ge(a, b))
        if at_least is not None:
            return a if at_least == larger else b
    items = [i for n in (a, b) for i in (n.items if isinstance(n, FloatExtremum) else (n,))]
    same = all(n.larger == larger for n in (a, b) if isinstance(n, FloatExtremum))
    if same and all(
        isinstance(i, (float, Ratio, Opaque, FloatProduct, QuotientSum)) for i in items
    ):
        return FloatExtremum(tuple(items), larger)
    return (_larger if larger else _smaller)(path, a, b)


def absolute(path: SizePath, number: Any) -> Any:
    if isinstance(number, Ratio) and isinstance(number.den, int) and number.den > 0:
        if path.branch(formula.ge(number.num, 0)):
            return number
        return Ratio(-number.num, number.den, number.rounded)
    if kind_of(number) is float:
        return opaque(path, abs, number)
    return largest(path, number, negative(path, number))
