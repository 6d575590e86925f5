"""Scalars of numpy made from sizes: what ``np.ceil(np.sqrt(h)).astype(int)`` is.

Whatever numpy computes of sizes is a scalar of numpy's, and so is what is computed of that: it is
no ``int``, ``/ 0`` is ``inf``, and ``==`` gives an ``np.bool_``. Of other dtypes than ``int64`` and
``float64`` the sizes are pinned.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy
import torch

from archlint.symbolic.formula import Formula
from archlint.tracing.symint import comparisons, float_domains, integers, numbers, powers, rounding
from archlint.tracing.symint.float_kinds import BINARY, DECIMAL, NATURAL
from archlint.tracing.symint.logarithms import logarithm
from archlint.tracing.symint.node import SizeNode
from archlint.tracing.symint.numbers import SizePath, pinned
from archlint.tracing.symint.python_types import (
    NUMBER_TYPES,
    NUMPY_TYPES,
    SymbolicBool,
    SymbolicFloat,
    SymbolicInt,
    class_seen,
    is_symbolic_number,
    node_value,
    user_number,
)

_INT, _FLOAT, _BOOL = numpy.dtype(numpy.int64), numpy.dtype(numpy.float64), numpy.dtype(bool)
_FOLLOWED: dict[type, Any] = {int: 1, float: 1.0, bool: True}
_FOLLOWED |= {dtype.type: dtype.type(1) for dtype in (_INT, _FLOAT, _BOOL)}


def _power(path: SizePath, a: Any, b: Any) -> Any:
    """``a ** b``; of integers numpy refuses a power below 0."""
    whole = numbers.kind_of(a) is not float and numbers.kind_of(b) is not float
    if whole and float_domains.holds(path, "below 0", b):
        raise ValueError("Integers to negative integer powers are not allowed.")
    return powers.power(path, a, b)


OPERATIONS: dict[Any, Callable[..., Any]] = {
    numpy.add: numbers.add,
    numpy.subtract: numbers.sub,
    numpy.multiply: numbers.mul,
    numpy.divide: float_domains.truediv,
    numpy.floor_divide: float_domains.floordiv,
    numpy.remainder: float_domains.mod,
    numpy.negative: numbers.negative,
    numpy.positive: lambda path, a: a,
    numpy.absolute: numbers.absolute,
    numpy.equal: comparisons.eq,
    numpy.not_equal: comparisons.ne,
    numpy.less: comparisons.lt,
    numpy.less_equal: comparisons.le,
    numpy.greater: comparisons.gt,
    numpy.greater_equal: comparisons.ge,
    numpy.bitwise_and: integers.both,
    numpy.bitwise_or: integers.either,
    numpy.bitwise_xor: integers.one_of_two,
    numpy.invert: integers.inverted,
    numpy.left_shift: powers.shifted,
    numpy.right_shift: powers.shifted_back,
    numpy.gcd: integers.greatest_divisor,
    numpy.lcm: integers.least_multiple,
    numpy.power: _power,
    numpy.floor: rounding.floor,
    numpy.ceil: rounding.ceil,
    numpy.trunc: rounding.trunc,
    numpy.rint: rounding.rounded,
    numpy.sqrt: float_domains.square_root,
    numpy.log2: logarithm(BINARY),
    numpy.log: logarithm(NATURAL),
    numpy.log10: logarithm(DECIMAL),
    numpy.log1p: lambda path, a: logarithm(NATURAL)(path, numbers.add(path, a, 1)),
    numpy.maximum: numbers.largest,
    numpy.minimum: numbers.smallest,
}
"""numpy's functions that sizes answer: ``(path, *numbers) -> number``."""

_BY_ZERO = (numpy.divide, numpy.floor_divide, numpy.remainder)


def answer(ufunc: Any, method: str, inputs: Any, kwargs: Any) -> Any:
    """What a function of numpy gives of numbers made from sizes, and others."""
    inputs = [i[()] if isinstance(i, numpy.ndarray) and not i.ndim else i for i in inputs]
    operation = None if kwargs or method != "__call__" else OPERATIONS.get(ufunc)
    followed = operation is not None and all(map(_is_followed, inputs))
    dtype = _result_type(ufunc, tuple(map(_kind, inputs))) if followed else None
    if operation is not None and dtype is not None:
        path = next(i.node.path for i in inputs if is_symbolic_number(i))
        values = [numbers.settled(path, _plain(i)) for i in inputs]
        try:
            return scalar(operation(path, *values), path, dtype)
        except (ValueError, OverflowError):  # which numpy raises for few: inf and nan are usual
            pass
        except ZeroDivisionError:
            if ufunc in _BY_ZERO:
                return ufunc(_FOLLOWED[_kind(inputs[0])] * _sign(path, values[0]), dtype.type(0))
    if any(type(i) is numpy.ndarray and i.dtype == object for i in inputs):
        elements = [_element(i) if is_symbolic_number(i) else i for i in inputs]
        return getattr(ufunc, method)(*elements, **kwargs)
    plain = [_pinned(i) if is_symbolic_number(i) else i for i in inputs]
    return getattr(ufunc, method)(*plain, **kwargs)


def _is_followed(value: Any) -> bool:
    return is_symbolic_number(value) or type(value) in _FOLLOWED


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, numpy.generic) else node_value(value)


def _kind(value: Any) -> type:
    """The type of a number, as numpy sees it."""
    return NUMBER_TYPES.get(type(value), type(value))


@lru_cache(maxsize=1024)
def _result_type(ufunc: Any, kinds: tuple[type, ...]) -> Any:
    """The dtype of a function's result; ``None`` where numpy refuses such operands."""
    try:
        return ufunc(*(_FOLLOWED[kind] for kind in kinds)).dtype
    except TypeError:
        return None


def _sign(path: SizePath, number: Any) -> int:
    """Of what sign a number is, which branches."""
    if float_domains.holds(path, "0", number):
        return 0
    return -1 if float_domains.holds(path, "below 0", number) else 1


def _pinned(value: Any) -> Any:
    """A number at its plain value, as numpy or Python has it."""
    plain = pinned(value.node.path, value.node.value)
    return _plain_scalar(plain) if type(value) in (NumpyInt, NumpyFloat) else plain


def _plain_scalar(number: Any) -> Any:
    """A plain number as numpy holds it; beyond 64 bits it is an object."""
    if isinstance(number, int) and not -(2**63) <= number < 2**63:
        return number
    return {bool: numpy.bool_, int: numpy.int64, float: numpy.float64}[type(number)](number)


def scalar(value: Any, path: SizePath, dtype: Any = None) -> Any:
    """A number of :mod:`.numbers` as a scalar of numpy, of its own dtype or of another one."""
    if isinstance(value, (Formula, bool)):
        truth = path.branch(value)
        return numpy.bool_(truth) if dtype is None or dtype == _BOOL else dtype.type(truth)
    if dtype is not None and dtype == _FLOAT:
        value = rounding.as_float(path, value)
    if isinstance(value, (int, float)):
        return _plain_scalar(value)
    node: Any = SizeNode(value, path)
    return (NumpyFloat if node.pytype is float else NumpyInt)(node)


def as_scalar(number: Any) -> Any:
    """A number of Python, or one made from sizes, as numpy holds it; anything else as it is."""
    if type(number) in (bool, int, float):
        return _plain_scalar(number)
    if type(number) in NUMPY_TYPES or not is_symbolic_number(number):
        return number
    return scalar(number.node.value, number.node.path)


def _element(number: Any) -> Any:
    """A number as an array of no dimensions, whose element is itself."""
    return numpy.fromiter((as_scalar(number),), object, 1).reshape(())


def _operator(ufunc: Any, swapped: bool = False) -> Any:
    def method(self: Any, other: Any) -> Any:
        if not _is_followed(other) and not isinstance(other, (numpy.generic, numpy.ndarray)):
            return NotImplemented
        return answer(ufunc, "__call__", (other, self) if swapped else (self, other), {})

    return method


def _unary(ufunc: Any) -> Any:
    return lambda self: answer(ufunc, "__call__", (self,), {})


def _attribute(name: str) -> Any:
    """An attribute that numpy's own code does not see: it asks for none of an array of objects."""

    def of(self: Any) -> Any:
        if str(sys._getframe(1).f_globals.get("__name__")).startswith("numpy."):
            raise AttributeError(name)
        return getattr(_ONES[type(self)], name)

    return property(of)


def _missing(name: str) -> Any:
    """An attribute that numpy's scalars do not have, or that is of one number."""
    return property(lambda self: getattr(_pinned(self), name))


class _Scalar:
    """What scalars of numpy have beside the methods of Python's numbers."""

    __slots__ = ()

    __add__, __radd__ = _operator(numpy.add), _operator(numpy.add, True)
    __sub__, __rsub__ = _operator(numpy.subtract), _operator(numpy.subtract, True)
    __mul__, __rmul__ = _operator(numpy.multiply), _operator(numpy.multiply, True)
    __truediv__, __rtruediv__ = _operator(numpy.divide), _operator(numpy.divide, True)
    __floordiv__ = _operator(numpy.floor_divide)
    __rfloordiv__ = _operator(numpy.floor_divide, True)
    __mod__, __rmod__ = _operator(numpy.remainder), _operator(numpy.remainder, True)
    __pow__, __rpow__ = _operator(numpy.power), _operator(numpy.power, True)
    __eq__: Any = _operator(numpy.equal)
    __ne__: Any = _operator(numpy.not_equal)
    __lt__, __le__ = _operator(numpy.less), _operator(numpy.less_equal)
    __gt__, __ge__ = _operator(numpy.greater), _operator(numpy.greater_equal)
    __neg__, __abs__ = _unary(numpy.negative), _unary(numpy.absolute)
    sqrt, rint = _unary(numpy.sqrt), _unary(numpy.rint)  # as arrays of objects call them
    log, log2, log10, log1p = map(_unary, (numpy.log, numpy.log2, numpy.log10, numpy.log1p))
    dtype, itemsize, nbytes = map(_attribute, ("dtype", "itemsize", "nbytes"))
    shape, size, ndim = map(_attribute, ("shape", "size", "ndim"))

    def __divmod__(self, other: Any) -> Any:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> Any:
        return other // self, other % self

    def __repr__(self) -> str:
        return repr(_pinned(self))

    def astype(self, dtype: Any, *args: Any, **kwargs: Any) -> Any:
        """The number as another dtype."""
        node: Any = self.node  # type: ignore[attr-defined]
        wanted = numpy.dtype(dtype)
        if wanted == _INT:
            return scalar(rounding.trunc(node.path, node.value), node.path)
        if wanted == _FLOAT:
            return scalar(node.value, node.path, _FLOAT)
        return _pinned(self).astype(dtype, *args, **kwargs)

    def item(self) -> Any:
        """The number as Python's."""
        node: Any = self.node  # type: ignore[attr-defined]
        return user_number(node.value, node.path)

    tolist = item


class NumpyFloat(_Scalar, SymbolicFloat):
    """A ``numpy.float64`` made from sizes."""

    __class__: Any = class_seen(numpy.float64, torch.SymFloat)
    __hash__ = SymbolicFloat.__hash__

    def __round__(self, ndigits: Any = None) -> Any:
        number: Any = super().__round__(ndigits)
        return number if ndigits is None else as_scalar(number)


class NumpyInt(_Scalar, SymbolicInt):
    """A ``numpy.int64`` made from sizes."""

    __class__: Any = class_seen(numpy.int64, torch.SymInt)
    __hash__ = SymbolicInt.__hash__
    __and__, __rand__ = _operator(numpy.bitwise_and), _operator(numpy.bitwise_and, True)
    __or__, __ror__ = _operator(numpy.bitwise_or), _operator(numpy.bitwise_or, True)
    __xor__, __rxor__ = _operator(numpy.bitwise_xor), _operator(numpy.bitwise_xor, True)
    __lshift__, __rlshift__ = _operator(numpy.left_shift), _operator(numpy.left_shift, True)
    __rshift__, __rrshift__ = _operator(numpy.right_shift), _operator(numpy.right_shift, True)
    __invert__ = _unary(numpy.invert)
    bit_length, bit_count = _missing("bit_length"), _missing("bit_count")
    to_bytes, from_bytes = _missing("to_bytes"), _missing("from_bytes")
    as_integer_ratio = _missing("as_integer_ratio")

    def is_integer(self) -> bool:
        """True, as for every integer of numpy."""
        return True


def _of_ufunc(self: Any, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
    return answer(ufunc, method, inputs, kwargs)


_ONES: dict[type, Any] = {NumpyInt: numpy.int64(1), NumpyFloat: numpy.float64(1)}
NUMBER_TYPES.update({NumpyFloat: numpy.float64, NumpyInt: numpy.int64})
NUMPY_TYPES.update({NumpyFloat, NumpyInt, *numpy.sctypeDict.values()})
_NUMBERS: tuple[Any, ...] = (SymbolicInt, SymbolicFloat, SymbolicBool)
for _type in _NUMBERS:
    _type.__array_ufunc__ = _of_ufunc
