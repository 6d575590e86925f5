"""``torch.gradient``: differences of neighbours along each dimension."""

from __future__ import annotations

from typing import Any

from archlint.ops.aliases import spellings
from archlint.ops.registry import NoRule, Path, TensorSpec, refuse, shape_rule
from archlint.ops.rules.concat import joined
from archlint.ops.rules.view import axis
from archlint.ops.shapes.strides import elementwise_strides, settled_strides
from archlint.ops.shapes.type_promotion import FLOATING
from archlint.ops.traits import Bounds
from archlint.symbolic.formula import eq, ge


@shape_rule(*spellings("gradient"), bounds=Bounds.UNKNOWN)
def gradient(
    path: Path, input: TensorSpec, *, spacing: Any = 1, dim: Any = None, edge_order: int = 1
) -> tuple[TensorSpec, ...]:
    if input.dtype not in FLOATING:
        raise NoRule(f"differences of {input.dtype}")
    if edge_order not in (1, 2):
        refuse(path, "an edge_order of 1 or 2, gets {}", edge_order)
    given = range(input.ndim) if dim is None else dim if isinstance(dim, (list, tuple)) else (dim,)
    axes = [axis(path, d, input.ndim) for d in given]
    path.claim(len(set(axes)) == len(axes), "dimensions that differ from one another")
    each = spacing if isinstance(spacing, (list, tuple)) else [spacing] * len(axes)
    path.claim(len(each) == len(axes), "a spacing for each of {} dimensions", len(axes))
    path.claim(input.ndim > 0 or not axes, "a tensor of at least one dimension")
    for at, step in zip(axes, each, strict=True):
        size = input.dims[at]
        if isinstance(step, TensorSpec):
            if step.dtype is not input.dtype:
                raise NoRule(f"coordinates of {step.dtype}")
            path.claim(step.ndim == 1, "coordinates of one dimension, gets {}", step.ndim)
            path.claim(eq(step.dims[0], size), "coordinates {} == {}", step.dims[0], size)
        path.claim(ge(size, edge_order + 1), f"a size {{}} of at least {edge_order + 1}", size)
    return tuple(_along(path, input, at) for at in axes)


def _along(path: Path, input: TensorSpec, at: int) -> TensorSpec:
    """The first difference, those in the middle and the last one, put together."""
    if input.strides is None:
        return input.like(input.dims)
    parts = []
    for size in (1, input.dims[at] - 2, 1):
        dims = (*input.dims[:at], size, *input.dims[at + 1 :])
        part = input.like(dims, strides=settled_strides(path, input))
        parts.append(input.like(dims, strides=elementwise_strides(path, [part], dims)))
    return input.like(input.dims, strides=joined(path, parts, at).strides)
