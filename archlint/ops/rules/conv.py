"""Convolutions and transposed convolutions of one to three dimensions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch

from archlint.ops.registry import NoRule, Path, TensorSpec, refuse, shape_rule
from archlint.ops.shapes.claims import claim_ndim
from archlint.ops.shapes.sliding_window import (
    PerDim,
    claim_positive,
    followed_layout,
    integers,
    per_dim,
    window,
)
from archlint.ops.shapes.strides import decide
from archlint.symbolic import Size, product
from archlint.symbolic.formula import conj, disj, eq, ge, lt


def _windows(
    path: Path,
    space: tuple[Size, ...],
    kernel: tuple[Size, ...],
    stride: tuple[int, ...],
    padding: tuple[int, ...],
    dilation: tuple[int, ...],
) -> tuple[Size, ...]:
    out = []
    for size, k, s, p, d in zip(space, kernel, stride, padding, dilation, strict=True):
        positions, padded, fits = window(size, k, s, p, d)
        if fits is not True:
            text = "kernel_size {} <= padded size {}"
            if d != 1:
                text = f"kernel_size {{}} with dilation {d} to fit the padded size {{}}"
            path.claim(fits, text, k, padded)
        out.append(positions)
    return tuple(out)


def same_dtype(input: TensorSpec, weight: TensorSpec, bias: TensorSpec | None) -> None:
    same = input.dtype == weight.dtype and (bias is None or bias.dtype == input.dtype)
    if not same or not input.dtype.is_floating_point:
        raise NoRule("a convolution of mixed or whole-number dtypes")


def window_settings(
    path: Path, n: int, stride: PerDim, padding: PerDim, dilation: PerDim
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    strides = integers(per_dim(path, stride, n, "stride"))
    paddings = integers(per_dim(path, padding, n, "padding"))
    dilations = integers(per_dim(path, dilation, n, "dilation"))
    if min(paddings) < 0:
        refuse(path, "padding {} >= 0", min(paddings))
    if min(strides) < 1:
        refuse(path, "stride {} > 0", min(strides))
    if min(dilations) < 0:
        refuse(path, "dilation {} > 0", min(dilations))
    if min(dilations) < 1:
        raise NoRule("a convolution with a dilation of 0, which some kernels accept")
    return strides, paddings, dilations


def batched_dims(path: Path, n: int, input: TensorSpec, weight: TensorSpec) -> tuple[Size, ...]:
    """N, C and the spatial sizes; N is 1 for an unbatched input."""
    claim_ndim(path, "an input", input, n + 1, n + 2)
    claim_ndim(path, "a weight", weight, n + 2)
    return input.dims if input.ndim == n + 2 else (1, *input.dims)


def claim_bias(path: Path, bias: TensorSpec | None, out_channels: Size) -> None:
    if bias is None:
        return
    claim_ndim(path, "a bias", bias, 1)
    path.claim(
        eq(bias.dims[0], out_channels), "bias {} == out_channels {}", *bias.dims, out_channels
    )


def convolved(
    path: Path, input: TensorSpec, weight: TensorSpec, dims: tuple[Size, ...]
) -> TensorSpec:
    """Channels-last if the input or the weight is; an unbatched input makes no batch."""
    if input.ndim < weight.ndim:
        return input.like(dims[1:])
    # The CPU kernels for one dimension, and those for three in float64, know channels-first only.
    if len(dims) == 3 or (len(dims) == 5 and input.dtype == torch.float64):
        return input.like(dims)
    return followed_layout(path, input, dims, weight)


def convolve(
    path: Path,
    n: int,
    input: TensorSpec,
    weight: TensorSpec,
    bias: TensorSpec | None,
    stride: PerDim,
    padding: PerDim | str,
    dilation: PerDim,
    groups: Size,
) -> TensorSpec:
    batch, channels, *rest = batched_dims(path, n, input, weight)
    space = tuple(rest)
    same_dtype(input, weight, bias)
    same = padding == "same"
    if isinstance(padding, str):
        if padding not in ("same", "valid"):
            refuse(path, "padding 'same' or 'valid'")
        padding = 0
    strides, paddings, dilations = window_settings(path, n, stride, padding, dilation)
    if same and max(strides) != 1:
        refuse(path, "stride {} == 1 with padding 'same'", max(strides))
    out_channels, per_group, *kernel_sizes = weight.dims
    kernel = tuple(kernel_sizes)
    claim_groups(path, groups, out_channels, "out_channels")
    path.claim(
        eq(channels, per_group * groups),
        "in_channels {} == channels {}",
        per_group * groups,
        channels,
    )
    claim_bias(path, bias, out_channels)
    _nonempty_kernel(path, kernel)
    if same:
        for size in space:
            path.claim(ge(size, 1), "a size {} > 0", size)
        out = space
    else:
        out = _windows(path, space, kernel, strides, paddings, dilations)
        for size, k, p, d in zip(space, kernel, paddings, dilations, strict=True):
            # Padding alone can make room for the kernel; the kernel still wants elements.
            if ge(2 * p, d * (k - 1) + 1) is not False:
                if path.known(ge(size, 1)):
                    continue
                needs = disj(ge(size, 1), eq(batch, 0), eq(channels, 0))
                path.claim(needs, "a size {} > 0", size)
    if per_group == 0 or (not isinstance(per_group, int) and path.branch(eq(per_group, 0))):
        out_channels = 0  # PyTorch answers a convolution without inputs by one without outputs
    return convolved(path, input, weight, (batch, out_channels, *out))


def _nonempty_kernel(path: Path, sizes: Iterable[Size]) -> None:
    if any(decide(path, lt(size, 1)) for size in sizes):
        raise NoRule("a kernel without elements")


def claim_groups(path: Path, groups: Size, weight_channels: Size, name: str) -> None:
    if groups == 1:
        path.claim(ge(weight_channels, 1), name + " {} >= 1", weight_channels)
        return
    path.claim(ge(groups, 1), "groups {} > 0", groups)
    path.claim(
        conj(ge(weight_channels, groups), eq(weight_channels % groups, 0)),
        name + " {} divisible by groups {}",
        weight_channels,
        groups,
    )


def _convolution_of(n: int) -> Callable[..., TensorSpec]:
    def conv(
        path: Path,
        input: TensorSpec,
        weight: TensorSpec,
        bias: TensorSpec | None = None,
        stride: PerDim = 1,
        padding: PerDim | str = 0,
        dilation: PerDim = 1,
        groups: Size = 1,
    ) -> TensorSpec:
        return convolve(path, n, input, weight, bias, stride, padding, dilation, groups)

    return conv


REASONS = (
    ("kernel_size", "no window of the kernel fits"),
    ("in_channels", "a kernel has weights for each channel"),
)


def flops(result: TensorSpec, input: TensorSpec, weight: TensorSpec, *_: Any, **__: Any) -> Size:
    """Two for each weight and position of the window, whatever the padding and the groups."""
    n = weight.ndim - 2
    batch = input.dims[0] if input.ndim > n + 1 else 1
    return product((2, batch, *weight.dims, *result.dims[-n:]))


def transposed_flops(
    result: TensorSpec, input: TensorSpec, weight: TensorSpec, *_: Any, **__: Any
) -> Size:
    """Two for each weight and position of the input."""
    return flops(input, input, weight)


def _of_real_parts(count: Callable[..., Size]) -> Callable[..., Size]:
    """A convolution of complex numbers is made of three convolutions of real ones."""

    def counted(result: TensorSpec, *args: Any, **named: Any) -> Size:
        return count(result, *args, **named) * (3 if result.dtype.is_complex else 1)

    return counted


for _n, _conv in ((1, torch.conv1d), (2, torch.conv2d), (3, torch.conv3d)):
    rule = shape_rule(
        _conv, raises=(RuntimeError,), reasons=REASONS, flops=_of_real_parts(flops), slides=True
    )
    rule(_convolution_of(_n))


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
                path.unproved(
                    "whether a transposed convolution may return no elements depends on the device"
                )
        out.append(wide)
    _nonempty_kernel(path, (per_group, *kernel))
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
    rule = shape_rule(
        _op,
        raises=(RuntimeError,),
        reasons=REASONS,
        flops=_of_real_parts(transposed_flops),
        slides=True,
    )
    rule(_transposed_of(_n))


def _convolution_flops(
    result: TensorSpec, input: TensorSpec, weight: TensorSpec, *settings: Any, **named: Any
) -> Size:
    transposed = named["transposed"] if "transposed" in named else settings[4]
    return (transposed_flops if transposed else flops)(result, input, weight)


@shape_rule(torch.convolution, reasons=REASONS, flops=_convolution_flops, slides=True)
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
