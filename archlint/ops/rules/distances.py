"""Norms of vectors, and distances and similarities of pairs of them."""

from __future__ import annotations

import math
from typing import Any

import torch

from archlint.ops.aliases import spellings
from archlint.ops.registry import NoRule, Path, TensorSpec, shape_rule
from archlint.ops.shapes import type_promotion as promote
from archlint.ops.shapes.axes import not_empty, reduced, wrapped, wrapped_all
from archlint.ops.shapes.broadcast import broadcast
from archlint.ops.shapes.type_promotion import result_type


def _norm(
    path: Path, input: TensorSpec, order: Any, dim: Any, keepdim: bool, dtype: Any
) -> TensorSpec:
    """The norm of vectors along ``dim``; those of order inf or below 0 need an element."""
    if not isinstance(order, (int, float)):
        raise NoRule(f"ord {order!r}")
    axes = wrapped_all(path, input.ndim, dim)
    if math.isinf(order) or order < 0:
        not_empty(path, input, axes)
    promote.floating(path, "norm", input.dtype)
    result = promote.floating(path, "norm", dtype or input.dtype)
    return input.like(reduced(input.dims, axes, keepdim), result)


@shape_rule(*(f for f in spellings("norm") if f is not torch.linalg.norm))
def norm(
    path: Path,
    input: TensorSpec,
    p: Any = "fro",
    dim: Any = None,
    keepdim: bool = False,
    out: Any = None,
    dtype: torch.dtype | None = None,
) -> TensorSpec:
    if out is not None:
        raise NoRule("out=")
    if p == "fro":
        if isinstance(dim, (tuple, list)) and len(dim) > 2:
            raise NoRule("a Frobenius norm over more than 2 dimensions")
        p = 2
    return _norm(path, input, 2 if p is None else p, dim, keepdim, dtype)


@shape_rule(torch.linalg.vector_norm)
def vector_norm(
    path: Path,
    x: TensorSpec,
    ord: Any = 2,
    dim: Any = None,
    keepdim: bool = False,
    *,
    dtype: torch.dtype | None = None,
) -> TensorSpec:
    return _norm(path, x, ord, dim, keepdim, dtype)


@shape_rule(torch.linalg.norm)
def linalg_norm(
    path: Path,
    A: TensorSpec,
    ord: Any = None,
    dim: Any = None,
    keepdim: bool = False,
    *,
    dtype: torch.dtype | None = None,
) -> TensorSpec:
    """Vector norms only: without ``ord``, or along one dimension."""
    if ord is not None and not isinstance(dim, int) and not (dim is None and A.ndim == 1):
        raise NoRule("a matrix norm")
    return _norm(path, A, 2 if ord is None else ord, dim, keepdim, dtype)


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
