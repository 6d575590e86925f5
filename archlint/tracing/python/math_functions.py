"""Functions of ``math`` and ``operator`` that Python computes in C, answered for sizes.

``math.gcd(h, 8)`` and ``operator.index(h)`` ask a size for its number. While a trace runs, both
modules hold functions that answer for sizes with a formula where there is one; the others pin the
size. For all else they call the originals.
"""

from __future__ import annotations

import functools
import math
import operator
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from typing import Any

from archlint.runtime.process_lock import PROCESS_LOCK
from archlint.runtime.stand_in_functions import StandIn
from archlint.runtime.uninterruptible import uninterrupted
from archlint.symbolic.formula import ge, gt
from archlint.symbolic.rational import ratio_of
from archlint.tracing.symint import float_domains, integers, logarithms, numbers, powers, rounding
from archlint.tracing.symint.numbers import SizePath
from archlint.tracing.symint.python_types import is_symbolic_number, node_value, user_number

Exact = Callable[..., Any]


def _folded(operation: Callable[[SizePath, Any, Any], Any], empty: int) -> Exact:
    """``gcd`` and ``lcm``, which take any number of arguments."""
    return lambda path, *args: functools.reduce(functools.partial(operation, path), args, empty)


def _remainder(path: SizePath, a: Any, b: Any) -> Any:
    """``math.fmod``: the remainder with the sign of the dividend, as a float."""
    if path.branch(numbers.not_negative(path, a)) and path.branch(numbers.not_negative(path, b)):
        return rounding.as_float(path, float_domains.mod(path, a, b))
    return numbers.opaque(path, math.fmod, a, b)


def _with_sign(path: SizePath, a: Any, b: Any) -> Any:
    """``math.copysign``. A float that is 0 may have either sign, an integer has none."""
    exact = ratio_of(numbers.settled(path, b))
    if exact is None or not isinstance(exact.den, int) or exact.den < 1:
        return numbers.opaque(path, math.copysign, a, b)
    plain = isinstance(a, (int, float))
    size = math.fabs(a) if plain else rounding.as_float(path, numbers.absolute(path, a))
    if path.branch(gt(exact.num, 0)):
        return size
    if path.branch(ge(exact.num, 0)) and numbers.kind_of(b) is float:
        return numbers.opaque(path, math.copysign, a, b)
    return size if path.branch(ge(exact.num, 0)) else numbers.negative(path, size)


def _of_finite(plain: Callable[[float], bool]) -> Exact:
    """A function that is the same for all numbers that are finite, as ratios of sizes are."""

    def function(path: SizePath, a: Any) -> bool:
        a = numbers.settled(path, a)
        return plain(1.0 if ratio_of(a) is not None else numbers.pinned(path, a))

    return function


def _float_power(path: SizePath, a: Any, b: Any) -> Any:
    return rounding.as_float(path, powers.power(path, a, b))


_NATURAL = logarithms.logarithm(math.log)


def _log(path: SizePath, number: Any, *base: Any) -> Any:
    """``math.log``, which with a base is the quotient of two logarithms."""
    found = _NATURAL(path, number)
    return float_domains.truediv(path, found, _log(path, *base)) if base else found


def _smooth(plain: Callable[..., float]) -> Exact:
    """A function that has a value for all numbers."""
    return lambda path, *args: numbers.opaque(path, plain, *args)


_SMOOTH = (
    *(math.sin, math.cos, math.tan, math.atan, math.atan2, math.tanh, math.asinh, math.hypot),
    *(math.degrees, math.radians, math.erf, math.erfc),
)
EXACT: dict[Callable[..., Any], Exact] = {
    math.gcd: _folded(integers.greatest_divisor, 0),
    math.isqrt: integers.square_root,
    math.sqrt: float_domains.square_root,
    math.log2: logarithms.logarithm(math.log2),
    math.log: _log,
    math.log10: logarithms.logarithm(math.log10),
    math.log1p: lambda path, a: _NATURAL(path, numbers.add(path, a, 1)),
    **{function: _smooth(function) for function in _SMOOTH},
    math.pow: _float_power,
    math.fmod: _remainder,
    math.fabs: lambda path, a: rounding.as_float(path, numbers.absolute(path, a)),
    math.lcm: _folded(integers.least_multiple, 1),
    math.copysign: _with_sign,
    **{function: _of_finite(function) for function in (math.isfinite, math.isinf, math.isnan)},
    operator.index: lambda path, a: numbers.settled(path, a),
}
"""Functions of numbers, by the original: ``(path, *numbers) -> number``."""

_PLACES: tuple[tuple[dict[str, Any], str, Any], ...] = tuple(
    (vars(math if original.__module__ == "math" else operator), original.__name__, original)
    for original in EXACT
)


@contextmanager
def math_of_sizes(classes: Iterable[type] = ()) -> Iterator[None]:
    """Answer these functions for sizes inside the block, and numpy's where it is imported.

    ``classes``: those of the model, whose modules may have names for numpy's functions.
    """
    with ExitStack() as replaced:
        if sys.modules.get("numpy") is not None:
            numpys = import_module("archlint.tracing.python.numpy_functions")
            replaced.enter_context(numpys.numpy_of_sizes(classes))
        replaced.enter_context(names_replaced(_PLACES, of_sizes))
        yield


@contextmanager
def names_replaced(
    places: Iterable[tuple[dict[str, Any], str, Any]], stand_in: Callable[[Any], Any]
) -> Iterator[None]:
    """Put stand-ins in the place of functions inside the block.

    ``places``: the names of a module, one of them, and the function that it may stand for.
    """
    with PROCESS_LOCK:
        replaced: list[tuple[dict[str, Any], str, Any]] = []
        try:
            for names, name, original in places:
                if names.get(name) is original:
                    replaced.append((names, name, original))  # first: a limit may ring
                    names[name] = stand_in(original)
            yield
        finally:
            with uninterrupted():
                for names, name, original in replaced:
                    names[name] = original


@functools.cache
def of_sizes(original: Callable[..., Any]) -> Callable[..., Any]:
    """The function that stands for ``original``, one of :data:`EXACT`."""
    exact = EXACT[original]

    def function(*args: Any) -> Any:
        path = next((a.node.path for a in args if is_symbolic_number(a)), None)
        if path is None:
            return original(*args)
        return user_number(exact(path, *map(node_value, args)), path)

    return StandIn(original, function)
