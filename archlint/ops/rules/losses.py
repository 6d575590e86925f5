"""Losses of class indices: cross_entropy, nll_loss, ctc_loss. Other losses run as kernels.

The sizes and checks are those of ``aten/src/ATen/native/LossNLL.cpp`` and ``LossNLL2d.cpp``.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch

from archlint.ops.aliases import spellings
from archlint.ops.registry import IN_RANGE, NoRule, Path, TensorSpec, shape_rule
from archlint.ops.rules.indexing import within
from archlint.ops.shapes.claims import claim_most_ndim, claim_ndim, claim_same_sizes, dtype_name
from archlint.ops.shapes.strides import empty
from archlint.ops.shapes.type_promotion import FLOATING
from archlint.ops.traits import Unchecked, declare_traits
from archlint.ops.values.int_ranges import range_of
from archlint.symbolic import Size, maximum, minimum
from archlint.symbolic.formula import conj, eq, ge, gt, le

NONE = 0  # the number of reduction="none"
_DTYPES = (torch.float32, torch.float64)


def _claim_classes(path: Path, target: TensorSpec, classes: Size, ignored: int) -> None:
    """Claim that the class indices are in range, but for the index that is ignored."""
    values = target.values
    if isinstance(values, tuple):
        low, high = values
        if low == ignored and high == ignored:
            return
        # The other elements are integers between the bound that is ignored and the other one.
        if low == ignored:
            low = ignored + 1 if path.known(ge(ignored + 1, 0)) is True else None
        if high == ignored:
            high = ignored - 1 if path.known(le(ignored, classes)) is True else None
        loose = target.loose or None in (low, high)
        target = target.like(target.dims, values=(low, high))
        target.loose = loose
    elif values is IN_RANGE:
        return
    within(path, target, classes, 0, unread=empty(target.dims))


def _claim_weight(path: Path, weight: TensorSpec | None, classes: Size) -> None:
    if weight is None:
        return
    claim_ndim(path, "a weight", weight, 1)
    path.claim(eq(weight.dims[0], classes), "weight size {} == classes {}", weight.dims[0], classes)


def _plain(input: TensorSpec, target: TensorSpec) -> None:
    """Other dtypes are left to the kernels."""
    if input.dtype not in _DTYPES or target.dtype is not torch.int64:
        raise NoRule(f"{input.dtype} and {target.dtype}")


def _result(input: TensorSpec, dims: tuple[Size, ...], reduction: int) -> TensorSpec:
    return input.like(dims if reduction == NONE else ())


@shape_rule(*spellings("nll_loss_nd"), unchecked=Unchecked.INDICES)
def nll_loss_nd(
    path: Path,
    input: TensorSpec,
    target: TensorSpec,
    weight: TensorSpec | None = None,
    reduction: int = 1,
    ignore_index: int = -100,
) -> TensorSpec:
    """``input``: (C), (N, C) or (N, C, …); ``target``: the same without C."""
    _plain(input, target)
    dims: tuple[Size, ...]
    path.claim(input.ndim > 0, "an input of 1 or more dimensions, gets {}", input.ndim)
    if input.ndim == 1:
        if target.ndim:
            raise NoRule("one row of scores with a vector of targets")
        classes, dims = input.dims[0], ()
    else:
        classes, dims = input.dims[1], (input.dims[0], *input.dims[2:])
        if input.ndim == 2 and target.ndim == 0:
            raise NoRule("a matrix of scores with one target")
        claim_ndim(path, "a target", target, len(dims))
        claim_same_sizes(path, target.dims, dims, "target size {} == input size {}")
    _claim_weight(path, weight, classes)
    if path.branch(eq(classes, 0)):
        raise NoRule("no classes")
    _claim_classes(path, target, classes, ignore_index)
    return _result(input, dims, reduction)


@shape_rule(*spellings("cross_entropy_loss"), unchecked=Unchecked.INDICES)
def cross_entropy_loss(
    path: Path,
    input: TensorSpec,
    target: TensorSpec,
    weight: TensorSpec | None = None,
    reduction: int = 1,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
) -> TensorSpec:
    """A target of the sizes of ``input`` has class probabilities, any other class indices."""
    if not 0 <= label_smoothing <= 1:
        raise NoRule(f"label_smoothing={label_smoothing}")
    pairs = zip(input.dims, target.dims, strict=False)
    if input.ndim == target.ndim and path.branch(conj(*(eq(a, b) for a, b in pairs))):
        return _of_probabilities(path, input, target, weight, reduction, ignore_index)
    return nll_loss_nd(path, input, target, weight, reduction, ignore_index)


def _of_probabilities(
    path: Path,
    input: TensorSpec,
    target: TensorSpec,
    weight: TensorSpec | None,
    reduction: int,
    ignore_index: int,
) -> TensorSpec:
    name = dtype_name(target.dtype)
    path.claim(target.dtype in FLOATING, f"probabilities of a floating dtype, gets {name}")
    path.claim(ignore_index < 0, "no ignore_index with class probabilities, gets {}", ignore_index)
    if target.dtype is not input.dtype or not input.ndim:
        raise NoRule(f"{input.dtype} and {target.dtype}")
    at = 0 if input.ndim == 1 else 1
    _claim_weight(path, weight, input.dims[at])
    return _result(input, (*input.dims[:at], *input.dims[at + 1 :]), reduction)


@shape_rule(torch._C._nn.multi_margin_loss, unchecked=Unchecked.INDICES)
def multi_margin_loss(
    path: Path,
    input: TensorSpec,
    target: TensorSpec,
    p: float = 1,
    margin: float = 1,
    weight: TensorSpec | None = None,
    reduction: int = 1,
) -> TensorSpec:
    """``input``: (C) or (N, C); ``target``: () or (N)."""
    _plain(input, target)
    if not input.ndim or weight is not None:
        raise NoRule("weights, or a scalar")
    path.claim(p in (1, 2), f"p of 1 or 2, gets {p}")
    path.claim(input.ndim <= 2, "an input of 1 or 2 dimensions, gets {}", input.ndim)
    classes = input.dims[-1]
    rows = input.dims[0] if input.ndim == 2 else 1
    path.claim(ge(classes, 1), "a number of classes {} > 0", classes)
    claim_most_ndim(path, "a target", target, 1)
    count = target.numel()
    path.claim(eq(count, rows), "number of targets {} == input rows {}", count, rows)
    within(path, target, classes, 0, unread=empty(target.dims))
    return _result(input, target.dims, reduction)


@shape_rule(torch.ctc_loss, unchecked=Unchecked.INDICES)
def ctc_loss(
    path: Path,
    log_probs: TensorSpec,
    targets: TensorSpec,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: int = NONE,
    zero_infinity: bool = False,
) -> TensorSpec:
    """``log_probs``: (T, N, C) or (T, C); ``targets``: (N, S), (S) or all targets in a row.

    The CPU's checks (``aten/src/ATen/native/LossCTC.cpp``) do not cover the targets themselves.
    ``reduction`` is "none" by default where Python calls it, though the schema says "mean".
    """
    if log_probs.dtype not in _DTYPES or targets.dtype.is_floating_point or not targets.ndim:
        raise NoRule(f"{log_probs.dtype} and {targets.dtype}")
    claim_ndim(path, "log_probs", log_probs, 2, 3)
    steps, *batch, classes = log_probs.dims
    count = batch[0] if batch else 1
    for size in log_probs.dims:
        path.claim(ge(size, 1), "log_probs with a size {} > 0", size)
    path.claim(conj(ge(blank, 0), gt(classes, blank)), "blank {} among {} classes", blank, classes)
    lengths = []
    for name, given in (("input_lengths", input_lengths), ("target_lengths", target_lengths)):
        values = _lengths(given)
        number = given.numel() if values is None else values.number
        path.claim(eq(number, count), f"number of {name} {{}} == batch {{}}", number, count)
        if values is None:
            path.unproved(f"tensor values determine whether {name} are in range")
        else:
            path.claim(ge(values.least, 0), f"{name} of at least 0, gets {{}}", values.least)
        lengths.append(values)
    inputs, labels = lengths
    if inputs is not None:
        path.claim(le(inputs.most, steps), "input_lengths {} <= {} steps", inputs.most, steps)
    path.claim(targets.ndim <= 2, "targets of 1 or 2 dimensions, gets {}", targets.ndim)
    size = targets.dims[-1]
    if targets.ndim == 2:
        path.claim(
            eq(targets.dims[0], count), "rows of targets {} == batch {}", targets.dims[0], count
        )
        if labels is not None:
            path.claim(
                ge(size, labels.most),
                "targets {} in a row >= largest target length {}",
                size,
                labels.most,
            )
    elif labels is not None:  # those of all samples, one after another
        path.claim(
            eq(size, labels.total),
            "number of targets {} == sum of target_lengths {}",
            size,
            labels.total,
        )
    return _result(log_probs, tuple(batch), reduction)


class _Lengths(NamedTuple):
    number: Size
    least: Size
    most: Size
    total: Size


def _lengths(given: Any) -> _Lengths | None:
    """The lengths in a list, or in a tensor of equal ones; ``None`` if a tensor's are not known."""
    if isinstance(given, TensorSpec):
        if given.dtype.is_floating_point or given.dtype is torch.bool:
            raise NoRule(f"lengths of {given.dtype}")
        low, high = range_of(given)
        if low is None or low != high:
            return None
        return _Lengths(given.numel(), low, low, low * given.numel())
    if not isinstance(given, (list, tuple)) or not given:
        raise NoRule("lengths that are not a list")
    return _Lengths(len(given), minimum(*given), maximum(*given), sum(given))


declare_traits(
    *spellings("nll_loss", "nll_loss2d", "multilabel_margin_loss"),
    *spellings("_ctc_loss", "_cudnn_ctc_loss", "miopen_ctc_loss"),
    unchecked=Unchecked.INDICES,
)
