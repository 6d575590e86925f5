"""Elements that values pick: their number is an unknown within bounds.

A mask keeps from none to all of its elements; different ones may be kept by every call. Subscripts
with masks are in :mod:`.indexing`.
"""

from __future__ import annotations

from typing import Any

import torch

from archlint.ops.aliases import spellings
from archlint.ops.registry import NoRule, Path, TensorSpec, shape_rule
from archlint.ops.shapes.broadcast import broadcast
from archlint.ops.shapes.claims import claim_dtype
from archlint.ops.traits import Bounds
from archlint.symbolic import maximum, minimum, product

Tensor = torch.Tensor


def places(path: Path, input: TensorSpec, name: str) -> tuple[TensorSpec, ...]:
    """The indices of the elements that are not 0, one tensor for each dimension."""
    count = path.count(name, input)
    return tuple(input.like((count,), torch.int64, values=(0, d - 1)) for d in input.dims)


@shape_rule(*spellings("nonzero"), bounds=Bounds.UNKNOWN)
def nonzero(path: Path, input: TensorSpec, *, as_tuple: bool = False) -> Any:
    if as_tuple:
        flat = input.like((1,)) if input.ndim == 0 else input
        return places(path, flat, "nonzero")
    return _rows(path, input, "nonzero")


@shape_rule(*spellings("argwhere"), bounds=Bounds.UNKNOWN)
def argwhere(path: Path, input: TensorSpec) -> TensorSpec:
    return _rows(path, input, "argwhere")


def _rows(path: Path, input: TensorSpec, name: str) -> TensorSpec:
    most = maximum(*input.dims) - 1 if input.dims else 0
    dims = (path.count(name, input), input.ndim)
    return input.like(dims, torch.int64, values=(0, most))


@shape_rule(*spellings("masked_select"), bounds=Bounds.UNKNOWN)
def masked_select(path: Path, input: TensorSpec, mask: TensorSpec) -> TensorSpec:
    claim_dtype(path, "a mask", mask, torch.bool)
    dims = broadcast(path, input.dims, mask.dims)
    if dims == mask.dims:
        count = path.count("masked_select", mask)
    else:
        count = path.unknown("masked_select", 0, product(dims))
    return input.like((count,), values=input.values)


def _distinct(
    path: Path, name: str, input: TensorSpec, inverse: bool, counts: bool, dim: Any
) -> Any:
    if dim is not None or input.dtype.is_complex:
        raise NoRule
    every = input.numel()
    count = path.unknown(name, minimum(1, every), every)
    result = [input.like((count,), values=input.values)]
    if inverse:
        result.append(input.like(input.dims, torch.int64, values=(0, count - 1)))
    if counts:
        result.append(input.like((count,), torch.int64))
    return result[0] if len(result) == 1 else tuple(result)


@shape_rule(*spellings("unique"), bounds=Bounds.UNKNOWN)
def unique(
    path: Path,
    input: TensorSpec,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: Any = None,
) -> Any:
    return _distinct(path, "unique", input, return_inverse, return_counts, dim)


@shape_rule(*spellings("unique_consecutive"), bounds=Bounds.UNKNOWN)
def unique_consecutive(
    path: Path,
    input: TensorSpec,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: Any = None,
) -> Any:
    name = "unique_consecutive"
    return _distinct(path, name, input, return_inverse, return_counts, dim)
