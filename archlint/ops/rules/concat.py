"""Tensors put together: cat, stack and their kin, meshgrid, broadcast_tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from archlint.ops.registry import IN_RANGE, NoRule, Path, TensorSpec, refuse, shape_rule
from archlint.ops.rules.reshape import expanded, viewed
from archlint.ops.rules.view import atleast_1d, atleast_2d, atleast_3d, axis, unsqueeze
from archlint.ops.shapes.broadcast import broadcast
from archlint.ops.shapes.claims import claim_most_ndim
from archlint.ops.shapes.strides import (
    Dims,
    Strides,
    channels_last_strides,
    decide,
    deferred,
    is_channels_last,
    settled,
)
from archlint.ops.shapes.type_promotion import result_type
from archlint.ops.traits import View, declare_traits
from archlint.symbolic import Size, maximum, minimum
from archlint.symbolic.formula import conj, disj, eq

Tensor = torch.Tensor


def joint_values(tensors: Sequence[TensorSpec]) -> Any:
    """The range that holds the values of all of them."""
    ranges = [t.values for t in tensors]
    if all(r is IN_RANGE for r in ranges):
        return IN_RANGE
    pairs = [r for r in ranges if isinstance(r, tuple)]
    if len(pairs) < len(ranges):
        return None
    lows = [low for low, _ in pairs if low is not None]
    highs = [high for _, high in pairs if high is not None]
    return (
        minimum(*lows) if len(lows) == len(pairs) else None,
        maximum(*highs) if len(highs) == len(pairs) else None,
    )


def _specs(path: Path, tensors: Any) -> list[TensorSpec]:
    if not isinstance(tensors, (list, tuple)):
        raise NoRule
    if not tensors:
        refuse(path, "at least one tensor")
        raise NoRule
    if not all(isinstance(t, TensorSpec) for t in tensors):
        raise NoRule
    return list(tensors)


@shape_rule(torch.cat, torch.concat, torch.concatenate, raises=(RuntimeError,))
def cat(path: Path, tensors: Any, dim: int = 0, *, axis: int | None = None) -> TensorSpec:
    return joined(path, _specs(path, tensors), dim if axis is None else axis)


def joined(path: Path, tensors: Sequence[TensorSpec], dim: int) -> TensorSpec:
    """All of ``tensors`` along ``dim``; an empty 1-D tensor goes with any others."""
    for tensor in tensors:
        path.claim(tensor.ndim > 0, "tensors of at least one dimension")
    ndim = max(t.ndim for t in tensors)
    parts = []
    for tensor in tensors:
        if tensor.ndim == ndim or tensor.ndim != 1:
            parts.append(tensor)
            continue
        text = "tensors of {} dimensions, gets one of 1 dimension with {} elements"
        path.claim(eq(tensor.dims[0], 0), text, ndim, tensor.dims[0])
    if ndim == 1 and isinstance(dim, int) and dim not in (0, -1):
        # PyTorch looks at the dimension only where there is an element.
        total: Size = 0
        for part in parts:
            total = total + part.dims[0]
        path.claim(
            eq(total, 0), "dim 0 in a tensor of 1 dimension, gets {}, with {} elements", dim, total
        )
        dim = 0
    at = axis(path, dim, ndim)
    for part in parts:
        path.claim(part.ndim == ndim, "tensors of {} dimensions, gets {}", ndim, part.ndim)
    dims = list(parts[0].dims)
    for part in parts[1:]:
        for d, size in enumerate(part.dims):
            if d == at:
                dims[d] = dims[d] + size
            else:
                dims[d] = _common(path, dims[d], size, d)
    first, shape = tensors[0], tuple(dims)

    def settle(path: Path) -> Strides | None:
        last = all(is_channels_last(settled(path, t)) for t in tensors)
        return channels_last_strides(shape) if last else None

    strides = deferred(path, shape, tensors, settle)
    return first.like(shape, result_type(*tensors), strides, joint_values(tensors))


def _common(path: Path, first: Size, size: Size, d: int) -> Size:
    if first is size:
        return first
    path.claim(eq(first, size), f"sizes {{}} and {{}} equal at dimension {d}", first, size)
    return size if isinstance(size, int) else first


@shape_rule(torch.stack, raises=(RuntimeError,))
def stack(path: Path, tensors: Any, dim: int = 0) -> TensorSpec:
    specs = _specs(path, tensors)
    first = specs[0]
    at = axis(path, dim, first.ndim + 1)
    dims = list(first.dims)
    for spec in specs[1:]:
        text = "tensors of {} dimensions, gets {}"
        path.claim(spec.ndim == first.ndim, text, first.ndim, spec.ndim)
        for d, size in enumerate(spec.dims):
            dims[d] = _common(path, dims[d], size, d)
    shape: Dims = (*dims[:at], len(specs), *dims[at:])
    return first.like(shape, result_type(*specs), None, joint_values(specs))


@shape_rule(torch.hstack, raises=(RuntimeError,))
def hstack(path: Path, tensors: Any) -> TensorSpec:
    specs = atleast_1d(path, _specs(path, tensors))
    return joined(path, specs, 0 if specs[0].ndim == 1 else 1)


@shape_rule(torch.vstack, torch.row_stack, raises=(RuntimeError,))
def vstack(path: Path, tensors: Any) -> TensorSpec:
    return joined(path, atleast_2d(path, _specs(path, tensors)), 0)


@shape_rule(torch.dstack, raises=(RuntimeError,))
def dstack(path: Path, tensors: Any) -> TensorSpec:
    return joined(path, atleast_3d(path, _specs(path, tensors)), 2)


@shape_rule(torch.column_stack)
def column_stack(path: Path, tensors: Any) -> TensorSpec:
    specs = atleast_1d(path, _specs(path, tensors))
    return joined(path, [unsqueeze(path, s, 1) if s.ndim == 1 else s for s in specs], 1)


def _broadcast_already(path: Path, *tensors: TensorSpec) -> tuple[TensorSpec | None, ...]:
    def kept(spec: TensorSpec) -> bool:
        if any(other.ndim > spec.ndim for other in tensors):
            return False
        pairs = (zip(spec.dims[::-1], other.dims[::-1], strict=False) for other in tensors)
        return decide(path, conj(*(disj(eq(a, b), eq(b, 1)) for both in pairs for a, b in both)))

    return tuple(spec if kept(spec) else None for spec in tensors)


@shape_rule(torch.broadcast_tensors, view=View.EACH, itself=_broadcast_already)
def broadcast_tensors(path: Path, *tensors: Any) -> tuple[TensorSpec, ...]:
    if not all(isinstance(t, TensorSpec) for t in tensors):
        raise NoRule
    if not tensors:
        return ()
    specs = list(tensors)
    dims = broadcast(path, *(s.dims for s in specs))
    return tuple(expanded(path, s, dims) for s in specs)


@shape_rule(torch.meshgrid, view=View.EACH)
def meshgrid(path: Path, *tensors: Any, indexing: str | None = None) -> tuple[TensorSpec, ...]:
    specs = _unpacked(tensors)
    path.claim(len(specs) > 0, "at least one tensor")
    path.claim(indexing in (None, "ij", "xy"), f"indexing 'ij' or 'xy', gets {indexing!r}")
    for spec in specs:
        claim_most_ndim(path, "tensors", spec, 1)
        path.claim(spec.dtype == specs[0].dtype, "tensors of one dtype")
    order = list(range(len(specs)))
    if indexing == "xy" and len(specs) > 1:
        order[:2] = [1, 0]
    shape = tuple(specs[k].numel() for k in order)
    grids = []
    for k, spec in enumerate(specs):
        at = order.index(k)
        line = tuple(n if d == at else 1 for d, n in enumerate(shape))
        grids.append(expanded(path, viewed(path, spec, line), shape))
    return tuple(grids)


def _unpacked(tensors: tuple[Any, ...]) -> list[TensorSpec]:
    many = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)) else tensors
    if not all(isinstance(t, TensorSpec) for t in many):
        raise NoRule
    return list(many)


declare_traits(torch.functional.cartesian_prod, torch.combinations, view=View.EACH)
