"""Moving pixels between channels and space."""

from __future__ import annotations

import torch

from archlint.formula import eq, gt
from archlint.ops.registry import Path, TensorSpec, shape_rule


@shape_rule(torch.pixel_shuffle)
def pixel_shuffle(path: Path, input: TensorSpec, upscale_factor: int) -> TensorSpec:
    r = upscale_factor
    path.claim(input.ndim >= 3, "an input of at least 3 dimensions, gets {}", input.ndim)
    path.claim(gt(r, 0), "upscale_factor {} > 0", r)
    *batch, c, h, w = input.dims
    path.claim(eq(c % (r * r), 0), "channels {} divisible by upscale_factor**2 = {}", c, r * r)
    return input.like((*batch, c // (r * r), h * r, w * r))


@shape_rule(torch.pixel_unshuffle)
def pixel_unshuffle(path: Path, input: TensorSpec, downscale_factor: int) -> TensorSpec:
    r = downscale_factor
    path.claim(input.ndim >= 3, "an input of at least 3 dimensions, gets {}", input.ndim)
    path.claim(gt(r, 0), "downscale_factor {} > 0", r)
    *batch, c, h, w = input.dims
    for name, size in (("height", h), ("width", w)):
        path.claim(eq(size % r, 0), name + " {} divisible by downscale_factor {}", size, r)
    return input.like((*batch, c * (r * r), h // r, w // r))
