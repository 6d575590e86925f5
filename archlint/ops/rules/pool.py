"""Pools with a window: max, average and power-average, of one to three dimensions."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import torch
import torch.nn.functional as F

from archlint.ops.registry import NoRule, Path, TensorSpec, shape_rule
from archlint.ops.rules.view import reordered, unsqueeze
from archlint.ops.shapes.claims import claim_ndim
from archlint.ops.shapes.sliding_window import (
    PerDim,
    claim_positive,
    followed_layout,
    integers,
    per_dim,
    window,
)
from archlint.ops.traits import Bounds
from archlint.symbolic import Expr, Size, ceildiv, minimum, product
from archlint.symbolic.formula import Bool, ge, ne

Pooled = Any
"""A spec, or a pair of specs: the result and the indices."""


def _batched(path: Path, n: int, input: TensorSpec) -> None:
    claim_ndim(path, "an input", input, n + 1, n + 2)
    claim_positive(path, *input.dims[input.ndim - n - 1 :])


@lru_cache(maxsize=4096)
def _ceil_window(
    size: Size, kernel: Size, stride: Size, padding: int, dilation: int
) -> tuple[Size, Size, Bool]:
    """Like ``window`` in ceil_mode: the last window may reach beyond the padded size."""
    padded = size + 2 * padding
    reach = dilation * (kernel - 1) + 1
    positions = ceildiv(padded - reach, stride) + 1
    if ge(reach - padding, stride) is not True:  # but it must not start beyond the input
        positions = minimum(positions, ceildiv(size + padding, stride))
    return positions, padded, ge(padded - reach + stride, 1)


def _windows(
    path: Path,
    n: int,
    input: TensorSpec,
    kernel_size: PerDim,
    stride: PerDim | None,
    padding: PerDim,
    dilation: PerDim,
    ceil_mode: bool,
) -> tuple[Size, ...]:
    """The dims of the result."""
    kernel = per_dim(path, kernel_size, n, "kernel_size")
    steps = kernel if stride is None or stride in ([], ()) else per_dim(path, stride, n, "stride")
    paddings = integers(per_dim(path, padding, n, "padding"))
    dilations = integers(per_dim(path, dilation, n, "dilation"))
    _batched(path, n, input)
    space: list[Size] = []
    for size, k, s, p, d in zip(
        input.dims[input.ndim - n :], kernel, steps, paddings, dilations, strict=True
    ):
        claim_positive(path, k, what="kernel_size")
        claim_positive(path, s, what="stride")
        claim_positive(path, d, what="dilation")
        if p:
            path.claim(ge(p, 0), "padding {} >= 0", p)
            path.claim(ge(k, 2 * p), "padding {} at most half of kernel_size {}", p, k)
        positions, padded, fits = (_ceil_window if ceil_mode else window)(size, k, s, p, d)
        path.claim(fits, "kernel_size {} <= padded size {}", k, padded)
        space.append(positions)
    return (*input.dims[: input.ndim - n], *space)


def _last_index(
    path: Path,
    space: tuple[Size, ...],
    positions: tuple[Size, ...],
    window: tuple[PerDim, PerDim | None] | None,
) -> Size:
    """The index of the last element of ``space`` that a window reaches.

    ``window``: its kernel_size and stride if it lies in ``space`` at every position.
    """
    if window is None:
        return product(space) - 1
    n = len(space)
    kernel = per_dim(path, window[0], n, "kernel_size")
    steps = kernel if window[1] in (None, [], ()) else per_dim(path, window[1], n, "stride")
    index: Size = 0
    for size, count, k, step in zip(space, positions, kernel, steps, strict=True):
        index = index * size + (count - 1) * step + k - 1
    return index


def _max_pool(
    path: Path,
    n: int,
    input: TensorSpec,
    kernel_size: PerDim,
    stride: PerDim | None,
    padding: PerDim,
    dilation: PerDim,
    ceil_mode: bool,
) -> tuple[TensorSpec, TensorSpec]:
    """The result and its indices."""
    if not input.dtype.is_floating_point and (n == 1 or input.dtype == torch.bool):
        raise NoRule(f"max_pool{n}d of {input.dtype}")
    dims = _windows(path, n, input, kernel_size, stride, padding, dilation, ceil_mode)
    if input.strides is not None and input.ndim == 4 and n == 3:
        raise NoRule("max_pool3d of an unbatched strided input")
    result = followed_layout(path, input, dims)
    values = None
    if dilation in (1, (1,) * n):  # a dilated window can miss the input, and then points anywhere
        spans = None if padding not in (0, (0,) * n) or ceil_mode else (kernel_size, stride)
        values = (0, _last_index(path, input.dims[input.ndim - n :], dims[input.ndim - n :], spans))
    return result, result.like(dims, torch.int64, result.strides, values)


def _max_pool_of(n: int, with_indices: bool) -> Callable[..., Pooled]:
    """The rule in ``n`` dimensions; ``with_indices``: it always returns the indices too."""

    def max_pool(
        path: Path,
        input: TensorSpec,
        kernel_size: PerDim,
        stride: PerDim | None = None,
        padding: PerDim = 0,
        dilation: PerDim = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> Pooled:
        indices = with_indices or return_indices
        result, at = _max_pool(path, n, input, kernel_size, stride, padding, dilation, ceil_mode)
        if not indices:
            return result
        result = pooled(path, n, input, result.dims)
        return result, result.like(result.dims, torch.int64, result.strides, at.values)

    return max_pool


def pooled(path: Path, n: int, input: TensorSpec, dims: tuple[Size, ...]) -> TensorSpec:
    """The result of sizes ``dims`` as it lies in memory: in one dimension, as a row of height 1."""
    if n > 1 or input.strides is None:
        return followed_layout(path, input, dims)
    flat = followed_layout(path, unsqueeze(path, input, -2), (*dims[:-1], 1, dims[-1]))
    return reordered(flat, [*range(input.ndim - 1), input.ndim])


def _avg_pool(
    path: Path,
    n: int,
    input: TensorSpec,
    kernel_size: PerDim,
    stride: PerDim | None,
    padding: PerDim,
    ceil_mode: bool,
) -> TensorSpec:
    if not input.dtype.is_floating_point or (n == 3 and input.dtype == torch.float16):
        raise NoRule(f"avg_pool{n}d of {input.dtype}")
    dims = _windows(path, n, input, kernel_size, stride, padding, 1, ceil_mode)
    if n == 3:
        kernel = per_dim(path, kernel_size, 3, "kernel_size")
        for size, k in zip(input.dims[-3:], kernel, strict=True):
            if ceil_mode or padding not in (0, (0, 0, 0)):
                path.claim(ge(size, k), "kernel_size {} <= size {} without padding", k, size)
        return input.like(dims)
    return pooled(path, n, input, dims)


def avg_pool1d(
    path: Path,
    input: TensorSpec,
    kernel_size: PerDim,
    stride: PerDim | None = None,
    padding: PerDim = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> TensorSpec:
    return _avg_pool(path, 1, input, kernel_size, stride, padding, ceil_mode)


def _avg_pool_of(n: int) -> Callable[..., TensorSpec]:
    def avg_pool(
        path: Path,
        input: TensorSpec,
        kernel_size: PerDim,
        stride: PerDim | None = None,
        padding: PerDim = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> TensorSpec:
        if divisor_override is not None:
            path.claim(ne(divisor_override, 0), "divisor_override {} != 0", divisor_override)
        return _avg_pool(path, n, input, kernel_size, stride, padding, ceil_mode)

    return avg_pool


def _lp_pool_of(n: int) -> Callable[..., TensorSpec]:
    def lp_pool(
        path: Path,
        input: TensorSpec,
        norm_type: float,
        kernel_size: PerDim,
        stride: PerDim | None = None,
        ceil_mode: bool = False,
    ) -> TensorSpec:
        if isinstance(norm_type, (int, Expr)):
            path.claim(ne(norm_type, 0), "norm_type {} != 0", norm_type)
        elif not isinstance(norm_type, float):
            raise NoRule(f"norm_type {norm_type}")
        if isinstance(kernel_size, (list, tuple)) and (n == 1 or len(kernel_size) != n):
            raise NoRule("lp_pool multiplies the numbers of kernel_size")
        if input.strides is not None:
            raise NoRule("the layout of lp_pool's result")
        if isinstance(norm_type, (int, float)) and math.isinf(norm_type):
            return _max_pool(path, n, input, kernel_size, stride, 0, 1, ceil_mode)[0]
        return _avg_pool(path, n, input, kernel_size, stride, 0, ceil_mode)

    return lp_pool


_nn = torch._C._nn

REASONS = (("kernel_size", "no window of the kernel fits"),)
for _n, _max, _F_with_indices, _with_indices in (
    (1, (F.max_pool1d, torch.max_pool1d), F.max_pool1d_with_indices, torch.max_pool1d_with_indices),
    (2, (F.max_pool2d, torch.max_pool2d), F.max_pool2d_with_indices, _nn.max_pool2d_with_indices),
    (3, (F.max_pool3d, torch.max_pool3d), F.max_pool3d_with_indices, _nn.max_pool3d_with_indices),
):
    for _functions, _indices in ((_max, False), ((_F_with_indices, _with_indices), True)):
        shape_rule(*_functions, bounds=Bounds.UNKNOWN, raises=(RuntimeError,), reasons=REASONS)(
            _max_pool_of(_n, _indices)
        )
shape_rule(F.avg_pool1d, raises=(RuntimeError,), reasons=REASONS)(avg_pool1d)
for _n, _avg in ((2, F.avg_pool2d), (3, F.avg_pool3d)):
    shape_rule(_avg, raises=(RuntimeError,), reasons=REASONS)(_avg_pool_of(_n))
for _n, _lp in ((1, F.lp_pool1d), (2, F.lp_pool2d), (3, F.lp_pool3d)):
    shape_rule(_lp)(_lp_pool_of(_n))
