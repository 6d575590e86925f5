"""Moving pixels between channels and space, and channels among themselves."""

from __future__ import annotations

import torch

from archlint.ops.registry import NoRule, Path, TensorSpec, shape_rule
from archlint.ops.shapes.claims import claim_least_ndim
from archlint.ops.shapes.sliding_window import followed_layout
from archlint.ops.shapes.strides import decide, empty
from archlint.ops.traits import View
from archlint.symbolic.formula import eq, gt


def _layout_known(input: TensorSpec) -> None:
    if input.strides is not None and input.ndim != 4:
        raise NoRule("a strided input of other than 4 dimensions")


@shape_rule(torch.pixel_shuffle, raises=(RuntimeError,))
def pixel_shuffle(path: Path, input: TensorSpec, upscale_factor: int) -> TensorSpec:
    r = upscale_factor
    claim_least_ndim(path, "an input", input, 3)
    path.claim(gt(r, 0), "upscale_factor {} > 0", r)
    _layout_known(input)
    *batch, c, h, w = input.dims
    path.claim(eq(c % (r * r), 0), "channels {} divisible by upscale_factor**2 = {}", c, r * r)
    return followed_layout(path, input, (*batch, c // (r * r), h * r, w * r))


@shape_rule(torch.pixel_unshuffle, raises=(RuntimeError,))
def pixel_unshuffle(path: Path, input: TensorSpec, downscale_factor: int) -> TensorSpec:
    r = downscale_factor
    claim_least_ndim(path, "an input", input, 3)
    path.claim(gt(r, 0), "downscale_factor {} > 0", r)
    _layout_known(input)
    *batch, c, h, w = input.dims
    for name, size in (("height", h), ("width", w)):
        path.claim(eq(size % r, 0), name + " {} divisible by downscale_factor {}", size, r)
    if decide(path, empty(input.dims)):  # the CPU kernel returns a tensor without elements as it is
        return input.like(input.dims)
    return followed_layout(path, input, (*batch, c * (r * r), h // r, w // r))


@shape_rule(torch.channel_shuffle, view=View.UNKNOWN)
def channel_shuffle(path: Path, input: TensorSpec, groups: int) -> TensorSpec:
    claim_least_ndim(path, "an input", input, 3)
    path.claim(gt(groups, 0), "groups {} > 0", groups)
    _layout_known(input)
    channels = input.dims[1]
    path.claim(eq(channels % groups, 0), "channels {} divisible by groups {}", channels, groups)
    return followed_layout(path, input, input.dims)
