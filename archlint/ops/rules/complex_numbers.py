"""Complex tensors from their parts: ``complex``, ``polar`` and ``view_as_complex``.

The checks of ``view_as_complex`` are those of ``aten/src/ATen/native/ComplexHelper.h``.
"""

from __future__ import annotations

import torch

from archlint.ops.aliases import spellings
from archlint.ops.registry import NoRule, Path, TensorSpec, refuse, shape_rule
from archlint.ops.rules.binary import pointwise
from archlint.ops.shapes.claims import claim_dtype
from archlint.ops.shapes.strides import decide, empty, settled_strides
from archlint.ops.traits import View
from archlint.ops.values import int_ranges
from archlint.symbolic.formula import eq, ge

_COMPLEX = {
    torch.float16: torch.complex32,
    torch.float32: torch.complex64,
    torch.float64: torch.complex128,
}


@shape_rule(*spellings("complex", "polar"), elementwise=True, allocates=True)
def of_parts(path: Path, first: TensorSpec, second: TensorSpec) -> TensorSpec:
    if first.dtype not in (torch.float32, torch.float64):
        raise NoRule(f"complex numbers of {first.dtype}")
    claim_dtype(path, "two tensors", second, first.dtype)
    return pointwise(path, _COMPLEX[first.dtype], int_ranges.UNKNOWN, first, second)


@shape_rule(*spellings("view_as_complex"), view=View.WHOLE)
def view_as_complex(path: Path, input: TensorSpec) -> TensorSpec:
    """The last dimension holds both parts, which must be neighbours in memory."""
    claim_dtype(path, "a tensor", input, *_COMPLEX)
    path.claim(input.ndim > 0, "at least one dimension")
    *dims, parts = input.dims
    path.claim(eq(parts, 2), "a last dimension of size {} == 2", parts)
    strides = settled_strides(path, input)
    if strides is None:
        return input.like(tuple(dims), _COMPLEX[input.dtype])
    if decide(path, empty(input.dims)):
        path.unknown_outcome("the strides of a tensor without elements are not known")
    *outer, inner = strides
    path.claim(eq(inner, 1), "parts that are neighbours in memory, their stride is {}", inner)
    for size, stride in zip(dims, outer, strict=True):
        if not decide(path, eq(stride % 2, 0)):
            if not decide(path, ge(size, 2)):
                path.unknown_outcome("the stride of a dimension of size 1 is not known")
            refuse(path, "strides divisible by 2, gets {}", stride)
    halves = tuple(stride // 2 for stride in outer)
    return input.like(tuple(dims), _COMPLEX[input.dtype], halves)
