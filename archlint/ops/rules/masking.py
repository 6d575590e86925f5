"""Elements chosen by masks and triangles: where, masked_fill, tril, triu."""

from __future__ import annotations

from typing import Any

import torch

from archlint.ops.aliases import spellings
from archlint.ops.registry import NoRule, Path, TensorSpec, shape_rule
from archlint.ops.rules.concat import joint_values
from archlint.ops.rules.data_dependent import places
from archlint.ops.shapes.broadcast import broadcast, broadcast_onto
from archlint.ops.shapes.claims import claim_dtype, claim_least_ndim
from archlint.ops.shapes.inplace import written
from archlint.ops.shapes.strides import elementwise_strides
from archlint.ops.shapes.type_promotion import is_scalar, result_type
from archlint.ops.traits import Bounds
from archlint.ops.values.conditional_ranges import chosen
from archlint.symbolic import Expr, Size

Tensor = torch.Tensor


@shape_rule(torch.where, bounds=Bounds.UNKNOWN, raises=(RuntimeError,))
def where(path: Path, condition: TensorSpec, input: Any = None, other: Any = None) -> Any:
    if input is None and other is None:
        flat = condition.like((1,)) if condition.ndim == 0 else condition
        return places(path, flat, "where")
    return _where(path, condition, input, other)


@shape_rule(Tensor.where, bounds=Bounds.UNKNOWN, raises=(RuntimeError,))
def where_method(path: Path, input: Any, condition: TensorSpec, other: Any = None) -> TensorSpec:
    return _where(path, condition, input, other)


def _where(path: Path, condition: TensorSpec, input: Any, other: Any) -> TensorSpec:
    for value in (input, other):
        if not isinstance(value, TensorSpec) and not is_scalar(value):
            raise NoRule
    claim_dtype(path, "a condition", condition, torch.bool, torch.uint8)
    specs = [s for s in (condition, input, other) if isinstance(s, TensorSpec)]
    dims = broadcast(path, *(s.dims for s in specs))
    dtype = result_type(input, other)
    strides = elementwise_strides(path, specs, dims)
    values = [
        chosen(path, condition, v, truth) if isinstance(v, TensorSpec) else _constant(v, dtype)
        for v, truth in ((input, True), (other, False))
    ]
    return condition.like(dims, dtype, strides, joint_values(values))


def _constant(value: Any, dtype: torch.dtype) -> TensorSpec:
    known = isinstance(value, (int, Expr)) and not isinstance(value, bool)
    return TensorSpec((), dtype, values=(value, value) if known else None)


def _fill(path: Path, input: TensorSpec, mask: TensorSpec, value: Any) -> Any:
    claim_dtype(path, "a mask", mask, torch.bool)
    if isinstance(value, TensorSpec):
        path.claim(value.ndim == 0, "a scalar value, gets {} dimensions", value.ndim)
    elif not is_scalar(value):
        raise NoRule
    if result_type(input, value) != input.dtype:
        raise NoRule  # a float into integers: PyTorch asks more than the dtypes
    number = value if isinstance(value, TensorSpec) else _constant(value, input.dtype)
    return joint_values([input, number])


@shape_rule(
    *spellings("masked_fill"), may_read_target=True, bounds=Bounds.UNKNOWN, raises=(RuntimeError,)
)
def masked_fill(path: Path, input: TensorSpec, mask: TensorSpec, value: Any) -> TensorSpec:
    values = _fill(path, input, mask, value)
    return input.like(broadcast(path, input.dims, mask.dims), values=values)  # contiguous, always


@shape_rule(
    inplace=spellings("masked_fill_"),
    may_read_target=True,
    bounds=Bounds.UNKNOWN,
    raises=(RuntimeError,),
)
def masked_fill_(path: Path, input: TensorSpec, mask: TensorSpec, value: Any) -> TensorSpec:
    values = _fill(path, input, mask, value)
    broadcast_onto(path, mask.dims, input.dims)
    return written(path, "masked_fill", input, input.dtype, values, shared=True)


@shape_rule(*spellings("tril", "triu"), bounds=Bounds.UNKNOWN)
def triangle(path: Path, input: TensorSpec, diagonal: Size = 0) -> TensorSpec:
    claim_least_ndim(path, "an input", input, 2)
    zero = TensorSpec((), input.dtype, values=(0, 0))
    return input.like(input.dims, values=joint_values([input, zero]))


@shape_rule(inplace=spellings("tril_", "triu_"), bounds=Bounds.UNKNOWN)
def triangle_(path: Path, input: TensorSpec, diagonal: Size = 0) -> TensorSpec:
    values = triangle(path, input, diagonal).values
    return written(path, "a triangle", input, input.dtype, values, shared=True)
