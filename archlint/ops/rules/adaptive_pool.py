"""Adaptive pools: any input size, one output size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Union

import torch
import torch.nn.functional as F

from archlint.ops.registry import NoRule, Path, TensorSpec, refuse, shape_rule
from archlint.ops.rules.pool import pooled
from archlint.ops.rules.view import reordered, unsqueeze
from archlint.ops.shapes.claims import claim_least_ndim, claim_ndim
from archlint.ops.shapes.sliding_window import claim_positive, followed_layout
from archlint.ops.shapes.strides import decide
from archlint.symbolic import Size, product
from archlint.symbolic.formula import conj, eq, ge

OutputSize = Union[Size, "list[Size | None]", "tuple[Size | None, ...]", None]


def _output_sizes(
    path: Path, n: int, input: TensorSpec, output_size: OutputSize
) -> tuple[Size, ...]:
    """One size per spatial dimension; ``None`` keeps the input's."""
    if output_size is None:
        raise NoRule("no output_size")
    if not isinstance(output_size, (list, tuple)):
        return (output_size,) * n
    if len(output_size) != n:
        refuse(path, f"output_size of 1 or {n} numbers, gets {{}}", len(output_size))
    if None in output_size and n == 1:
        refuse(path, "a number as output_size in one dimension, gets None")
    if len(output_size) >= input.ndim:
        refuse(path, f"an input of at least {n + 1} dimensions, gets {{}}", input.ndim)
    own = input.dims[input.ndim - n :]
    return tuple(s if out is None else out for out, s in zip(output_size, own, strict=True))


def _pool(
    path: Path, n: int, input: TensorSpec, outputs: tuple[Size, ...], needed: tuple[Size, ...]
) -> TensorSpec:
    claim_ndim(path, "an input", input, n + 1, n + 2)
    claim_positive(path, *needed)
    for out in outputs:
        if not isinstance(out, int) or out < 0:
            path.claim(ge(out, 0), "output_size {} >= 0", out)
    dims = (*input.dims[: input.ndim - n], *outputs)
    return input.like(dims) if n == 3 else pooled(path, n, input, dims)


def _avg_of(n: int) -> Callable[..., TensorSpec]:
    def adaptive_avg_pool(path: Path, input: TensorSpec, output_size: OutputSize) -> TensorSpec:
        if not input.dtype.is_floating_point:
            raise NoRule(f"adaptive_avg_pool of {input.dtype}")
        outputs = _output_sizes(path, n, input, output_size)
        if n == 1:
            claim_ndim(path, "an input", input, 2, 3)
        if n == 1 and input.strides is not None:  # PyTorch pools a row of height 1
            high = unsqueeze(path, input, -2)
            flat = adaptive_avg_pool2d(path, high, (1, *outputs))
            return reordered(flat, [*range(input.ndim - 1), input.ndim])
        if decide(path, conj(*(eq(out, 1) for out in outputs))):  # the mean: any rank, any size
            claim_least_ndim(path, "an input", input, n)
            dims = (*input.dims[: input.ndim - n], *outputs)
            return followed_layout(path, input, dims)
        return _pool(path, n, input, outputs, input.dims[1 if n == 3 else input.ndim - n :])

    return adaptive_avg_pool


def _max(
    path: Path, n: int, input: TensorSpec, output_size: OutputSize
) -> tuple[TensorSpec, TensorSpec]:
    """The result and its indices."""
    if not input.dtype.is_floating_point:
        raise NoRule(f"adaptive_max_pool of {input.dtype}")
    outputs = _output_sizes(path, n, input, output_size)
    result = _pool(path, n, input, outputs, input.dims[1:])
    last = product(input.dims[input.ndim - n :]) - 1
    return result, result.like(result.dims, torch.int64, result.strides, (0, last))


def _max_of(n: int) -> Callable[..., Any]:
    def adaptive_max_pool(
        path: Path, input: TensorSpec, output_size: OutputSize, return_indices: bool = False
    ) -> Any:
        both = _max(path, n, input, output_size)
        return both if return_indices else both[0]

    return adaptive_max_pool


def _max_with_indices_of(n: int) -> Callable[..., Any]:
    def adaptive_max_pool_with_indices(
        path: Path, input: TensorSpec, output_size: OutputSize, return_indices: bool = True
    ) -> tuple[TensorSpec, TensorSpec]:
        return _max(path, n, input, output_size)

    return adaptive_max_pool_with_indices


_nn = torch._C._nn

adaptive_avg_pool1d = shape_rule(F.adaptive_avg_pool1d)(_avg_of(1))
adaptive_avg_pool2d = shape_rule(F.adaptive_avg_pool2d, _nn.adaptive_avg_pool2d)(_avg_of(2))
adaptive_avg_pool3d = shape_rule(F.adaptive_avg_pool3d, _nn.adaptive_avg_pool3d)(_avg_of(3))
shape_rule(F.adaptive_max_pool1d)(_max_of(1))
shape_rule(F.adaptive_max_pool2d)(_max_of(2))
shape_rule(F.adaptive_max_pool3d)(_max_of(3))
shape_rule(F.adaptive_max_pool1d_with_indices, torch.adaptive_max_pool1d)(_max_with_indices_of(1))
shape_rule(F.adaptive_max_pool2d_with_indices, _nn.adaptive_max_pool2d)(_max_with_indices_of(2))
shape_rule(F.adaptive_max_pool3d_with_indices, _nn.adaptive_max_pool3d)(_max_with_indices_of(3))
