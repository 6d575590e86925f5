"""Pointwise operators of three tensors: ``a + value * b * c``, ``a + value * b / c``, ``lerp``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from archlint.ops.aliases import spellings
from archlint.ops.registry import NoRule, Path, TensorSpec, refuse, shape_rule
from archlint.ops.rules.binary import pointwise
from archlint.ops.shapes.broadcast import broadcast_onto
from archlint.ops.shapes.inplace import written
from archlint.ops.shapes.type_promotion import INTEGRAL, is_scalar
from archlint.ops.values import int_ranges as ranges


def _addcmul(path: Path, tensor1: Any, tensor2: Any, *, value: Any = 1) -> tuple[Any, Any]:
    return tensor1, tensor2


def _addcdiv(path: Path, tensor1: Any, tensor2: Any, *, value: Any = 1) -> tuple[Any, Any]:
    tensors = [t for t in (tensor1, tensor2) if isinstance(t, TensorSpec)]
    if len(tensors) == 2 and all(t.dtype in INTEGRAL | {torch.bool} for t in tensors):
        refuse(path, "a quotient of floats, gets integers")
    return tensor1, tensor2


def _lerp(path: Path, end: TensorSpec, weight: Any) -> tuple[Any, Any]:
    """``weight``: a number, or a tensor that broadcasts with the others."""
    return end, weight


def _one_dtype(input: TensorSpec, others: tuple[Any, Any]) -> None:
    tensors = [o for o in others if not is_scalar(o)]
    same = all(isinstance(o, TensorSpec) and o.dtype is input.dtype for o in tensors)
    if not same or not input.dtype.is_floating_point:
        raise NoRule("mixed or whole-number dtypes")


def _register(name: str, operands: Callable[..., tuple[Any, Any]]) -> None:
    """The rules of ``name`` and ``name_``; ``operands`` reads what follows the input."""

    def rule(path: Path, input: TensorSpec, *args: Any, **settings: Any) -> TensorSpec:
        others = operands(path, *args, **settings)
        _one_dtype(input, others)
        return pointwise(path, input.dtype, ranges.UNKNOWN, input, *others)

    def into(path: Path, input: TensorSpec, *args: Any, **settings: Any) -> TensorSpec:
        others = operands(path, *args, **settings)
        _one_dtype(input, others)
        for other in others:
            if isinstance(other, TensorSpec) and other.dims != input.dims:
                broadcast_onto(path, other.dims, input.dims)
        return written(path, name, input, input.dtype)

    rule.__name__ = into.__name__ = name
    shape_rule(*spellings(name), may_read_target=True)(rule)
    shape_rule(inplace=spellings(f"{name}_"), may_read_target=True)(into)


_register("addcmul", _addcmul)
_register("addcdiv", _addcdiv)
_register("lerp", _lerp)
