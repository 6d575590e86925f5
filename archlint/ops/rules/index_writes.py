"""Elements written at the places that an index tensor names: index_add, index_put and their kin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from archlint.ops.aliases import methods, spellings
from archlint.ops.registry import NoRule, Path, TensorSpec, refuse, shape_rule
from archlint.ops.rules.gather import overwritten, register_write, vector_index
from archlint.ops.rules.indexing import INDEX_DTYPES, gathered, viewed_at, within
from archlint.ops.rules.view import axis
from archlint.ops.shapes.broadcast import broadcast, broadcast_onto
from archlint.ops.shapes.claims import claim_dtype, claim_most_ndim, claim_ndim, claim_same_sizes
from archlint.ops.shapes.inplace import written
from archlint.ops.shapes.strides import decide, empty
from archlint.ops.traits import Bounds
from archlint.symbolic import Size, product
from archlint.symbolic.formula import disj, eq, ge

Dims = tuple[Size, ...]


def _one_dtype(path: Path, input: TensorSpec, source: TensorSpec) -> None:
    claim_dtype(path, "a source", source, input.dtype)


def _without(dims: Dims, at: int) -> Dims:
    return (*dims[:at], *dims[at + 1 :])


def _equal_sizes(path: Path, source: Dims, input: Dims) -> None:
    text = "a source of {} other dimensions, gets {}"
    path.claim(len(source) == len(input), text, len(input), len(source))
    claim_same_sizes(path, source, input, "source size {} == target size {}")


def _claim_add(
    path: Path,
    name: str,
    input: TensorSpec,
    dim: int,
    index: TensorSpec,
    source: TensorSpec,
    *,
    alpha: Any = 1,
) -> None:
    if not input.ndim or not source.ndim:
        raise NoRule("scalars")
    at = axis(path, dim, input.ndim)
    vector_index(path, index)
    _one_dtype(path, input, source)
    path.claim(at == 0 or at < source.ndim, "a source with dimension {}", at)
    count, rows = index.numel(), source.dims[at]
    path.claim(eq(count, rows), "number of indices {} == source rows {}", count, rows)
    _equal_sizes(path, _without(source.dims, at), _without(input.dims, at))
    unread = empty(index.dims) if input.ndim == 1 else disj(empty(index.dims), empty(input.dims))
    within(path, index, input.dims[at], 0, unread=unread)


def _claim_reduce(
    path: Path,
    name: str,
    input: TensorSpec,
    dim: int,
    index: TensorSpec,
    source: TensorSpec,
    reduce: str,
    *,
    include_self: bool = True,
) -> None:
    if reduce not in ("prod", "mean", "amax", "amin"):
        refuse(path, f"reduce 'prod', 'mean', 'amax' or 'amin', gets {reduce!r}")
    _claim_add(path, name, input, dim, index, source)


def _claim_take(
    path: Path,
    name: str,
    input: TensorSpec,
    index: TensorSpec,
    source: TensorSpec,
    accumulate: bool = False,
) -> None:
    """``index`` counts the elements of ``input`` in row-major order."""
    claim_dtype(path, "an index", index, torch.int64)
    _one_dtype(path, input, source)
    count, elements, size = index.numel(), source.numel(), input.numel()
    path.claim(eq(count, elements), "number of indices {} == source elements {}", count, elements)
    none = empty(index.dims)
    path.claim(disj(none, ge(size, 1)), "a tensor of {} > 0 elements to write to", size)
    within(path, index, size, -size, unread=none)


def _claim_copy(
    path: Path, name: str, input: TensorSpec, dim: int, index: TensorSpec, source: TensorSpec
) -> None:
    if not input.ndim or not source.ndim:
        raise NoRule("scalars")
    at = axis(path, dim, input.ndim)
    claim_most_ndim(path, "an index", index, 1)
    claim_dtype(path, "an index", index, torch.int64)
    _one_dtype(path, input, source)
    claim_ndim(path, "a source", source, input.ndim)
    _equal_sizes(path, _without(source.dims, at), _without(input.dims, at))
    count, rows = index.numel(), source.dims[at]
    path.claim(eq(count, rows), "number of indices {} == source rows {}", count, rows)
    unread = disj(empty(index.dims), empty(_without(input.dims, at)))
    within(path, index, input.dims[at], 0, unread=unread)


def _claim_fill(
    path: Path, name: str, input: TensorSpec, dim: int, index: TensorSpec, value: Any
) -> None:
    if not input.ndim:
        raise NoRule("a scalar")
    at = axis(path, dim, input.ndim)
    if index.dtype is not torch.int64:
        raise NoRule(f"an index of {index.dtype}")
    claim_most_ndim(path, "an index", index, 1)
    if isinstance(value, TensorSpec):
        claim_ndim(path, "a value", value, 0)
    elif isinstance(value, complex):
        raise NoRule("a complex value")
    size = input.dims[at]
    unread = disj(empty(index.dims), empty(_without(input.dims, at)))
    within(path, index, size, -size, unread=unread)


def _claim_put(
    path: Path,
    name: str,
    input: TensorSpec,
    indices: Sequence[TensorSpec | None],
    values: TensorSpec,
    accumulate: bool = False,
) -> None:
    """What ``x[indices] = values`` requires if ``indices`` are tensors, or ``None`` for all."""
    if not any(isinstance(i, TensorSpec) for i in indices):
        raise NoRule("no index")
    for index in indices:
        if index is not None and index.dtype not in INDEX_DTYPES:
            raise NoRule(f"an index of {index.dtype}")
    items = tuple(slice(None) if i is None else i for i in indices)
    if any(i is not None and i.ndim == 0 for i in indices):
        raise NoRule("an index of 0 dimensions")
    items += (slice(None),) * (input.ndim - len(items))
    view, tensors = viewed_at(path, input, items)
    target = gathered(path, view, tensors)
    _one_dtype(path, input, values)
    broadcast_onto(path, values.dims, target.dims)


register_write("index_add", _claim_add, contiguous=True)
register_write("index_copy", _claim_copy, contiguous=True, puts=lambda dim, index, source: source)
register_write("index_reduce", _claim_reduce, contiguous=True)
register_write(
    "put",
    _claim_take,
    puts=lambda index, source, accumulate=False: None if accumulate else source,
)
register_write("index_fill", _claim_fill, shared=True, puts=lambda dim, index, value: value)
register_write(
    "index_put",
    _claim_put,
    shared=True,
    puts=lambda indices, values, accumulate=False: None if accumulate else values,
)


def _claim_source(path: Path, mask: TensorSpec, source: TensorSpec, count: Size) -> None:
    """``masked_scatter`` reads one element of the source for each of the mask that is true."""
    claim_dtype(path, "a mask", mask, torch.bool)
    if not decide(path, ge(source.numel(), count)):
        path.unproved(
            "tensor values determine whether the source has an element for each True in the mask"
        )


@shape_rule(*spellings("masked_scatter"), bounds=Bounds.UNKNOWN)
def masked_scatter(
    path: Path, input: TensorSpec, mask: TensorSpec, source: TensorSpec
) -> TensorSpec:
    dims = broadcast(path, input.dims, mask.dims)
    _one_dtype(path, input, source)
    _claim_source(path, mask, source, product(dims))
    return input.like(dims, values=overwritten(path, input, source))


@shape_rule(inplace=methods("masked_scatter_"), bounds=Bounds.UNKNOWN)
def masked_scatter_(
    path: Path, input: TensorSpec, mask: TensorSpec, source: TensorSpec
) -> TensorSpec:
    broadcast_onto(path, mask.dims, input.dims)
    _one_dtype(path, input, source)
    _claim_source(path, mask, source, input.numel())
    values = overwritten(path, input, source)
    return written(path, "masked_scatter", input, input.dtype, values)
