"""Between which boundaries values lie: ``searchsorted`` and ``bucketize``.

The checks are those of ``aten/src/ATen/native/BucketizationUtils.h``.
"""

from __future__ import annotations

from typing import Any

import torch

from archlint.ops.aliases import spellings
from archlint.ops.registry import NoRule, Path, TensorSpec, shape_rule
from archlint.ops.shapes.claims import claim_ndim, claim_same_sizes
from archlint.ops.shapes.type_promotion import REAL
from archlint.ops.traits import Bounds


@shape_rule(*spellings("searchsorted"), bounds=Bounds.UNKNOWN)
def searchsorted(
    path: Path,
    sorted_sequence: TensorSpec,
    input: Any,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: Any = None,
) -> TensorSpec:
    if sorter is not None or side is not None:
        raise NoRule("searchsorted with a sorter or a side")
    if not isinstance(input, TensorSpec) or input.dtype is not sorted_sequence.dtype:
        raise NoRule("searchsorted of a number, or of another dtype")
    if input.dtype not in REAL:
        raise NoRule(f"searchsorted of {input.dtype}")
    path.claim(sorted_sequence.ndim > 0, "boundaries of at least one dimension")
    *batch, count = sorted_sequence.dims
    if batch:
        claim_ndim(path, "values", input, sorted_sequence.ndim)
        text = "values of size {} == {} of the boundaries"
        claim_same_sizes(path, input.dims, tuple(batch), text)
    dtype = torch.int32 if out_int32 else torch.int64
    return input.like(input.dims, dtype, values=(0, count))


@shape_rule(*spellings("bucketize"), bounds=Bounds.UNKNOWN)
def bucketize(
    path: Path,
    input: Any,
    boundaries: TensorSpec,
    *,
    out_int32: bool = False,
    right: bool = False,
) -> TensorSpec:
    claim_ndim(path, "boundaries", boundaries, 1)
    return searchsorted(path, boundaries, input, out_int32=out_int32, right=right)
