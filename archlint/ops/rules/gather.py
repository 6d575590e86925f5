"""Elements chosen by index tensors: index_select, gather, scatter and their kin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from archlint.ops.aliases import spellings
from archlint.ops.registry import NoRule, Path, TensorSpec, shape_rule
from archlint.ops.rules.indexing import INDEX_DTYPES, within
from archlint.ops.rules.view import axis
from archlint.ops.shapes.broadcast import broadcast
from archlint.ops.shapes.claims import claim_dtype, claim_most_ndim, claim_ndim
from archlint.ops.shapes.inplace import written
from archlint.ops.shapes.strides import elementwise_strides, empty
from archlint.ops.torch_versions import INT32_INDEX, MODULO_ALONG, NEGATIVE_ALONG
from archlint.ops.traits import Bounds, Unchecked, declare_traits
from archlint.ops.values.int_ranges import either, range_of
from archlint.symbolic import Size
from archlint.symbolic.formula import Bool, disj, eq, ge, le

Tensor = torch.Tensor


def _size(input: TensorSpec, at: int) -> Size:
    return input.dims[at] if input.ndim else 1


def vector_index(path: Path, index: TensorSpec) -> None:
    """Claim that ``index`` is what ``index_select`` and ``index_add`` take."""
    claim_most_ndim(path, "an index", index, 1)
    claim_dtype(path, "an index", index, *INDEX_DTYPES)


@shape_rule(*spellings("index_select"), bounds=Bounds.PICKED, unchecked=Unchecked.INDICES)
def index_select(path: Path, input: TensorSpec, dim: int, index: TensorSpec) -> TensorSpec:
    vector_index(path, index)
    at = axis(path, dim, input.ndim)
    count = index.numel()
    if not input.ndim:
        path.claim(eq(count, 1), "one index into a scalar, gets {}", count)
        within(path, index, 1, 0)
        return input.like((), values=input.values)
    dims = (*input.dims[:at], count, *input.dims[at + 1 :])
    none, size = eq(count, 0), input.dims[at]
    path.claim(disj(none, ge(size, 1)), "a size {} > 0", size)
    within(path, index, size, 0, unread=none)
    return input.like(dims, values=input.values)


def _aligned(path: Path, at: int, index: TensorSpec, other: TensorSpec, every: bool) -> None:
    """Claim that ``index`` is no larger than ``other``, in dimension ``at`` only if ``every``."""
    none = empty(index.dims)
    same = max(index.ndim, 1) == max(other.ndim, 1)
    path.claim(disj(none, same), "an index of {} dimensions, gets {}", other.ndim, index.ndim)
    for d, (small, large) in enumerate(zip(index.dims, other.dims, strict=False)):
        if every or d != at:
            path.claim(disj(none, le(small, large)), "index size {} <= size {}", small, large)


def _long(path: Path, index: TensorSpec) -> None:
    dtypes = INDEX_DTYPES if INT32_INDEX else (torch.int64,)
    claim_dtype(path, "an index", index, *dtypes, unless=empty(index.dims))


@shape_rule(*spellings("gather"), bounds=Bounds.PICKED, unchecked=Unchecked.INDICES)
def gather(
    path: Path,
    input: TensorSpec,
    dim: int,
    index: TensorSpec,
    *,
    sparse_grad: bool = False,
) -> TensorSpec:
    at = axis(path, dim, input.ndim)
    _long(path, index)
    _aligned(path, at, index, input, every=False)
    within(path, index, _size(input, at), 0, unread=empty(index.dims))
    return input.like(index.dims, values=input.values)


def _scatter(
    path: Path, name: str, input: TensorSpec, dim: int, index: TensorSpec, src: Any
) -> None:
    at = axis(path, dim, input.ndim)
    _long(path, index)
    if isinstance(src, TensorSpec):
        claim_dtype(path, "a source", src, input.dtype)
    _aligned(path, at, index, input, every=False)
    if isinstance(src, TensorSpec):
        _aligned(path, at, index, src, every=True)
    within(path, index, _size(input, at), 0, unread=empty(index.dims))


def _scatter_from(
    path: Path,
    name: str,
    input: TensorSpec,
    dim: int,
    index: TensorSpec,
    src: Any = None,
    *,
    value: Any = None,
    reduce: str | None = None,
) -> None:
    source = value if src is None else src
    if reduce not in (None, "add", "multiply") or source is None:
        raise NoRule
    _scatter(path, name, input, dim, index, source)


_REDUCTIONS = frozenset({"sum", "prod", "mean", "amax", "amin"})


def _scatter_reduce(
    path: Path,
    name: str,
    input: TensorSpec,
    dim: int,
    index: TensorSpec,
    src: TensorSpec,
    reduce: str,
    *,
    include_self: bool = True,
) -> None:
    if reduce not in _REDUCTIONS:
        raise NoRule(f"reduce={reduce!r}")
    _scatter(path, name, input, dim, index, src)


def register_write(
    name: str,
    claims: Callable[..., None],
    *,
    contiguous: bool = False,
    shared: bool = False,
    puts: Callable[..., Any] | None = None,
) -> None:
    """The rules of ``name`` and of ``name_``, which writes to its first argument.

    ``contiguous``: what ``name`` returns is; else it lies as the input does. ``shared``: ``name_``
    may write to elements that share memory. ``puts``: from the
    other arguments, the tensor or number whose elements are written as they are; ``None`` if others
    are.
    """

    def values(path: Path, input: TensorSpec, args: Any, settings: Any) -> Any:
        put = None if puts is None else puts(*args, **settings)
        return None if put is None else overwritten(path, input, put)

    def copied(path: Path, input: TensorSpec, *args: Any, **settings: Any) -> TensorSpec:
        claims(path, name, input, *args, **settings)
        known = values(path, input, args, settings)
        strides = None if contiguous else elementwise_strides(path, [input], input.dims)
        return input.like(input.dims, strides=strides, values=known)

    def into(path: Path, input: TensorSpec, *args: Any, **settings: Any) -> TensorSpec:
        claims(path, f"{name}_", input, *args, **settings)
        put = values(path, input, args, settings)
        return written(path, name, input, input.dtype, put, shared)

    traits: dict[str, Any] = {"bounds": Bounds.UNKNOWN, "unchecked": Unchecked.INDICES}
    shape_rule(*spellings(name), **traits)(copied)
    shape_rule(inplace=spellings(f"{name}_"), **traits)(into)


def overwritten(path: Path, input: TensorSpec, put: Any) -> Any:
    """The bounds of the elements of ``input`` after some became those of ``put``, or the number."""
    return either(path, range_of(input), range_of(put), input.dtype)


register_write(
    "scatter",
    _scatter_from,
    contiguous=True,
    puts=lambda dim, index, src=None, *, value=None, reduce=None: (
        None if reduce else value if src is None else src
    ),
)
register_write("scatter_add", _scatter, contiguous=True)
register_write("scatter_reduce", _scatter_reduce, contiguous=True)


def _claim_along(path: Path, index: TensorSpec, size: Size, low: Size, unread: Bool) -> None:
    path.claim(disj(unread, ge(size, 1)), "a size {} > 0", size)
    within(path, index, size, low, unread=unread)


@shape_rule(*spellings("take_along_dim"), bounds=Bounds.PICKED, unchecked=Unchecked.INDICES)
def take_along_dim(
    path: Path, input: TensorSpec, indices: TensorSpec, dim: int | None = None
) -> TensorSpec:
    claim_dtype(path, "an index", indices, torch.int64)
    if dim is None:
        if input.strides is not None or indices.strides is not None:
            raise NoRule("whether both can be viewed as one dimension depends on the version")
        count = indices.numel()
        _claim_along(path, indices, input.numel(), 0, eq(count, 0))
        return input.like((count,), values=input.values)
    claim_ndim(path, "an index", indices, input.ndim)
    at = axis(path, dim, input.ndim)
    if not input.ndim:
        raise NoRule("a scalar")
    rest = (*input.dims[:at], 1, *input.dims[at + 1 :])
    dims = broadcast(path, rest, (*indices.dims[:at], 1, *indices.dims[at + 1 :]))
    dims = (*dims[:at], indices.dims[at], *dims[at + 1 :])
    size = input.dims[at]
    if MODULO_ALONG:
        path.claim(disj(empty(dims), ge(size, 1)), "a size {} > 0", size)
    else:
        _claim_along(path, indices, size, -size if NEGATIVE_ALONG else 0, empty(dims))
    return input.like(dims, values=input.values)


@shape_rule(*spellings("take"), bounds=Bounds.PICKED, unchecked=Unchecked.INDICES)
def take(path: Path, input: TensorSpec, index: TensorSpec) -> TensorSpec:
    claim_dtype(path, "an index", index, torch.int64)
    numel = input.numel()
    none, count = empty(index.dims), input.numel()
    path.claim(disj(none, ge(count, 1)), "a tensor of {} > 0 elements to take from", count)
    within(path, index, numel, -numel, unread=none)
    return input.like(index.dims, values=input.values)


# Operators without a rule: their kernels cannot check indices on symbolic sizes.
declare_traits(
    *spellings("as_strided_scatter", "_unsafe_index"),
    *spellings("_index_put_impl_", "_unsafe_index_put", "_unsafe_masked_index"),
    *spellings("_unsafe_masked_index_put_accumulate", "segment_reduce"),
    *spellings("lu_unpack", "lu_solve", "ldl_solve"),
    torch.functional.unravel_index,
    unchecked=Unchecked.INDICES,
)
