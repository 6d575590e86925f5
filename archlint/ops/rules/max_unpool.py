"""Maxima put back where they were: ``F.max_unpool1d`` to ``F.max_unpool3d``.

Those compute ``output_size`` in Python and call the kernels of this module. The checks are those of
``aten/src/ATen/native/MaxUnpooling.cpp``.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from archlint.ops.registry import Path, TensorSpec, shape_rule
from archlint.ops.rules.indexing import within
from archlint.ops.shapes.claims import claim_dtype, claim_ndim, claim_same_sizes
from archlint.ops.shapes.sliding_window import claim_positive
from archlint.ops.shapes.strides import empty
from archlint.ops.traits import Bounds, Unchecked
from archlint.symbolic import Size, product
from archlint.symbolic.formula import disj, ge


def _unpooled(
    path: Path, n: int, input: TensorSpec, indices: TensorSpec, output_size: Sequence[Size]
) -> TensorSpec:
    claim_dtype(path, "indices", indices, torch.int64)
    path.claim(len(output_size) == n, f"an output_size of {n} numbers, gets {{}}", len(output_size))
    claim_ndim(path, "an input", input, n + 1, n + 2)
    claim_ndim(path, "indices", indices, input.ndim)
    text = "size {} of indices == size {} of the input"
    claim_same_sizes(path, indices.dims, input.dims, text)
    claim_positive(path, *input.dims[1:])
    lead = input.dims[: input.ndim - n]
    for size in output_size:
        path.claim(ge(size, 0), "an output size {} >= 0", size)
    dims = (*lead, *output_size)
    within(path, indices, product(output_size), 0, unread=disj(empty(dims), empty(input.dims)))
    return input.like(dims)


@shape_rule(torch._C._nn.max_unpool2d, bounds=Bounds.UNKNOWN, unchecked=Unchecked.INDICES)
def max_unpool2d(
    path: Path, input: TensorSpec, indices: TensorSpec, output_size: Sequence[Size]
) -> TensorSpec:
    return _unpooled(path, 2, input, indices, output_size)


@shape_rule(torch._C._nn.max_unpool3d, bounds=Bounds.UNKNOWN, unchecked=Unchecked.INDICES)
def max_unpool3d(
    path: Path,
    input: TensorSpec,
    indices: TensorSpec,
    output_size: Sequence[Size],
    stride: Sequence[int],
    padding: Sequence[int],
) -> TensorSpec:
    path.claim(len(stride) == 3 == len(padding), "a stride and a padding of 3 numbers")
    path.claim(min(stride) > 0, "stride {} > 0", min(stride))
    return _unpooled(path, 3, input, indices, output_size)
