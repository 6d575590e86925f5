"""Divisions and roots of floats made from sizes, which Python refuses for some of them.

``1 / math.log(t)`` divides by 0 where ``t`` is 1, and ``math.sqrt(w / 5 - 1)`` has no value where
``w`` is below 5. Of sizes and exact ratios :mod:`.numbers` knows it. Of floats it is asked here
before they are computed: a branch where a formula says at which sizes, else a caveat.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from archlint.symbolic import Size, formula
from archlint.symbolic.float_products import FloatProduct
from archlint.symbolic.formula import Bool
from archlint.symbolic.quantify_unknowns import unknowns_in
from archlint.symbolic.rational import ratio_of
from archlint.tracing.symint import numbers
from archlint.tracing.symint.float_kinds import Logarithm, QuotientSum, Root
from archlint.tracing.symint.numbers import Binary, SizePath


def _divided(divide: Binary, text: str) -> Binary:
    def operation(path: SizePath, a: Any, b: Any) -> Any:
        a, b = numbers.settled(path, a), numbers.settled(path, b)
        if ratio_of(b) is None and holds(path, "0", b):
            raise ZeroDivisionError(text)
        return divide(path, a, b)

    return operation


truediv = _divided(numbers.truediv, "float division by zero")
floordiv = _divided(numbers.floordiv, "float floor division by zero")
mod = _divided(numbers.mod, "float modulo by zero")


def square_root(path: SizePath, number: Any) -> Any:
    """``math.sqrt(number)``."""
    number = numbers.settled(path, number)
    exact = ratio_of(number)
    rounded = exact is None or exact.rounded or exact.den != 1
    if rounded and holds(path, "below 0", number):
        raise ValueError("math domain error")
    return numbers.square_root(path, number)


def holds(path: SizePath, sign: str, number: Any) -> bool:
    """Whether a number is ``"0"`` or ``"below 0"``, which branches."""
    plain, of_size = _SIGNS[sign]
    if isinstance(number, (int, float)):
        return plain(number)
    if any(unknowns_in(size) for size in numbers.sizes_in(number)):
        return False  # of a draw, which is some number
    size = _size_of_its_sign(path, number)
    if size is not None:
        return path.branch(of_size(size))
    value = numbers.value_at(number, path.env)
    if plain(value):
        numbers.pinned(path, number)
        return True
    path.unproved(f"whether a float made from sizes is {sign} at some of them")
    return False


_SIGNS: dict[str, tuple[Callable[[Any], bool], Callable[[Size], Bool]]] = {
    "0": (lambda number: bool(number == 0), lambda size: formula.eq(size, 0)),
    "below 0": (lambda number: bool(number < 0), lambda size: formula.lt(size, 0)),
}


def _size_of_its_sign(path: SizePath, number: Any) -> Size | None:
    """A size that is 0, above or below it where the number is; ``None`` if none is known."""
    if isinstance(number, Logarithm):
        return number.size - 1
    if isinstance(number, Root):
        return number.size
    if isinstance(number, FloatProduct):
        return number.size * (1 if number.factor > 0 else -1)
    ratio = ratio_of(number)
    if ratio is None and isinstance(number, QuotientSum):
        ratio = number.total
    if ratio is None and (found := numbers.approximation_of(number)) is not None:
        ratio = found[0]
    if ratio is None or path.known(formula.ge(ratio.den, 1)) is not True:
        return None
    return ratio.num
