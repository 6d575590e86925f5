"""What Python computes from sizes: exact where a formula can say it, else known at one point.

A *number* is what user code has in its hands: a size, an exact :class:`.Ratio`, a
formula (the truth of a comparison), a plain number, or an :class:`.Opaque` float.
Each operation takes the path it happens on, on which it may branch (is the divisor 0?) or pin a
size.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from archlint import symbolic as dims
from archlint.symbolic import Expr, Size, formula
from archlint.symbolic.formula import Bool, Formula
from archlint.symbolic.rational import (
    Opaque,
    Ratio,
    approximate,
    ratio_add,
    ratio_div,
    ratio_mul,
    ratio_of,
    reduced,
)


class SizePath(Protocol):
    """What sizes need of the path they live on."""

    env: dict[str, int]
    eager: bool
    before_number: Callable[[], None] | None

    def known(self, formula: Bool) -> bool | None: ...
    def branch(self, formula: Bool) -> bool: ...
    def check(self, formula: Bool) -> bool: ...
    def pin(self, size: Size) -> int: ...
    def choose(self, what: str = ...) -> bool: ...
    def unknown(self, made_by: str, low: Size | None, *most: Size) -> Size: ...


Unary = Callable[[SizePath, Any], Any]
Binary = Callable[[SizePath, Any, Any], Any]


def kind_of(number: Any) -> type:
    """``bool``, ``int`` or ``float``: what the number is at plain sizes."""
    if isinstance(number, (bool, Formula)):
        return bool
    return int if isinstance(number, (int, Expr)) else float


def value_at(number: Any, env: Mapping[str, int]) -> Any:
    """The number at concrete sizes; asking records nothing."""
    if isinstance(number, (Expr, Formula)):
        return number.evaluate(env)
    if isinstance(number, Ratio):
        return float(number.evaluate(env))
    return number.value if isinstance(number, Opaque) else number


def sizes_in(number: Any) -> tuple[Size, ...]:
    """The sizes a number was made from: those that its value pins."""
    if isinstance(number, Opaque):
        return number.sizes
    if isinstance(number, Ratio):
        return number.num, number.den
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


def _opaque(
    path: SizePath, plain: Callable[..., Any], *numbers: Any, over: bool | None = None
) -> Opaque:
    """What a function of floats gives, known at the path's own sizes only.

    ``over``: whether it is the quotient of two numbers (True) or their product (False).
    """
    value = plain(*(value_at(n, path.env) for n in numbers))
    sizes = tuple(size for n in numbers for size in sizes_in(n))
    found = [f for f in map(approximate, numbers) if f is not None] if over is not None else []
    if len(found) != 2:
        return Opaque(value, sizes)
    (a, before), (b, more) = found
    exact = reduced(a.num * b.den, a.den * b.num) if over else reduced(a.num * b.num, a.den * b.den)
    return Opaque(value, sizes, exact, before + more + 1)


def function(plain: Callable[[float], float]) -> Unary:
    """A function of floats that no formula stands for."""
    return lambda path, number: _opaque(path, plain, number)


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
        return _opaque(path, plain, a, b, over=False if plain is operator.mul else None)

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
    x, y = ratio_of(a), ratio_of(b)
    if y is not None and isinstance(y.num, Expr) and path.branch(formula.eq(y.num, 0)):
        raise ZeroDivisionError("division by zero")
    exact = ratio_div(x, y) if x is not None and y is not None else None
    return _opaque(path, operator.truediv, a, b, over=True) if exact is None else exact


def power(path: SizePath, a: Any, b: Any) -> Any:
    if kind_of(a) is int and kind_of(b) is int:
        times = path.pin(b)
        if times >= 0:
            return a**times
    return _opaque(path, lambda x, y: float(x**y), a, b)


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
    return (_larger if larger else _smaller)(path, a, b)


def absolute(path: SizePath, number: Any) -> Any:
    return largest(path, number, negative(path, number))


def shifted(path: SizePath, a: Any, b: Any) -> Any:
    """``a << b``."""
    return mul(path, a, 1 << int(pinned(path, b)))


def shifted_back(path: SizePath, a: Any, b: Any) -> Any:
    """``a >> b``."""
    return floordiv(path, a, 1 << int(pinned(path, b)))
