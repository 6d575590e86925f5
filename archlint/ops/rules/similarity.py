"""How alike vectors are: one number for each pair of them along a dimension."""

from __future__ import annotations

from archlint.ops.aliases import spellings
from archlint.ops.registry import NoRule, Path, TensorSpec, shape_rule
from archlint.ops.shapes import type_promotion as promote
from archlint.ops.shapes.axes import reduced, wrapped
from archlint.ops.shapes.broadcast import broadcast
from archlint.ops.shapes.type_promotion import result_type


@shape_rule(*spellings("cosine_similarity"))
def cosine_similarity(
    path: Path, x1: TensorSpec, x2: TensorSpec, dim: int = 1, eps: float = 1e-8
) -> TensorSpec:
    dtype = promote.floating(path, "cosine_similarity", result_type(x1, x2))
    dims = broadcast(path, x1.dims, x2.dims)
    return x1.like(reduced(dims, (wrapped(path, len(dims), dim),), False), dtype)


@shape_rule(*spellings("pairwise_distance"))
def pairwise_distance(
    path: Path,
    x1: TensorSpec,
    x2: TensorSpec,
    p: float = 2.0,
    eps: float = 1e-6,
    keepdim: bool = False,
) -> TensorSpec:
    if not isinstance(p, (int, float)) or not 0 <= p < float("inf"):
        raise NoRule("a distance that chooses an element")
    if not promote.FLOATING.issuperset((x1.dtype, x2.dtype)):
        raise NoRule("a distance of whole numbers")
    dims = broadcast(path, x1.dims, x2.dims)
    if not dims:
        raise NoRule("a distance of two numbers")
    return x1.like(reduced(dims, (len(dims) - 1,), keepdim), result_type(x1, x2))
