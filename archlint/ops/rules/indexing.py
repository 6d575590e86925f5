"""Subscripts: ``x[...]`` and ``x[...] = value``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from archlint.ops.registry import IN_RANGE, NoRule, Path, TensorSpec, shape_rule
from archlint.ops.rules.view import reordered, select, unsqueeze
from archlint.ops.shapes.broadcast import broadcast
from archlint.ops.shapes.claims import claim_dtype
from archlint.ops.shapes.strides import (
    Strides,
    contiguous_strides,
    decide,
    deferred,
    empty,
    ordered_strides,
    restrided,
    settled_strides,
)
from archlint.ops.traits import FIRST, Bounds, Unchecked, View
from archlint.ops.values.tight_bounds import in_range
from archlint.symbolic import Expr, Size, ceildiv, maximum, minimum
from archlint.symbolic.formula import Bool, disj, eq, ge, gt, le, lt, ne

Tensor = torch.Tensor
INDEX_DTYPES = (torch.int64, torch.int32)
UNBOUNDED = 2**62  # a slice bound that stands for "to the end"


def within(path: Path, index: TensorSpec, size: Size, low: Size, unread: Bool = False) -> None:
    """Claim that the values of ``index`` are at least ``low`` and below ``size``.

    ``unread`` says when the operator looks at none of them.
    """
    values = index.values
    if values is IN_RANGE:
        return
    least, most = values if isinstance(values, tuple) else (None, None)
    text = "index {} in range for size {}"
    inside = (
        lambda bound: disj(unread, ge(bound, low)),
        lambda bound: disj(unread, lt(bound, size)),
    )
    for side in (1, 0) if most is None else (0, 1):
        in_range(path, index, side, inside[side], text, size)
    if least is None or most is None:
        path.unproved("tensor values determine whether each index is in range")


def slice_bounds(path: Path, index: slice, size: Size) -> tuple[Size, Size, Size]:
    """First element, number of elements and step of ``index`` in a dimension of ``size``."""
    step = 1 if index.step is None else index.step
    path.claim(gt(step, 0), "slice step {} > 0", step)
    start = 0 if index.start is None else _bound(path, index.start, size)
    stop = size if index.stop is None else _bound(path, index.stop, size)
    if start == 0 and stop is size:
        length = size
    elif path.known(ge(stop, start)):
        length = stop - start
    elif path.known(le(stop, start)):
        length = 0
    else:
        length = maximum(stop - start, 0)
    return start, ceildiv(length, step), step


def _bound(path: Path, bound: Size, size: Size) -> Size:
    """A slice bound counted from the front and clamped to 0..size, as Python does."""
    if not isinstance(bound, (int, Expr)):
        raise NoRule
    if isinstance(bound, int) and bound >= UNBOUNDED:
        return size
    if not decide(path, ge(bound, 0)):
        bound = bound + size
        if path.known(ge(bound, 0)) is not True:
            bound = maximum(bound, 0)
        return bound
    if path.known(le(bound, size)):
        return bound
    return size if path.known(ge(bound, size)) else minimum(bound, size)


class Masked(TensorSpec):
    """The indices that a mask keeps in one of its dimensions, of size ``masked``."""

    __slots__ = ("masked",)

    @staticmethod
    def of(path: Path, mask: TensorSpec) -> list[Masked]:
        """One for each dimension of the mask."""
        if mask.ndim == 0:
            raise NoRule
        count = path.count("a mask", mask)
        found = []
        for size in mask.dims:
            found.append(Masked((count,), torch.int64, values=IN_RANGE))
            found[-1].masked = size
        return found

    masked: Size


def subscripts(path: Path, input: TensorSpec, index: Any) -> tuple[Any, ...]:
    """The index as a tuple without an ellipsis, one entry per dimension that it indexes."""
    items = index if isinstance(index, tuple) else (index,)
    items = tuple(_listed(i) if isinstance(i, (list, range)) else i for i in items)
    for item in items:
        if isinstance(item, bool) or not (
            item is None or item is ... or isinstance(item, (int, Expr, slice, TensorSpec))
        ):
            raise NoRule
    if any(map(_is_mask, items)):
        each = (Masked.of(path, i) if _is_mask(i) else [i] for i in items)
        items = tuple(part for parts in each for part in parts)
    if sum(i is ... for i in items) > 1:
        raise NoRule
    spoken = sum(i is not None and i is not ... for i in items)
    rest = (slice(None),) * (input.ndim - spoken)
    for at, item in enumerate(items):
        if item is ...:
            return (*items[:at], *rest, *items[at + 1 :])
    return items


def _is_mask(item: Any) -> bool:
    return isinstance(item, TensorSpec) and item.dtype in (torch.bool, torch.uint8)


def _listed(numbers: Sequence[Any]) -> TensorSpec:
    if any(isinstance(n, bool) or not isinstance(n, (int, Expr)) for n in numbers):
        raise NoRule
    values = (minimum(*numbers), maximum(*numbers)) if numbers else IN_RANGE
    return TensorSpec((len(numbers),), torch.int64, values=values)


def viewed_at(
    path: Path, input: TensorSpec, items: tuple[Any, ...]
) -> tuple[TensorSpec, dict[int, TensorSpec]]:
    """The view that numbers, slices and ``None`` make, and the index tensor of each dimension."""
    spoken = sum(i is not None for i in items)
    path.claim(spoken <= input.ndim, "at most {} indices, gets {}", input.ndim, spoken)
    tensors: dict[int, TensorSpec] = {}
    result, at = input, 0
    for item in items:
        if item is None:
            result = unsqueeze(path, result, at)
        elif isinstance(item, slice):
            result = sliced(path, result, at, item)
        elif isinstance(item, TensorSpec):
            if item.ndim == 0 and item.dtype in (*INDEX_DTYPES, torch.int16, torch.int8):
                within(path, item, result.dims[at], -result.dims[at])
                size = result.dims[at]
                path.claim(ne(size, 0), "a size {} > 0", size)
                result = reordered(result, [d for d in range(result.ndim) if d != at])
                continue
            if isinstance(item, Masked):
                masked, size = item.masked, result.dims[at]
                path.claim(eq(masked, size), "mask size {} == size {}", masked, size)
            claim_dtype(path, "an index", item, *INDEX_DTYPES)
            tensors[at] = item
        else:
            result = select(path, result, at, item)
            continue
        at += 1
    return result, tensors


def sliced(path: Path, input: TensorSpec, at: int, index: slice) -> TensorSpec:
    """``input`` with ``index`` applied to dimension ``at``."""
    if index.start is None and index.stop is None and index.step is None:
        return input
    _, length, step = slice_bounds(path, index, input.dims[at])
    dims = (*input.dims[:at], length, *input.dims[at + 1 :])

    def restride(old: Strides) -> Strides:
        return (*old[:at], old[at] * step, *old[at + 1 :])

    return restrided(input, dims, restride)


def gathered(path: Path, view: TensorSpec, tensors: dict[int, TensorSpec]) -> TensorSpec:
    """What indexing ``view`` with a tensor in some dimensions returns, values checked."""
    chosen = broadcast(path, *(t.dims for t in tensors.values()))
    axes = list(tensors)
    adjacent = axes == list(range(axes[0], axes[0] + len(axes)))
    at = axes[0] if adjacent else 0
    rest = [d for d in range(view.ndim) if d not in tensors]
    order = [d for d in rest if d < at], [d for d in rest if d >= at]
    left, right = (tuple(view.dims[d] for d in half) for half in order)
    dims = (*left, *chosen, *right)
    none = empty(chosen)
    for d in axes:
        text = "a size {} > 0"
        path.claim(disj(none, ne(view.dims[d], 0)), text, view.dims[d])
    for d, tensor in tensors.items():
        within(path, tensor, view.dims[d], -view.dims[d], unread=empty(dims))
    strides = None
    if view.strides is not None:

        def settle(path: Path) -> Strides | None:
            own = settled_strides(path, view) or contiguous_strides(view.dims)
            before, after = (tuple(own[d] for d in half) for half in order)
            return ordered_strides(path, [(*before, *(0 for _ in chosen), *after)], dims)

        strides = deferred(path, dims, [view], settle)
    return view.like(dims, strides=strides, values=view.values)


@shape_rule(
    Tensor.__getitem__, view=View.SUBSCRIPT, bounds=Bounds.SUBSCRIPT, unchecked=Unchecked.INDICES
)
def getitem(path: Path, input: TensorSpec, index: Any) -> TensorSpec:
    first = input.elements.first
    if first is not None and type(index) is int and index == 0:
        return input.like((), values=(first, first))
    view, tensors = viewed_at(path, input, subscripts(path, input, index))
    return gathered(path, view, tensors) if tensors else view


@shape_rule(Tensor.__setitem__, writes=FIRST, may_read_target=True)
def setitem(path: Path, input: TensorSpec, index: Any, value: Any) -> None:
    items = subscripts(path, input, index)
    view, tensors = viewed_at(path, input, items)
    target = gathered(path, view, tensors) if tensors else view
    for size, stride in zip(view.dims, view.strides or (), strict=False):
        if stride == 0 and not tensors:  # index_put_ writes to shared memory
            once = disj(le(size, 1), empty(view.dims))
            path.claim(once, "each element in memory of its own, but {} share it", size)
    if isinstance(value, TensorSpec):
        if tensors:
            if value.dtype is not input.dtype and any(isinstance(t, Masked) for t in items):
                raise NoRule  # one element is written where a mask says so, of any dtype
            claim_dtype(path, "a value", value, input.dtype)
        lead = value.ndim - target.ndim
        for i, size in enumerate(value.dims):
            if i < lead:
                path.claim(eq(size, 1), "value size {} == 1", size)
                continue
            into = target.dims[i - lead]
            fits = disj(eq(size, into), eq(size, 1))
            path.claim(fits, "value size {} equal to 1 or to the size {} written to", size, into)
