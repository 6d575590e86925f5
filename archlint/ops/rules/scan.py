"""Running totals and sorting along one dimension."""

from __future__ import annotations

from typing import Any

import torch

from archlint.ops.aliases import spellings
from archlint.ops.registry import ElementFacts, NoRule, Path, TensorSpec, shape_rule
from archlint.ops.rules.reduce import Pair, chosen
from archlint.ops.shapes import type_promotion as promote
from archlint.ops.shapes.axes import reduced, size_at, wrapped
from archlint.ops.shapes.strides import elementwise_strides
from archlint.ops.torch_versions import CUMMAX_CHECKS_DIM
from archlint.ops.traits import Bounds
from archlint.ops.values import int_ranges as ranges
from archlint.symbolic import Size, maximum, minimum
from archlint.symbolic.formula import conj, ge, le


def _total_dtype(path: Path, input: TensorSpec, dtype: torch.dtype | None) -> torch.dtype:
    if dtype is torch.bool:
        raise NoRule("a running total of bool")
    return dtype or promote.summed(path, "a running total", input.dtype)


@shape_rule(*spellings("cumsum"), bounds=Bounds.SUM)
def cumsum(
    path: Path, input: TensorSpec, dim: int, *, dtype: torch.dtype | None = None
) -> TensorSpec:
    n = size_at(input, wrapped(path, input.ndim, dim))
    result = _total_dtype(path, input, dtype)
    low, high = ranges.range_of(input)
    total = ranges.mul(path, (low, high), (n, n))
    values = (
        None if low is None or total[0] is None else minimum(low, total[0]),
        None if high is None or total[1] is None else maximum(high, total[1]),
    )
    return input.like(input.dims, result, values=ranges.fitted(path, values, result))


@shape_rule(*spellings("cumprod"), bounds=Bounds.SUM)
def cumprod(
    path: Path, input: TensorSpec, dim: int, *, dtype: torch.dtype | None = None
) -> TensorSpec:
    wrapped(path, input.ndim, dim)
    return input.like(input.dims, _total_dtype(path, input, dtype))


@shape_rule(*spellings("logcumsumexp"))
def logcumsumexp(path: Path, input: TensorSpec, dim: int) -> TensorSpec:
    wrapped(path, input.ndim, dim)
    return input.like(input.dims, promote.floating(path, "logcumsumexp", input.dtype))


@shape_rule(*spellings("cummax", "cummin"), bounds=Bounds.UNKNOWN)
def cummax(path: Path, input: TensorSpec, dim: int) -> Pair:
    if not CUMMAX_CHECKS_DIM and not -input.ndim <= dim < input.ndim:
        raise NoRule("a dim that some versions do not look at in a scalar or without elements")
    axis = wrapped(path, input.ndim, dim)
    return chosen(path, input, axis, input.dims)


def _ordered(path: Path, input: TensorSpec, dim: Any) -> Pair:
    axis = wrapped(path, input.ndim, dim)
    promote.same(path, "sort", input.dtype)
    strides = elementwise_strides(path, [input], input.dims)
    return chosen(path, input, axis, input.dims, strides)


@shape_rule(*spellings("sort"), bounds=Bounds.UNKNOWN)
def sort(
    path: Path,
    input: TensorSpec,
    dim: int = -1,
    descending: bool = False,
    *,
    stable: bool | None = None,
) -> Pair:
    values, indices = _ordered(path, input, dim)
    if descending and values.ndim == 1:
        values.elements = ElementFacts(descending=True)
    return values, indices


@shape_rule(*spellings("argsort"))
def argsort(
    path: Path,
    input: TensorSpec,
    dim: int = -1,
    descending: bool = False,
    *,
    stable: bool = False,
) -> TensorSpec:
    return _ordered(path, input, dim)[1]


@shape_rule(*spellings("topk"), bounds=Bounds.UNKNOWN)
def topk(
    path: Path,
    input: TensorSpec,
    k: Size,
    dim: int = -1,
    largest: bool = True,
    sorted: bool = True,
) -> Pair:
    """The ``k`` first of each row; ``k`` may be a size."""
    axis = wrapped(path, input.ndim, dim)
    n = size_at(input, axis)
    path.claim(conj(ge(k, 0), le(k, n)), f"k {{}} in 0..{{}}, the size at dimension {axis}", k, n)
    promote.number(path, "topk", input.dtype)
    dims = tuple(k if i == axis else d for i, d in enumerate(input.dims))
    return chosen(path, input, axis, dims)


@shape_rule(*spellings("kthvalue"), bounds=Bounds.UNKNOWN)
def kthvalue(
    path: Path,
    input: TensorSpec,
    k: Size,
    dim: int = -1,
    keepdim: bool = False,
) -> Pair:
    axis = wrapped(path, input.ndim, dim)
    n = size_at(input, axis)
    path.claim(conj(ge(k, 1), le(k, n)), f"k {{}} in 1..{{}}, the size at dimension {axis}", k, n)
    promote.number(path, "kthvalue", input.dtype)
    return chosen(path, input, axis, reduced(input.dims, (axis,), keepdim))
