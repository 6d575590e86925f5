"""Normalizations: batch, group, instance, layer, RMS and local response."""

from __future__ import annotations

from functools import lru_cache
from itertools import chain

import torch
import torch.nn.functional as F

from archlint.ops.registry import NoRule, Path, TensorSpec, refuse, shape_rule
from archlint.ops.shapes.claims import claim_least_ndim, claim_ndim, claim_same_sizes
from archlint.ops.shapes.sliding_window import claim_positive, followed_layout
from archlint.ops.shapes.type_promotion import one_dtype
from archlint.ops.torch_versions import EMPTY_GROUPS, RMS_NORM_IN_ORDER
from archlint.symbolic import Size
from archlint.symbolic.formula import Bool, conj, disj, eq, ge, ne

_LOW = (torch.float16, torch.bfloat16)


def same_dtype(
    path: Path, input: TensorSpec, *others: TensorSpec | None, unless_empty: bool = False
) -> None:
    """Refuse parameters of another dtype than the input's, except float32 with low precision.

    With ``unless_empty`` an input without elements is accepted.
    """
    dtype = input.dtype
    if dtype.is_floating_point:
        for other in others:
            if other is not None and other.dtype is not dtype:
                break
        else:
            return
    dtypes = {o.dtype for o in others if o is not None}
    if not all(d.is_floating_point for d in (input.dtype, *dtypes)):
        raise NoRule("a normalization of whole-number dtypes")
    if input.dtype not in _LOW or dtypes != {torch.float32}:
        unless = unless_empty and _empty(path, input.dims)
        one_dtype(path, "input and parameters", input, *others, unless=unless)


def _empty(path: Path, dims: tuple[Size, ...]) -> Bool:
    """The formula that there are no elements, without sizes that cannot be 0 on this path."""
    zeros = (eq(size, 0) for size in dims)
    return disj(*(zero for zero in zeros if zero is not False and path.known(zero) is not False))


def _one_per_channel(
    path: Path, what: TensorSpec | None, name: str, channels: Size, unless: Bool = False
) -> None:
    if what is not None and what.dims != (channels,):
        numel = what.numel()
        path.claim(disj(eq(numel, channels), unless), name + " {} == channels {}", numel, channels)


def _affine(path: Path, what: TensorSpec | None, channels: Size, empty: Bool) -> None:
    _one_per_channel(path, what, "num_features", channels, empty)
    if what is not None and not (isinstance(channels, int) and channels):
        numel = what.numel()
        path.claim(ge(numel, 1), "num_features {} > 0", numel)


@shape_rule(torch.batch_norm, reasons=(("per channel", "one value has no variance"),))
def batch_norm_kernel(
    path: Path,
    input: TensorSpec,
    weight: TensorSpec | None,
    bias: TensorSpec | None,
    running_mean: TensorSpec | None,
    running_var: TensorSpec | None,
    training: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool,
) -> TensorSpec:
    parameters = (weight, bias, running_mean, running_var)
    same_dtype(path, input, *parameters, unless_empty=True)
    if input.ndim < 2 or (running_mean is None) != (running_var is None) or eps <= 0:
        raise NoRule("an unusual batch_norm")
    channels = input.dims[1]
    if running_mean is None and not training:
        empty = _empty(path, input.dims)
        path.claim(empty, "running_mean and running_var in evaluation mode")
    tensors = (running_mean, running_var, weight, bias)
    if (
        isinstance(channels, int)
        and channels
        and all(t is None or t.dims == (channels,) for t in tensors)
    ):
        return followed_layout(path, input, input.dims)
    empty = _empty(path, input.dims)
    _one_per_channel(path, running_mean, "num_features", channels, empty)
    _one_per_channel(path, running_var, "num_features", channels, empty)
    _affine(path, weight, channels, empty)
    _affine(path, bias, channels, empty)
    return followed_layout(path, input, input.dims)


@shape_rule(F.batch_norm, reasons=(("per channel", "one value has no variance"),))
def batch_norm(
    path: Path,
    input: TensorSpec,
    running_mean: TensorSpec | None,
    running_var: TensorSpec | None,
    weight: TensorSpec | None = None,
    bias: TensorSpec | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> TensorSpec:
    if training and input.ndim > 1:
        _more_than_one(path, (input.dims[0], *input.dims[2:]), "value per channel in training")
    return batch_norm_kernel(
        path, input, weight, bias, running_mean, running_var, training, momentum, eps, True
    )


@lru_cache(maxsize=4096)
def _not_one(size: Size) -> tuple[Bool, Bool, Bool]:
    """The formulas ``size >= 1``, ``size >= 2`` and ``size != 1``, cached."""
    return ge(size, 1), ge(size, 2), ne(size, 1)


def _more_than_one(path: Path, sizes: tuple[Size, ...], what: str) -> None:
    shown = " * ".join("{}" for _ in sizes) or "1"
    others = []
    for positive, more, other in map(_not_one, sizes):
        others.append(more if path.known(positive) else other)
    path.claim(disj(*others), f"more than 1 {what}, gets {shown}", *sizes)


_ALWAYS = "it normalizes by the variance of its input, in eval mode too"


@shape_rule(torch.group_norm)
def group_norm_kernel(
    path: Path,
    input: TensorSpec,
    num_groups: int,
    weight: TensorSpec | None = None,
    bias: TensorSpec | None = None,
    eps: float = 1e-5,
    cudnn_enabled: bool = True,
) -> TensorSpec:
    same_dtype(path, input, weight, bias)
    claim_least_ndim(path, "an input", input, 2)
    channels = input.dims[1]
    path.claim(ge(num_groups, 1), "num_groups {} > 0", num_groups)
    path.claim(
        eq(channels % num_groups, 0), "channels {} divisible by num_groups {}", channels, num_groups
    )
    for tensor in (weight, bias):
        if tensor is not None and tensor.ndim != 1:
            refuse(path, "a weight and bias of 1 dimension, get {}", tensor.ndim)
        _one_per_channel(path, tensor, "num_channels", channels)
    if not EMPTY_GROUPS:
        claim_positive(path, *input.dims[1:])
    return followed_layout(path, input, input.dims)


@shape_rule(F.group_norm, reasons=(("value per group", _ALWAYS),))
def group_norm(
    path: Path,
    input: TensorSpec,
    num_groups: int,
    weight: TensorSpec | None = None,
    bias: TensorSpec | None = None,
    eps: float = 1e-5,
) -> TensorSpec:
    if input.ndim >= 2:
        path.claim(ne(num_groups, 0), "num_groups {} > 0", num_groups)
        per_group = input.dims[0] * input.dims[1] // num_groups
        _more_than_one(path, (per_group, *input.dims[2:]), "value per group")
    return group_norm_kernel(path, input, num_groups, weight, bias, eps)


@shape_rule(torch.instance_norm)
def instance_norm_kernel(
    path: Path,
    input: TensorSpec,
    weight: TensorSpec | None,
    bias: TensorSpec | None,
    running_mean: TensorSpec | None,
    running_var: TensorSpec | None,
    use_input_stats: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool,
) -> TensorSpec:
    parameters = (weight, bias, running_mean, running_var)
    same_dtype(path, input, *parameters, unless_empty=True)
    if (running_mean is None) != (running_var is None) or eps <= 0:
        raise NoRule("an unusual instance_norm")
    if running_mean is None and not use_input_stats:
        refuse(path, "running_mean and running_var unless use_input_stats")
    claim_least_ndim(path, "an input", input, 2)
    batch, channels, *_ = input.dims
    empty = _empty(path, input.dims)
    unless = empty
    if use_input_stats:  # new statistics are written over the old, which may broadcast
        unless = conj(eq(batch, 0), eq(channels, 1))
    elif empty is not False and any(
        s and s.numel() != channels for s in (running_mean, running_var)
    ):
        raise NoRule("whether an empty instance_norm compares its statistics")
    _one_per_channel(path, running_mean, "num_features", channels, unless)
    _one_per_channel(path, running_var, "num_features", channels, unless)
    _affine(path, weight, channels, empty)
    _affine(path, bias, channels, empty)
    if (weight or bias) is not None:
        path.claim(ge(batch, 1), "a batch {} > 0 for weight and bias", batch)
    return input.like(input.dims)


@shape_rule(F.instance_norm, reasons=(("spatial element", _ALWAYS),))
def instance_norm(
    path: Path,
    input: TensorSpec,
    running_mean: TensorSpec | None = None,
    running_var: TensorSpec | None = None,
    weight: TensorSpec | None = None,
    bias: TensorSpec | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> TensorSpec:
    if use_input_stats:
        _more_than_one(path, input.dims[2:], "spatial element")
    return instance_norm_kernel(
        path, input, weight, bias, running_mean, running_var, use_input_stats, momentum, eps, True
    )


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
        claim_ndim(path, f"a {what}", tensor, n)
        claim_same_sizes(
            path, tensor.dims, tuple(normalized_shape), what + " {} == normalized_shape {}"
        )
    claim_least_ndim(path, "an input", input, n)
    wanted = [t.dims for t in affine if t is not None] or [tuple(normalized_shape)]
    pairs = (zip(input.dims[input.ndim - n :], dims, strict=True) for dims in wanted)
    for size, want in chain.from_iterable(pairs):
        path.claim(eq(size, want), "normalized_shape {} == size {}", want, size)


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
        raise NoRule("a normalization of mixed or whole-number dtypes")
    if input.strides is not None and not RMS_NORM_IN_ORDER:
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
    claim_least_ndim(path, "an input", input, 3)
    path.claim(disj(ge(size, 1), *(eq(d, 0) for d in input.dims)), "size {} > 0", size)
    return input.like(input.dims)
