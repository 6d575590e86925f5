"""Layers with a weight per input element, and tables read by an index."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F

from archlint.ops.registry import IN_RANGE, NoRule, Path, TensorSpec, refuse, shape_rule
from archlint.ops.rules.counting import bins
from archlint.ops.shapes.claims import claim_dtype, claim_ndim, claim_same_sizes
from archlint.ops.shapes.strides import decide, empty
from archlint.ops.shapes.type_promotion import one_dtype
from archlint.ops.traits import Unchecked, declare_traits
from archlint.ops.values.tight_bounds import in_range
from archlint.symbolic import Size, product
from archlint.symbolic.formula import Bool, disj, eq, ge, lt, negate

_INDEX = (torch.int64, torch.int32)


def _same_dtype(path: Path, name: str, *tensors: TensorSpec | None) -> None:
    if not all(t.dtype.is_floating_point for t in tensors if t is not None):
        raise NoRule("a layer of whole-number dtypes")
    one_dtype(path, name, *tensors)


def _flops(result: TensorSpec, input: TensorSpec, weight: TensorSpec, bias: Any = None) -> Size:
    """Two for each weight and row."""
    return product((2, *input.dims[:-1], *weight.dims))


@shape_rule(
    F.linear,
    raises=(RuntimeError,),
    flops=_flops,
    reasons=(("in_features", "Linear has one weight per element"),),
)
def linear(
    path: Path, input: TensorSpec, weight: TensorSpec, bias: TensorSpec | None = None
) -> TensorSpec:
    _same_dtype(path, "input, weight and bias", input, weight, bias)
    if weight.ndim != 2 or (bias is not None and bias.ndim != 1):
        raise NoRule("linear with a weight that is not a matrix, or a bias not a vector")
    if not input.dims:
        refuse(path, "an input of at least 1 dimension, gets {}", 0)
    out_features, in_features = weight.dims
    size = input.dims[-1]
    path.claim(eq(in_features, size), "in_features {} == last size {}", in_features, size)
    if bias is not None:
        (given,) = bias.dims
        if given != out_features and given != 1:
            fits = disj(eq(given, out_features), eq(given, 1))
            path.claim(fits, "bias {} == out_features {}", given, out_features)
    return input.like((*input.dims[:-1], out_features))


@shape_rule(F.bilinear)
def bilinear(
    path: Path,
    input1: TensorSpec,
    input2: TensorSpec,
    weight: TensorSpec,
    bias: TensorSpec | None = None,
) -> TensorSpec:
    _same_dtype(path, "inputs, weight and bias", input1, input2, weight, bias)
    if weight.ndim != 3 or not input1.dims or (bias is not None and bias.ndim != 1):
        raise NoRule("an unusual bilinear")
    if input1.ndim != input2.ndim:
        refuse(
            path, "inputs of the same number of dimensions, get {} and {}", input1.ndim, input2.ndim
        )
    text = "batch size {} of input1 == batch size {} of input2"
    claim_same_sizes(path, input1.dims[:-1], input2.dims[:-1], text)
    out_features, in1, in2 = weight.dims
    for name, want, size in (("in1", in1, input1.dims[-1]), ("in2", in2, input2.dims[-1])):
        path.claim(eq(want, size), name + "_features {} == last size {}", want, size)
        path.claim(ge(size, 1), name + "_features {} > 0", size)
    if bias is not None:
        path.claim(
            eq(bias.dims[0], out_features), "bias {} == out_features {}", *bias.dims, out_features
        )
    return input1.like((*input1.dims[:-1], out_features))


def _rows(path: Path, indices: TensorSpec, rows: Size, what: str) -> None:
    """Claim that every index is in ``0..rows-1``; without indices there is no claim."""
    if indices.values is IN_RANGE:
        return
    low, high = indices.values if isinstance(indices.values, tuple) else (None, None)
    none: Bool = disj(*(eq(size, 0) for size in indices.dims))
    largest = f"largest index {{}} of {what} < rows {{}}"
    smallest = f"smallest index {{}} of {what} >= 0"
    in_range(path, indices, 1, lambda bound: disj(lt(bound, rows), none), largest, rows)
    in_range(path, indices, 0, lambda bound: disj(ge(bound, 0), none), smallest)
    if low is None or high is None:
        path.unproved(f"tensor values determine whether each index of {what} is in range")


@shape_rule(
    torch.embedding,
    unchecked=Unchecked.INDICES,
    reasons=(("index", "Embedding has one row per index"),),
)
def embedding_kernel(
    path: Path,
    weight: TensorSpec,
    indices: TensorSpec,
    padding_idx: int = -1,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> TensorSpec:
    claim_ndim(path, "a weight", weight, 2)
    claim_dtype(path, "indices", indices, *_INDEX)
    rows, width = weight.dims
    _rows(path, indices, rows, "the embedding")
    return weight.like((*indices.dims, width))


@shape_rule(
    F.embedding,
    unchecked=Unchecked.INDICES,
    reasons=(("index", "Embedding has one row per index"),),
)
def embedding(
    path: Path,
    input: TensorSpec,
    weight: TensorSpec,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> TensorSpec:
    if weight.ndim == 2 and padding_idx is not None:
        rows = weight.dims[0]
        inside = lt(padding_idx, rows) if padding_idx >= 0 else ge(rows, -padding_idx)
        if padding_idx:  # 0 is not looked at
            path.claim(inside, "padding_idx {} within rows {}", padding_idx, rows)
    return embedding_kernel(path, weight, input)


@shape_rule(
    F.embedding_bag,
    unchecked=Unchecked.INDICES,
    reasons=(("index", "embedding_bag has one row per index"),),
)
def embedding_bag(
    path: Path,
    input: TensorSpec,
    weight: TensorSpec,
    offsets: TensorSpec | None = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: TensorSpec | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> TensorSpec:
    if (
        input.ndim != 2
        or weight.ndim != 2
        or input.dtype not in _INDEX
        or offsets is not None
        or per_sample_weights is not None
        or max_norm is not None
        or padding_idx is not None
        or scale_grad_by_freq
        or sparse
        or mode not in ("mean", "sum", "max")
        or weight.dtype not in (torch.float32, torch.float64)
    ):
        raise NoRule("embedding_bag with offsets or settings")
    bags, length = input.dims
    path.claim(ge(length, 1), "a bag of {} > 0 indices", length)
    _rows(path, input, weight.dims[0], "the embedding")
    return weight.like((bags, weight.dims[1]))


@shape_rule(F.one_hot, unchecked=Unchecked.INDICES)
def one_hot(path: Path, tensor: TensorSpec, num_classes: Size = -1) -> TensorSpec:
    claim_dtype(path, "indices", tensor, torch.int64)
    if decide(path, eq(num_classes, -1)):
        path.claim(
            negate(empty(tensor.dims)),
            "at least one index, whose largest gives the number of classes",
        )
        classes = bins(path, "one_hot", tensor)
        return tensor.like((*tensor.dims, classes), values=(0, 1))
    path.claim(ge(num_classes, 1), "num_classes {} > 0", num_classes)
    _rows(path, tensor, num_classes, "one_hot")
    return tensor.like((*tensor.dims, num_classes), values=(0, 1))


declare_traits(
    *(torch.embedding_bag, torch._embedding_bag, torch._embedding_bag_forward_only),
    torch.embedding_renorm_,
    unchecked=Unchecked.INDICES,
)
