"""Transposed convolutions of one to three dimensions, and the operator under all convolutions."""

from __future__ import annotations

from collections.abc import Callable

import torch

from archlint.ops.registry import NoRule, Path, TensorSpec, shape_rule
from archlint.ops.rules.conv import (
    REASONS,
    batched_dims,
    claim_bias,
    claim_groups,
    convolve,
    convolved,
    same_dtype,
    window_settings,
)
from archlint.ops.shapes.sliding_window import PerDim, claim_positive, per_dim
from archlint.ops.shapes.strides import decide
from archlint.symbolic import Size
from archlint.symbolic.formula import conj, disj, eq, ge


def conv_transpose(
    path: Path,
    n: int,
    input: TensorSpec,
    weight: TensorSpec,
    bias: TensorSpec | None,
    stride: PerDim,
    padding: PerDim,
    output_padding: PerDim,
    groups: Size,
    dilation: PerDim,
) -> TensorSpec:
    batch, channels, *space = batched_dims(path, n, input, weight)
    same_dtype(input, weight, bias)
    strides, paddings, dilations = window_settings(path, n, stride, padding, dilation)
    extras = per_dim(path, output_padding, n, "output_padding")
    in_channels, per_group, *kernel = weight.dims
    claim_groups(path, groups, in_channels, "in_channels")
    path.claim(eq(channels, in_channels), "in_channels {} == channels {}", in_channels, channels)
    claim_bias(path, bias, per_group * groups)
    full = path.known(ge(batch, 1))
    out = []
    for size, k, s, p, d, extra in zip(
        space, kernel, strides, paddings, dilations, extras, strict=True
    ):
        if full:
            claim_positive(path, size)
        else:
            path.claim(disj(ge(size, 1), eq(batch, 0)), "a size {} > 0", size)
        if extra != 0:
            path.claim(
                conj(ge(extra, 0), disj(ge(max(s, d) - 1, extra), eq(batch, 0))),
                f"output_padding {{}} smaller than stride {s} or dilation {d}",
                extra,
            )
        wide = (size - 1) * s - 2 * p + d * (k - 1) + extra + 1
        if not (full and ge(wide - (size - 1) * s, 1) is True):  # one element in, one out
            path.claim(ge(wide, 0), "output size {} >= 0", wide)
            if decide(path, eq(wide, 0)) and not decide(path, eq(batch, 0)):
                path.unproved("whether a transposed convolution may return nothing on its device")
        out.append(wide)
    if any(isinstance(k, int) and k < 1 for k in (per_group, *kernel)):
        raise NoRule("a kernel without elements")
    return convolved(path, input, weight, (batch, per_group * groups, *out))


def _transposed_of(n: int) -> Callable[..., TensorSpec]:
    def rule(
        path: Path,
        input: TensorSpec,
        weight: TensorSpec,
        bias: TensorSpec | None = None,
        stride: PerDim = 1,
        padding: PerDim = 0,
        output_padding: PerDim = 0,
        groups: Size = 1,
        dilation: PerDim = 1,
    ) -> TensorSpec:
        return conv_transpose(
            path, n, input, weight, bias, stride, padding, output_padding, groups, dilation
        )

    return rule


for _n, _op in (
    (1, torch.conv_transpose1d),
    (2, torch.conv_transpose2d),
    (3, torch.conv_transpose3d),
):
    shape_rule(_op, raises=(RuntimeError,), reasons=REASONS)(_transposed_of(_n))


@shape_rule(torch.convolution, reasons=REASONS)
def convolution(
    path: Path,
    input: TensorSpec,
    weight: TensorSpec,
    bias: TensorSpec | None,
    stride: PerDim,
    padding: PerDim,
    dilation: PerDim,
    transposed: bool,
    output_padding: PerDim,
    groups: Size,
) -> TensorSpec:
    n = weight.ndim - 2
    if input.ndim != weight.ndim or n not in (1, 2, 3):
        raise NoRule("an unbatched or unusual convolution")
    if transposed:
        return conv_transpose(
            path, n, input, weight, bias, stride, padding, output_padding, groups, dilation
        )
    return convolve(path, n, input, weight, bias, stride, padding, dilation, groups)
