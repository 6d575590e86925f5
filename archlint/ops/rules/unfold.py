"""Windows laid out as a dimension: ``F.unfold``, ``F.fold`` and ``Tensor.unfold``."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from archlint.ops.registry import NoRule, Path, TensorSpec, refuse, shape_rule
from archlint.ops.shapes.claims import claim_ndim
from archlint.ops.shapes.sliding_window import PerDim, claim_positive, integers, window
from archlint.ops.shapes.strides import Strides, restrided
from archlint.ops.traits import Bounds, View
from archlint.symbolic import Size
from archlint.symbolic.formula import conj, eq, ge, gt


def _pair(path: Path, value: PerDim, name: str) -> tuple[Size, Size]:
    if not isinstance(value, (list, tuple)):
        return value, value
    if len(value) != 2:
        refuse(path, name + " of 2 numbers, gets {}", len(value))
    return value[0], value[1]


def _positions(
    path: Path,
    space: tuple[Size, Size],
    kernel: tuple[Size, Size],
    dilation: PerDim,
    padding: PerDim,
    stride: PerDim,
) -> tuple[Size, Size]:
    dilations = integers(_pair(path, dilation, "dilation"))
    paddings = integers(_pair(path, padding, "padding"))
    strides = integers(_pair(path, stride, "stride"))
    path.claim(min(paddings) >= 0, "padding {} >= 0", min(paddings))
    path.claim(min(strides) > 0, "stride {} > 0", min(strides))
    path.claim(min(dilations) > 0, "dilation {} > 0", min(dilations))
    out = []
    for size, k, s, p, d in zip(space, kernel, strides, paddings, dilations, strict=True):
        path.claim(gt(k, 0), "kernel_size {} > 0", k)
        positions, padded, fits = window(size, k, s, p, d)
        path.claim(fits, "kernel_size {} <= padded size {}", k, padded)
        out.append(positions)
    return out[0], out[1]


def _dtype_known(input: TensorSpec) -> None:
    if not (input.dtype.is_floating_point or input.dtype == torch.bool):
        raise NoRule(f"unfold or fold of {input.dtype}")


@shape_rule(F.unfold, torch._C._nn.im2col, bounds=Bounds.PART, raises=(RuntimeError,))
def unfold(
    path: Path,
    input: TensorSpec,
    kernel_size: PerDim,
    dilation: PerDim = 1,
    padding: PerDim = 0,
    stride: PerDim = 1,
) -> TensorSpec:
    _dtype_known(input)
    claim_ndim(path, "an input", input, 3, 4)
    *batch, channels, h, w = input.dims
    claim_positive(path, channels, h, w)
    kernel = _pair(path, kernel_size, "kernel_size")
    rows, columns = _positions(path, (h, w), kernel, dilation, padding, stride)
    return input.like((*batch, channels * kernel[0] * kernel[1], rows * columns))


@shape_rule(F.fold, torch._C._nn.col2im)
def fold(
    path: Path,
    input: TensorSpec,
    output_size: PerDim,
    kernel_size: PerDim,
    dilation: PerDim = 1,
    padding: PerDim = 0,
    stride: PerDim = 1,
) -> TensorSpec:
    _dtype_known(input)
    claim_ndim(path, "an input", input, 2, 3)
    *batch, channels, length = input.dims
    claim_positive(path, channels, length)
    space = _pair(path, output_size, "output_size")
    kernel = _pair(path, kernel_size, "kernel_size")
    area = kernel[0] * kernel[1]
    rows, columns = _positions(path, space, kernel, dilation, padding, stride)
    text = "channels {} divisible by {}, the product of kernel_size"
    path.claim(eq(channels % area, 0), text, channels, area)
    path.claim(eq(length, rows * columns), "number of blocks {} == {}*{}", length, rows, columns)
    positive = conj(ge(space[0], 1), ge(space[1], 1))
    path.claim(positive, "output_size {} x {} > 0", *space)
    return input.like((*batch, channels // area, *space))


@shape_rule(torch.Tensor.unfold, view=View.UNKNOWN, bounds=Bounds.PART, raises=(RuntimeError,))
def unfold_dimension(
    path: Path, input: TensorSpec, dimension: int, size: Size, step: Size
) -> TensorSpec:
    rank = max(input.ndim, 1)
    inside = -rank <= dimension < rank
    path.claim(inside, f"dimension {{}} in {-rank}..{rank - 1}", dimension)
    axis = dimension % rank
    length = input.dims[axis] if input.dims else 1
    path.claim(ge(size, 0), "size {} >= 0", size)
    path.claim(ge(length, size), "size {} <= size {} of the dimension", size, length)
    path.claim(gt(step, 0), "step {} > 0", step)
    if not input.dims:
        return input.like((size,), values=input.values)

    def restride(strides: Strides) -> Strides:
        return (*strides[:axis], strides[axis] * step, *strides[axis + 1 :], strides[axis])

    windows = (length - size) // step + 1
    return restrided(input, (*input.dims[:axis], windows, *input.dims[axis + 1 :], size), restride)
