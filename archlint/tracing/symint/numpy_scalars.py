"""Scalars of numpy made from sizes: what ``np.ceil(np.sqrt(h)).astype(int)`` is."""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy
import torch

from archlint.tracing.symint import numbers, rounding
from archlint.tracing.symint.float_kinds import BINARY, DECIMAL, NATURAL
from archlint.tracing.symint.logarithms import logarithm
from archlint.tracing.symint.node import SizeNode
from archlint.tracing.symint.numbers import SizePath
from archlint.tracing.symint.python_types import (
    NUMBER_TYPES,
    NUMPY_FUNCTIONS,
    SymbolicFloat,
    SymbolicInt,
    class_seen,
    is_symbolic_number,
    user_number,
)


class _Scalar:
    """What scalars of numpy have beside the methods of Python's numbers."""

    __slots__ = ()

    def astype(self, dtype: Any, *args: Any, **kwargs: Any) -> Any:
        """The number as another dtype."""
        node: Any = self.node  # type: ignore[attr-defined]
        wanted = numpy.dtype(dtype)
        if wanted.kind == "i" and wanted.itemsize >= 4:
            return _scalar(rounding.trunc(node.path, node.value), node.path)
        if wanted == numpy.float64:
            return _scalar(rounding.as_float(node.path, node.value), node.path)
        plain = numbers.pinned(node.path, node.value)
        return numpy.asarray(plain)[()].astype(dtype, *args, **kwargs)

    def item(self) -> Any:
        """The number as Python's."""
        node: Any = self.node  # type: ignore[attr-defined]
        return user_number(node.value, node.path)


class NumpyFloat(_Scalar, SymbolicFloat):
    """A ``numpy.float64`` made from sizes."""

    __class__: Any = class_seen(numpy.float64, torch.SymFloat)
    __hash__ = SymbolicFloat.__hash__


class NumpyInt(_Scalar, SymbolicInt):
    """A ``numpy.int64`` made from sizes."""

    __class__: Any = class_seen(numpy.int64, torch.SymInt)
    __hash__ = SymbolicInt.__hash__


NUMBER_TYPES.update({NumpyFloat: numpy.float64, NumpyInt: numpy.int64})


def _scalar(value: Any, path: SizePath) -> Any:
    if isinstance(value, (int, float)):
        return numpy.asarray(value)[()]
    node: Any = SizeNode(value, path)
    return (NumpyFloat if node.pytype is float else NumpyInt)(node)


def _float(operation: Callable[[SizePath, Any], Any], number: Any) -> Any:
    """A function of one number, whose result is a float as numpy's is."""
    path = number.node.path
    return _scalar(rounding.as_float(path, operation(path, number.node.value)), path)


NUMPY_FUNCTIONS.update(
    {
        numpy.add: operator.add,
        numpy.subtract: operator.sub,
        numpy.multiply: operator.mul,
        numpy.divide: operator.truediv,
        numpy.floor_divide: operator.floordiv,
        numpy.remainder: operator.mod,
        numpy.negative: operator.neg,
        numpy.positive: operator.pos,
        numpy.absolute: operator.abs,
        numpy.equal: operator.eq,
        numpy.not_equal: operator.ne,
        numpy.less: operator.lt,
        numpy.less_equal: operator.le,
        numpy.greater: operator.gt,
        numpy.greater_equal: operator.ge,
        numpy.bitwise_and: operator.and_,
        numpy.bitwise_or: operator.or_,
        numpy.bitwise_xor: operator.xor,
        numpy.invert: operator.invert,
        numpy.left_shift: operator.lshift,
        numpy.right_shift: operator.rshift,
        numpy.power: operator.pow,
        numpy.floor: partial(_float, rounding.floor),
        numpy.ceil: partial(_float, rounding.ceil),
        numpy.trunc: partial(_float, rounding.trunc),
        numpy.rint: partial(_float, rounding.rounded),
        numpy.sqrt: partial(_float, numbers.square_root),
        numpy.log2: partial(_float, logarithm(BINARY)),
        numpy.log: partial(_float, logarithm(NATURAL)),
        numpy.log10: partial(_float, logarithm(DECIMAL)),
        numpy.log1p: lambda x: _float(logarithm(NATURAL), x + 1),
        numpy.maximum: lambda a, b: a.__sym_max__(b) if is_symbolic_number(a) else b.__sym_max__(a),
        numpy.minimum: lambda a, b: a.__sym_min__(b) if is_symbolic_number(a) else b.__sym_min__(a),
    }
)
