"""``torch.gradient``: differences of neighbours along each dimension."""

from __future__ import annotations

from typing import Any

from archlint.ops.aliases import spellings
from archlint.ops.registry import NoRule, Path, TensorSpec, refuse, shape_rule
from archlint.ops.rules.view import axis
from archlint.ops.shapes.strides import contiguous_strides, elementwise_strides
from archlint.ops.shapes.type_promotion import FLOATING
from archlint.ops.traits import Bounds
from archlint.symbolic.formula import ge


@shape_rule(*spellings("gradient"), bounds=Bounds.UNKNOWN)
def gradient(
    path: Path, input: TensorSpec, *, spacing: Any = 1, dim: Any = None, edge_order: int = 1
) -> tuple[TensorSpec, ...]:
    if input.dtype not in FLOATING:
        raise NoRule("the dtype of the result")
    strides = elementwise_strides(path, [input], input.dims)
    if strides not in (None, contiguous_strides(input.dims)):
        raise NoRule("the layout of the result")
    if edge_order not in (1, 2):
        refuse(path, "an edge_order of 1 or 2, gets {}", edge_order)
    given = range(input.ndim) if dim is None else dim if isinstance(dim, (list, tuple)) else (dim,)
    axes = [axis(path, d, input.ndim) for d in given]
    path.claim(len(set(axes)) == len(axes), "dimensions that differ from one another")
    each = spacing if isinstance(spacing, (list, tuple)) else [spacing] * len(axes)
    if any(isinstance(step, TensorSpec) for step in each):
        raise NoRule("coordinates")
    path.claim(len(each) == len(axes), "a spacing for each of {} dimensions", len(axes))
    path.claim(input.ndim > 0 or not axes, "a tensor of at least one dimension")
    for at in axes:
        size = input.dims[at]
        path.claim(ge(size, edge_order + 1), f"a size {{}} of at least {edge_order + 1}", size)
    return tuple(input.like(input.dims) for _ in axes)
