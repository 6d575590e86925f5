"""What convolutions and pools share: windows that slide, and results that lie as inputs do."""

from __future__ import annotations

from functools import lru_cache
from typing import Union

from archlint.ops.registry import NoRule, Path, TensorSpec, refuse
from archlint.ops.shapes.strides import (
    DeferredStrides,
    Strides,
    channels_last_strides,
    contiguous_strides,
    deferred,
    is_channels_last,
    lies_channels_last,
    like_input_layout,
    settled,
)
from archlint.symbolic import Size
from archlint.symbolic.formula import Bool, ge

PerDim = Union[Size, "list[Size]", "tuple[Size, ...]"]
"""One number for all spatial dimensions, or one for each."""


def per_dim(path: Path, value: PerDim, n: int, name: str) -> tuple[Size, ...]:
    """``value`` once for each of ``n`` dimensions."""
    if not isinstance(value, (list, tuple)):
        return (value,) * n
    if len(value) == 1:
        return (value[0],) * n
    if len(value) != n:
        refuse(path, f"{name} of 1 or {n} numbers, gets {{}}", len(value))
    return tuple(value)


def integers(sizes: tuple[Size, ...]) -> tuple[int, ...]:
    """The sizes, if all are numbers; otherwise there is no rule."""
    for size in sizes:
        if not isinstance(size, int):
            raise NoRule("a window whose settings depend on the input")
    return sizes  # type: ignore[return-value]


@lru_cache(maxsize=16384)
def window(
    size: Size, kernel: Size, stride: Size, padding: int, dilation: int
) -> tuple[Size, Size, Bool]:
    """The positions of a window along one dimension, the padded size, and whether it fits."""
    padded = size + 2 * padding
    room = padded - dilation * (kernel - 1) - 1
    return room // stride + 1, padded, ge(room, 0)


@lru_cache(maxsize=16384)
def _positive(size: Size) -> Bool:
    return ge(size, 1)


def claim_positive(path: Path, *sizes: Size, what: str = "a size") -> None:
    """Each of the sizes is at least 1."""
    for size in sizes:
        if not isinstance(size, int) or size < 1:
            path.claim(_positive(size), what + " {} > 0", size)


def followed_layout(
    path: Path, input: TensorSpec, dims: tuple[Size, ...], weight: TensorSpec | None = None
) -> TensorSpec:
    """A result of the sizes ``dims``: channels-last if ``input`` is, or ``weight``; contiguous."""
    sources = []
    for spec in (input, weight):
        if spec is None or spec.strides is None or not 4 <= spec.ndim == len(dims) <= 5:
            continue
        if not isinstance(spec.strides, DeferredStrides):
            if spec.strides[1] != 1:
                continue
            if is_channels_last(spec) and ge(spec.dims[1], 2) is True:
                return input.like(dims, strides=like_input_layout(spec, dims))
        sources.append(spec)
    if not sources:
        return input.like(dims)

    def settle(path: Path) -> Strides | None:
        strides = channels_last_strides(dims)
        if strides == contiguous_strides(dims):
            return None
        for spec in sources:
            known = settled(path, spec)
            if known.strides is not None and lies_channels_last(path, known):
                return strides
        return None

    return input.like(dims, strides=deferred(path, dims, sources, settle))
