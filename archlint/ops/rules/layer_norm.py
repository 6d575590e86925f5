"""Normalisations over the last dimensions, or over neighbours: layer, RMS, local response."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from archlint.ops.registry import NoRule, Path, TensorSpec, refuse, shape_rule
from archlint.ops.rules.batch_norm import same_dtype
from archlint.ops.shapes.sliding_window import followed_layout
from archlint.symbolic import Size
from archlint.symbolic.formula import disj, eq, ge


def _normalized(
    path: Path,
    input: TensorSpec,
    normalized_shape: list[Size] | tuple[Size, ...],
    *affine: TensorSpec | None,
) -> None:
    if not isinstance(normalized_shape, (list, tuple)) or not normalized_shape:
        refuse(path, "a normalized_shape of at least one size")
    n = len(normalized_shape)
    for what, tensor in zip(("weight", "bias"), affine, strict=False):
        if tensor is None:
            continue
        if tensor.ndim != n:
            refuse(path, f"a {what} of {n} dimensions, gets {{}}", tensor.ndim)
        for size, want in zip(tensor.dims, normalized_shape, strict=True):
            path.claim(eq(size, want), what + " {} == normalized_shape {}", size, want)
    if input.ndim < n:
        refuse(path, f"an input of at least {n} dimensions, gets {{}}", input.ndim)
    for size, want in zip(input.dims[input.ndim - n :], normalized_shape, strict=True):
        path.claim(eq(size, want), "normalized_shape {} == size {}", want, size)


def _rms_norm_in_order() -> bool:
    strided = torch.empty(2, 3, 4, device="cpu").permute(0, 2, 1)
    return torch.rms_norm(strided, (3,)).is_contiguous()


# Measured, once: PyTorch 2.6 keeps the order of any strides, 2.15 that of channels-last only.
_RMS_NORM_IN_ORDER = _rms_norm_in_order()


@shape_rule(
    F.layer_norm,
    torch.layer_norm,
    reasons=(("normalized_shape", "LayerNorm has one weight per element"),),
)
def layer_norm(
    path: Path,
    input: TensorSpec,
    normalized_shape: list[Size] | tuple[Size, ...],
    weight: TensorSpec | None = None,
    bias: TensorSpec | None = None,
    eps: float = 1e-5,
    cudnn_enable: bool = True,
) -> TensorSpec:
    same_dtype(path, input, weight, bias)
    _normalized(path, input, normalized_shape, weight, bias)
    return input.like(input.dims)


@shape_rule(F.rms_norm, torch.rms_norm)
def rms_norm(
    path: Path,
    input: TensorSpec,
    normalized_shape: list[Size] | tuple[Size, ...],
    weight: TensorSpec | None = None,
    eps: float | None = None,
) -> TensorSpec:
    if not input.dtype.is_floating_point or (weight is not None and weight.dtype != input.dtype):
        raise NoRule("a normalisation of mixed or whole-number dtypes")
    if input.strides is not None and not _RMS_NORM_IN_ORDER:
        raise NoRule("the layout of rms_norm's result")
    _normalized(path, input, normalized_shape, weight)
    return followed_layout(path, input, input.dims)


@shape_rule(F.local_response_norm)
def local_response_norm(
    path: Path,
    input: TensorSpec,
    size: int,
    alpha: float = 1e-4,
    beta: float = 0.75,
    k: float = 1.0,
) -> TensorSpec:
    if input.strides is not None or input.dtype not in (torch.float32, torch.float64):
        raise NoRule("local_response_norm of a strided or unusual input")
    if input.ndim < 3:
        refuse(path, "an input of at least 3 dimensions, gets {}", input.ndim)
    path.claim(disj(ge(size, 1), *(eq(d, 0) for d in input.dims)), "size {} > 0", size)
    return input.like(input.dims)
