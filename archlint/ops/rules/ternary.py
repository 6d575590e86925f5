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


def _three(path: Path, input: TensorSpec, *others: Any) -> TensorSpec:
    _one_dtype(input, *others)
    return pointwise(path, input.dtype, ranges.UNKNOWN, input, *others)


def _three_into(path: Path, name: str, input: TensorSpec, *others: Any) -> TensorSpec:
    _one_dtype(input, *others)
    for other in others:
        if isinstance(other, TensorSpec) and other.dims != input.dims:
            broadcast_onto(path, other.dims, input.dims)
    return written(path, name, input, input.dtype)


def _one_dtype(input: TensorSpec, *others: Any) -> None:
    given = [o for o in others if not is_scalar(o)]
    same = all(isinstance(o, TensorSpec) and o.dtype is input.dtype for o in given)
    if not same or not input.dtype.is_floating_point:
        raise NoRule("mixed or whole-number dtypes")


def _any(path: Path, tensor1: Any, tensor2: Any) -> None:
    pass


def _no_whole_quotient(path: Path, tensor1: Any, tensor2: Any) -> None:
    both = [t for t in (tensor1, tensor2) if isinstance(t, TensorSpec)]
    if len(both) == 2 and all(t.dtype in INTEGRAL | {torch.bool} for t in both):
        refuse(path, "a quotient of floats, gets integers")


def _register(name: str, check: Callable[[Path, Any, Any], None]) -> None:
    def rule(
        path: Path,
        input: TensorSpec,
        tensor1: Any,
        tensor2: Any,
        *,
        value: Any = 1,
    ) -> TensorSpec:
        check(path, tensor1, tensor2)
        return _three(path, input, tensor1, tensor2)

    def into(
        path: Path, input: TensorSpec, tensor1: Any, tensor2: Any, *, value: Any = 1
    ) -> TensorSpec:
        check(path, tensor1, tensor2)
        return _three_into(path, name, input, tensor1, tensor2)

    rule.__name__ = into.__name__ = name
    shape_rule(*spellings(name), may_read_target=True)(rule)
    shape_rule(inplace=spellings(f"{name}_"), may_read_target=True)(into)


_register("addcmul", _any)
_register("addcdiv", _no_whole_quotient)


@shape_rule(*spellings("lerp"), may_read_target=True)
def lerp(path: Path, input: TensorSpec, end: TensorSpec, weight: Any) -> TensorSpec:
    """``weight``: a number, or a tensor that broadcasts with the others."""
    return _three(path, input, end, weight)


@shape_rule(inplace=spellings("lerp_"), may_read_target=True)
def lerp_(path: Path, input: TensorSpec, end: TensorSpec, weight: Any) -> TensorSpec:
    return _three_into(path, "lerp", input, end, weight)
