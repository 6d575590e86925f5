"""Calls of torch with lists of symbolic length, as calls with few tensors or one number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from archlint.ops.shapes.strides import channels_last_strides, is_channels_last, settled
from archlint.ops.values.grids import Grid, placed
from archlint.symbolic import Size
from archlint.symbolic.formula import ge
from archlint.tracing.loops.lists import GrowingList
from archlint.tracing.loops.segments import (
    Segment,
    SymbolicTuple,
    has_symbolic_length,
    segments_of,
)
from archlint.tracing.loops.state import canonical
from archlint.tracing.path import TracedPath
from archlint.tracing.symint.python_types import SymbolicInt, sym_int
from archlint.tracing.tensors.symbolic_tensor import SymbolicTensor, learn, symbolic_tensor

_CAT = (torch.cat, torch.concat, torch.concatenate)
_OF_NUMBERS = (torch.tensor, torch.as_tensor)


def torch_call(path: TracedPath, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The call ``(func, args, kwargs)`` with lists of ours as plain ones.

    A concatenation of symbolically many tensors becomes one of a few, and a tensor of symbolically
    often the same number is filled with it.
    """
    many = args[0] if args else kwargs.get("tensors", kwargs.get("data"))
    if has_symbolic_length(many):
        rest = {k: v for k, v in kwargs.items() if k not in ("tensors", "data")}
        if func in _OF_NUMBERS:
            call = _filled(path, many, args[1:], rest)
        else:
            call = _joined(path, func, many, args[1:], rest)
        if call is not None:
            return call
    return func, tuple(map(_plain, args)), {k: _plain(v) for k, v in kwargs.items()}


def _filled(path: TracedPath, many: Any, rest: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """``torch.full`` in the place of ``torch.tensor([number, …])``."""
    if rest or not kwargs.keys() <= {"dtype", "device"}:
        return None
    parts = canonical(path, _parts(path, many))
    if len(parts) != 1 or type(parts[0].value) not in (int, bool, float, SymbolicInt):
        return None
    ((value, count),) = parts
    return torch.full, ((sym_int(count, path),), value), kwargs


def _joined(
    path: TracedPath, func: Any, many: Any, rest: Sequence[Any], kwargs: dict[str, Any]
) -> Any:
    named = kwargs.keys() - {"dim", "axis"}
    dims = [*rest, *(kwargs[k] for k in ("dim", "axis") if k in kwargs)]
    dim = dims[0] if dims else 0
    stacks = func is torch.stack
    if not (stacks or func in _CAT) or named or len(dims) > 1 or type(dim) is not int:
        return None
    if any(
        type(s.value) is not SymbolicTensor or not (s.value.spec.dims or stacks)
        for s in segments_of(many)
    ):
        return None
    parts = [_repeated(path, s.value, s.repeats, dim, stacks) for s in _parts(path, many)]
    if any(part is None for part in parts):
        return None
    return (torch.cat if parts else func), (parts, dim), {}


def _parts(path: TracedPath, many: Any) -> list[Segment]:
    """The runs of equal elements that there are, each of which is a branch if that is open."""
    if isinstance(many, GrowingList):
        many.read = True
    return [s for s in segments_of(many) if path.branch(ge(s.repeats, 1))]


def _repeated(
    path: TracedPath, tensor: SymbolicTensor, count: Size, dim: int, stacks: bool
) -> SymbolicTensor | None:
    """``count`` tensors put together along ``dim``, which is a new one if ``stacks``."""
    spec = tensor.spec
    rank = len(spec.dims) + stacks
    if not -rank <= dim < rank:
        return None
    at = dim % rank
    if stacks:
        dims = (*spec.dims[:at], count, *spec.dims[at:])
    else:
        dims = (*spec.dims[:at], spec.dims[at] * count, *spec.dims[at + 1 :])
    strides = None
    if not stacks and is_channels_last(settled(path, spec)):
        strides = channels_last_strides(dims)
    made = spec.like(dims, strides=strides, values=spec.values)
    made.loose = spec.loose
    grid = spec.elements.grid
    if grid is not None:
        made.elements = replace(made.elements, grid=_repeated_grid(grid, at, spec.ndim, stacks))
    joined = symbolic_tensor(made, tensor.made_by)
    learn(joined, shares=(tensor,))
    return joined


def _repeated_grid(grid: Grid, at: int, ndim: int, stacks: bool) -> Grid | None:
    """What is known of the rows: the first element of all is first in each, the last is last."""
    if not stacks:
        return None if grid.dim == at else grid
    old: list[int | None] = list(range(ndim))
    return placed(grid, [*old[:at], None, *old[at:]])


def _plain(value: Any) -> Any:
    if type(value) is GrowingList:
        return list(value)
    return value.plain() if type(value) is SymbolicTuple else value
