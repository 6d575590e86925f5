"""Padding: constant, reflected, replicated and circular."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F

from archlint.ops.registry import NoRule, Path, TensorSpec, refuse, shape_rule
from archlint.ops.shapes.sliding_window import claim_positive, followed_layout
from archlint.ops.shapes.strides import (
    Strides,
    decide,
    deferred,
    elementwise_strides,
    settled,
    settled_strides,
)
from archlint.ops.torch_versions import EMPTY_REFLECTION, EMPTY_SIDES
from archlint.symbolic import Size, maximum, minimum
from archlint.symbolic.formula import conj, disj, ge, gt, le


def _padded(
    path: Path, input: TensorSpec, pad: Sequence[Size]
) -> list[tuple[int, Size, Size, Size]]:
    """(dimension, its size, padding before, padding after), the last dimension first."""
    if len(pad) % 2:
        refuse(path, "a pad of an even number of sizes, gets {}", len(pad))
    sides = range(len(pad) // 2)
    if len(sides) > input.ndim:
        refuse(path, "at most 2 pads for each of {} dimensions, gets {}", input.ndim, len(pad))
    last = input.ndim - 1
    return [(last - i, input.dims[last - i], pad[2 * i], pad[2 * i + 1]) for i in sides]


@shape_rule(torch.constant_pad_nd)
def constant_pad_nd(
    path: Path, input: TensorSpec, pad: Sequence[Size], value: Any = 0
) -> TensorSpec:
    dims = list(input.dims)
    for axis, size, before, after in _padded(path, input, pad):
        kept = size
        for name, crop in (("before", before), ("after", after)):
            if path.known(ge(crop, 0)):
                continue
            kept = kept + minimum(crop, 0)
            enough = disj(ge(crop, 0), ge(kept, 0))
            path.claim(enough, f"size {{}} + padding {{}} {name} it >= 0", size, crop)
        dims[axis] = size + before + after
    if not EMPTY_SIDES:
        whole = conj(*(ge(dims[input.ndim - 1 - i], 1) for i in range(len(pad) // 2)))
        path.claim(disj(whole, *[conj(*(le(p, 0) for p in pad))]), "a padded size > 0")
    result = _constant_layout(path, input, tuple(dims), pad)
    if isinstance(input.values, tuple) and (value is None or isinstance(value, int)):
        low, high = input.values
        fill = int(value or 0)
        values = (
            None if low is None else minimum(low, fill),
            None if high is None else maximum(high, fill),
        )
        return result.like(result.dims, strides=result.strides, values=values)
    return result


def _constant_layout(
    path: Path, input: TensorSpec, dims: tuple[Size, ...], pad: Sequence[Size]
) -> TensorSpec:
    """Padding lies as a pool's result does; what only crops keeps the order of the strides."""
    if input.strides is None:
        return input.like(dims)
    if any(path.known(gt(p, 0)) for p in pad):
        return followed_layout(path, input, dims)

    def settle(path: Path) -> Strides | None:
        known = settled(path, input)
        if decide(path, disj(*(gt(p, 0) for p in pad))):
            return settled_strides(path, followed_layout(path, known, dims))
        cropped = known.like(dims, strides=known.strides)
        return settled_strides(
            path, input.like(dims, strides=elementwise_strides(path, [cropped], dims))
        )

    return input.like(dims, strides=deferred(path, dims, [input], settle))


def _bent(path: Path, input: TensorSpec, pad: Sequence[Size], mode: str) -> TensorSpec:
    """Padding by the tensor's own elements."""
    sides = _padded(path, input, pad)
    n = len(sides)
    if n not in (1, 2, 3) or input.ndim not in (n + 1, n + 2):
        refuse(
            path,
            f"an input of 1 or 2 dimensions more than the {{}} with {mode} padding, gets {{}}",
            n,
            input.ndim,
        )
    if not input.dtype.is_floating_point:
        raise NoRule(f"{mode} padding of {input.dtype}")
    grows = all(path.known(ge(p, 0)) for p in pad)
    if mode != "reflect" and not grows:
        raise NoRule(f"{mode} padding that may be negative")
    if input.strides is not None and n == 3 and input.ndim == 4:
        raise NoRule("padding of an unbatched strided volume")
    if mode != "circular":
        claim_positive(path, *input.dims[input.ndim - n - 1 :])
    dims = list(input.dims)
    for axis, size, before, after in sides:
        dims[axis] = size + before + after
        for crop in (before, after):
            if mode == "reflect":
                path.claim(gt(size, crop), "padding {} < size {} to reflect", crop, size)
            elif mode == "circular":
                path.claim(ge(size, crop), "padding {} <= size {} to wrap around", crop, size)
    if not grows:
        _claim_remaining(path, [dims[axis] for axis, *_ in sides])
    if mode == "circular":
        return input.like(tuple(dims))
    return followed_layout(path, input, tuple(dims))


def _claim_remaining(path: Path, dims: Sequence[Size]) -> None:
    """What reflection that crops has to leave in each dimension."""
    text = "a padded size > 0, gets " + " x ".join("{}" for _ in dims)
    some = conj(*(ge(size, 1) for size in dims))
    if EMPTY_REFLECTION:
        for size in dims:
            path.claim(ge(size, 0), text, *dims)
        if not decide(path, some):
            path.unknown_outcome(
                "whether padding may leave nothing depends on the version of PyTorch"
            )
    path.claim(some, text, *dims)


@shape_rule(F.pad, torch._C._nn.pad)
def pad(
    path: Path,
    input: TensorSpec,
    pad: Sequence[Size],
    mode: str = "constant",
    value: float | None = None,
) -> TensorSpec:
    if not isinstance(pad, (list, tuple)):
        raise NoRule("a pad that is not a list")
    if mode == "constant":
        return constant_pad_nd(path, input, pad, value)
    if mode not in ("reflect", "replicate", "circular"):
        refuse(path, f"mode 'constant', 'reflect', 'replicate' or 'circular', gets {mode!r}")
    if value is not None and value != 0:
        refuse(path, f"no value with mode {mode!r}, gets {value}")
    return _bent(path, input, pad, mode)
