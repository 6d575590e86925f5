"""Views: dimensions reordered, added, dropped or cut."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from archlint.ops.registry import NoRule, Path, TensorSpec, refuse, shape_rule
from archlint.ops.shapes.claims import claim_most_ndim
from archlint.ops.shapes.strides import Strides, decide, restrided
from archlint.ops.traits import Bounds, View
from archlint.symbolic import Size, maximum, minimum
from archlint.symbolic.formula import conj, eq, ge, gt, le

Tensor = torch.Tensor


def axis(path: Path, dim: int, ndim: int) -> int:
    """``dim`` counted from the front; the operator raises if there is no such dimension."""
    if not isinstance(dim, int):
        raise NoRule
    ndim = max(ndim, 1)  # a scalar has a dimension 0 and -1 for most operators
    if not -ndim <= dim < ndim:
        refuse(path, f"dim {dim} in range for {ndim} dimensions")
        raise NoRule
    return dim % ndim


def variadic(sizes: Sequence[Any], named: Any = None) -> tuple[Any, ...]:
    """The sizes of ``f(2, 3)``, ``f((2, 3))`` or ``f(name=(2, 3))``, alike."""
    if named is not None:
        return tuple(named)
    if len(sizes) == 1 and isinstance(sizes[0], (list, tuple)):
        return tuple(sizes[0])
    return tuple(sizes)


@shape_rule(torch.squeeze, Tensor.squeeze, view=View.WHOLE)
def squeeze(path: Path, input: TensorSpec, dim: Any = None) -> TensorSpec:
    if dim is None:
        chosen = set(range(input.ndim))
    else:
        axes = [
            axis(path, d, input.ndim) for d in (dim if isinstance(dim, (list, tuple)) else [dim])
        ]
        chosen = set(axes)
        path.claim(len(chosen) == len(axes), "dimensions that differ from one another")
    kept = [
        d for d in range(input.ndim) if d not in chosen or not decide(path, eq(input.dims[d], 1))
    ]
    return reordered(input, kept)


@shape_rule(torch.unsqueeze, Tensor.unsqueeze, view=View.WHOLE)
def unsqueeze(path: Path, input: TensorSpec, dim: int) -> TensorSpec:
    at = axis(path, dim, input.ndim + 1)

    def restride(old: Strides) -> Strides:
        step = input.dims[at] * old[at] if at < input.ndim else 1
        return (*old[:at], step, *old[at:])

    return restrided(input, (*input.dims[:at], 1, *input.dims[at:]), restride)


def reordered(input: TensorSpec, order: Sequence[int]) -> TensorSpec:
    """The view with the dimensions in ``order`` (those left out have size 1)."""
    dims = tuple(input.dims[d] for d in order)
    return restrided(input, dims, lambda old: tuple(old[d] for d in order))


@shape_rule(torch.permute, Tensor.permute, view=View.WHOLE)
def permute(path: Path, input: TensorSpec, *order: Any, dims: Any = None) -> TensorSpec:
    order = variadic(order, dims)
    path.claim(len(order) == input.ndim, "{} dimensions, gets {}", input.ndim, len(order))
    axes = [axis(path, d, input.ndim) for d in order]
    path.claim(len(set(axes)) == len(axes), "dimensions that differ from one another")
    return reordered(input, axes)


@shape_rule(
    *(torch.transpose, Tensor.transpose),
    *(torch.swapaxes, torch.swapdims, Tensor.swapaxes, Tensor.swapdims),
    view=View.WHOLE,
)
def transpose(
    path: Path,
    input: TensorSpec,
    dim0: Any = None,
    dim1: Any = None,
    axis0: Any = None,
    axis1: Any = None,
) -> TensorSpec:
    first = axis(path, axis0 if dim0 is None else dim0, input.ndim)
    second = axis(path, axis1 if dim1 is None else dim1, input.ndim)
    order = list(range(input.ndim))
    if order:
        order[first], order[second] = order[second], order[first]
    return reordered(input, order)


@shape_rule(torch.t, Tensor.t, view=View.WHOLE)
def t(path: Path, input: TensorSpec) -> TensorSpec:
    claim_most_ndim(path, "a tensor", input, 2)
    return reordered(input, range(input.ndim)[::-1])


@shape_rule(Tensor.T.__get__, view=View.WHOLE)  # type: ignore[attr-defined]
def numpy_t(path: Path, input: TensorSpec) -> TensorSpec:
    return reordered(input, range(input.ndim)[::-1])


@shape_rule(
    Tensor.mT.__get__,  # type: ignore[attr-defined]
    view=View.WHOLE,
)
def matrix_transpose(path: Path, input: TensorSpec) -> TensorSpec:
    if input.ndim < 2:  # deprecated for scalars, refused for vectors; not the same in all versions
        raise NoRule
    return transpose(path, input, -2, -1)


@shape_rule(
    Tensor.mH.__get__,  # type: ignore[attr-defined]
    torch.adjoint,
    Tensor.adjoint,
    view=View.WHOLE,
)
def matrix_adjoint(path: Path, input: TensorSpec) -> TensorSpec:
    return _conjugate(matrix_transpose(path, input))


def _conjugate(view: TensorSpec) -> TensorSpec:
    view.conjugate = view.dtype.is_complex
    return view


@shape_rule(Tensor.H.__get__, view=View.WHOLE)  # type: ignore[attr-defined]
def matrix_h(path: Path, input: TensorSpec) -> TensorSpec:
    if input.ndim == 0:
        raise NoRule
    path.claim(input.ndim == 2, "a matrix, gets {} dimensions", input.ndim)
    return _conjugate(transpose(path, input, 0, 1))


@shape_rule(torch.movedim, torch.moveaxis, Tensor.movedim, Tensor.moveaxis, view=View.WHOLE)
def movedim(path: Path, input: TensorSpec, source: Any, destination: Any) -> TensorSpec:
    sources, targets = (
        [axis(path, d, input.ndim) for d in (dims if isinstance(dims, (list, tuple)) else [dims])]
        for dims in (source, destination)
    )
    path.claim(len(sources) == len(targets), "as many sources as destinations")
    path.claim(len(set(sources)) == len(sources), "sources that differ from one another")
    path.claim(len(set(targets)) == len(targets), "destinations that differ from one another")
    if not input.ndim:
        return input
    rest = iter([d for d in range(input.ndim) if d not in sources])
    order = [sources[targets.index(d)] if d in targets else next(rest) for d in range(input.ndim)]
    return reordered(input, order)


def index_in(path: Path, index: Size, size: Size) -> Size:
    """``index`` counted from the front; claims that it is one of ``size`` elements."""
    inside = conj(ge(index, -size), gt(size, index))
    path.claim(inside, "index {} in range for size {}", index, size, error=IndexError)
    return index


@shape_rule(torch.select, Tensor.select, view=View.SELECT, bounds=Bounds.PART)
def select(path: Path, input: TensorSpec, dim: int, index: Any) -> TensorSpec:
    if isinstance(index, TensorSpec):
        raise NoRule
    path.claim(input.ndim > 0, "a tensor of at least one dimension")
    at = axis(path, dim, input.ndim)
    index_in(path, index, input.dims[at])
    return reordered(input, [d for d in range(input.ndim) if d != at])


@shape_rule(torch.narrow, Tensor.narrow, view=View.NARROW, bounds=Bounds.PART)
def narrow(path: Path, input: TensorSpec, dim: int, start: Any, length: Any) -> TensorSpec:
    if isinstance(start, TensorSpec) or isinstance(length, TensorSpec):
        raise NoRule
    path.claim(input.ndim > 0, "a tensor of at least one dimension")
    path.claim(ge(length, 0), "length {} >= 0", length)
    at = axis(path, dim, input.ndim)
    size = input.dims[at]
    inside = conj(ge(start, -size), le(start, size))
    path.claim(inside, "start {} in range for size {}", start, size)
    first = start if decide(path, ge(start, 0)) else start + size
    path.claim(le(first + length, size), "start {} + length {} <= size {}", first, length, size)
    return restrided(input, (*input.dims[:at], length, *input.dims[at + 1 :]), lambda old: old)


@shape_rule(torch.diagonal, Tensor.diagonal, view=View.UNKNOWN, bounds=Bounds.PART)
def diagonal(
    path: Path, input: TensorSpec, offset: Size = 0, dim1: int = 0, dim2: int = 1
) -> TensorSpec:
    first, second = axis(path, dim1, input.ndim), axis(path, dim2, input.ndim)
    path.claim(first != second, "two different dimensions, gets {} twice", first)
    rows, columns = input.dims[first], input.dims[second]
    if decide(path, ge(offset, 0)):
        columns = columns - offset
    else:
        rows = rows + offset
    rest = [d for d in range(input.ndim) if d not in (first, second)]

    def restride(old: Strides) -> Strides:
        return (*(old[d] for d in rest), old[first] + old[second])

    size = maximum(minimum(rows, columns), 0)
    return restrided(input, (*(input.dims[d] for d in rest), size), restride)


@shape_rule(torch.detach, Tensor.detach, view=View.SAME)
def detach(path: Path, input: TensorSpec) -> TensorSpec:
    return input


def _large_enough(ndim: int) -> Any:
    def itself(path: Path, *tensors: Any) -> Any:
        return _each(tensors, lambda x: x if x.ndim >= ndim else None)

    return itself


@shape_rule(torch.atleast_1d, view=View.EACH, itself=_large_enough(1))
def atleast_1d(path: Path, *tensors: Any) -> Any:
    return _each(tensors, lambda x: x if x.ndim else unsqueeze(path, x, 0))


@shape_rule(torch.atleast_2d, view=View.EACH, itself=_large_enough(2))
def atleast_2d(path: Path, *tensors: Any) -> Any:
    def grow(x: TensorSpec) -> TensorSpec:
        while x.ndim < 2:
            x = unsqueeze(path, x, 0)
        return x

    return _each(tensors, grow)


@shape_rule(torch.atleast_3d, view=View.EACH, itself=_large_enough(3))
def atleast_3d(path: Path, *tensors: Any) -> Any:
    def grow(x: TensorSpec) -> TensorSpec:
        while x.ndim < 2:
            x = unsqueeze(path, x, 0)
        return x if x.ndim > 2 else unsqueeze(path, x, -1)

    return _each(tensors, grow)


def _each(tensors: tuple[Any, ...], grow: Any) -> Any:
    many = tensors[0] if len(tensors) == 1 else tensors
    return tuple(map(grow, many)) if isinstance(many, (list, tuple)) else grow(many)
