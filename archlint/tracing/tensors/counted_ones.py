"""How many elements of a mask made from ``torch.eye`` are 1: ``x[~torch.eye(n).bool()]``."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch

from archlint.ops.aliases import methods, spellings
from archlint.ops.registry import TensorSpec
from archlint.ops.traits import Function
from archlint.tracing.tensors.specs import known_of
from archlint.tracing.trace import Call

_SAME = frozenset(
    (
        *methods("to", "type", "bool", "float", "double", "half", "long", "int", "byte"),
        *spellings("clone", "detach"),
        *methods("contiguous", "type_as"),
    )
)
_NOT = frozenset((*spellings("logical_not", "bitwise_not"), torch.Tensor.__invert__))
_EQUAL: dict[Function, bool] = dict.fromkeys((*spellings("eq"), torch.Tensor.__eq__), True)
_EQUAL |= dict.fromkeys((*spellings("ne"), torch.Tensor.__ne__), False)
_KEEPING = _SAME | _NOT | _EQUAL.keys() | {torch.Tensor.__rsub__}


def counts_ones(function: Function) -> bool:
    """Whether the result of an operator may have a number of ones that is known."""
    return function in _KEEPING


def with_ones(call: Call, result: Any) -> Any:
    """The ``result`` of a call, with the number of its ones if the call makes that known.

    All elements of a tensor with such a number are 0 or 1.
    """
    func = call.func
    if func not in _KEEPING:
        return result
    operand = known_of(call.args[0]) if call.args else None
    if not isinstance(operand, TensorSpec) or not isinstance(result, TensorSpec):
        return result
    ones = operand.elements.ones
    if ones is None or (func in _NOT and result.dtype is not torch.bool):
        return result
    inverted = func in _NOT
    if func in _EQUAL or func is torch.Tensor.__rsub__:
        other = call.args[1] if len(call.args) > 1 else None
        if type(other) not in (int, float, bool) or other not in (0, 1):
            return result
        inverted = (other == 1) is not _EQUAL.get(func, False)
        if func is torch.Tensor.__rsub__ and other != 1:
            return result
    spec = result.like(result.dims, strides=result.strides, values=(0, 1))
    spec.elements = replace(spec.elements, ones=operand.numel() - ones if inverted else ones)
    return spec
