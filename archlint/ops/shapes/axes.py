"""Dimension numbers, and shapes after a reduction."""

from __future__ import annotations

from typing import Any

from archlint.ops.registry import NoRule, Path, TensorSpec, refuse
from archlint.symbolic import Size
from archlint.symbolic.formula import ne

Dims = tuple[Size, ...]


def wrapped(path: Path, ndim: int, dim: Any) -> int:
    """``dim`` as a number in 0..ndim-1; a scalar has the dimension 0, as in PyTorch.

    Claims that ``dim`` is in range. Raises :class:`NoRule` if it is no integer.
    """
    if not isinstance(dim, int) or isinstance(dim, bool):
        raise NoRule(f"dim {dim!r}")
    rank = max(ndim, 1)
    if not -rank <= dim < rank:
        refuse(path, f"dim {dim} in range for {ndim} dimensions")
    return dim % rank


def wrapped_all(path: Path, ndim: int, dims: Any, none_is_all: bool = True) -> tuple[int, ...]:
    """Several dimensions, each once. ``None``, and ``()`` if ``none_is_all``, are all of them."""
    if dims is None or (none_is_all and isinstance(dims, (tuple, list)) and not dims):
        return tuple(range(ndim))
    if not isinstance(dims, (tuple, list)):
        dims = (dims,)
    axes = tuple(wrapped(path, ndim, d) for d in dims)
    if len(set(axes)) < len(axes):
        refuse(path, f"each dimension once, gets {tuple(dims)}")
    return axes


def reduced(dims: Dims, axes: tuple[int, ...], keepdim: bool) -> Dims:
    """The shape after ``axes`` are reduced to one element each."""
    if not isinstance(keepdim, bool):
        raise NoRule(f"keepdim {keepdim!r}")
    if keepdim:
        return tuple(1 if i in axes else d for i, d in enumerate(dims))
    return tuple(d for i, d in enumerate(dims) if i not in axes)


def size_at(input: TensorSpec, axis: int) -> Size:
    """The size of a dimension; a scalar has one element along its only one."""
    return input.dims[axis] if input.dims else 1


def not_empty(path: Path, input: TensorSpec, axes: tuple[int, ...]) -> None:
    """Claim at least one element along each of ``axes``."""
    for axis in axes:
        size = size_at(input, axis)
        path.claim(ne(size, 0), f"size {{}} at dimension {axis} > 0", size)
