"""How often each integer occurs, in as many bins as the largest one needs."""

from __future__ import annotations

import torch

from archlint.ops.aliases import spellings
from archlint.ops.registry import IN_RANGE, NoRule, Path, TensorSpec, shape_rule
from archlint.ops.shapes.claims import claim_ndim
from archlint.ops.shapes.strides import empty
from archlint.ops.traits import Bounds, Unchecked
from archlint.ops.values.tight_bounds import in_range
from archlint.symbolic import Size, maximum
from archlint.symbolic.formula import eq, ge

_INTEGERS = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8)


def bins(path: Path, name: str, input: TensorSpec, least: Size = 1) -> Size:
    """One more than the largest element of a tensor that is not empty; ``least`` if that is more.

    Claims that no element is negative.
    """
    values = input.values if isinstance(input.values, tuple) else (None, None)
    in_range(path, input, 0, lambda low: ge(low, 0), "smallest element {} >= 0")
    low, high = values
    if low is None and input.values is not IN_RANGE:
        path.unproved(f"tensor values determine whether the elements of {name} are at least 0")
    if high is None:
        return path.unknown(name, least)
    if not input.loose or (low is not None and low == high):
        return maximum(high + 1, least)
    return path.unknown(
        name, least if low is None else maximum(low + 1, least), maximum(high + 1, least)
    )


@shape_rule(*spellings("bincount"), bounds=Bounds.UNKNOWN, unchecked=Unchecked.INDICES)
def bincount(
    path: Path, input: TensorSpec, weights: TensorSpec | None = None, minlength: Size = 0
) -> TensorSpec:
    if input.dtype not in _INTEGERS:
        raise NoRule(f"bincount of {input.dtype}")
    path.claim(ge(minlength, 0), "minlength {} >= 0", minlength)
    claim_ndim(path, "an input", input, 1)
    (count,) = input.dims
    if path.branch(empty(input.dims)):
        if weights is not None:
            raise NoRule("weights of no elements")
        return input.like((minlength,), torch.int64, values=(0, 0))
    dtype = torch.int64
    if weights is not None:
        claim_ndim(path, "weights", weights, 1)
        path.claim(
            eq(weights.dims[0], count), "as many weights {} as elements {}", weights.dims[0], count
        )
        dtype = torch.float32 if weights.dtype is torch.float32 else torch.float64
    values = (0, count) if weights is None else None
    return input.like((bins(path, "bincount", input, maximum(minlength, 1)),), dtype, values=values)
