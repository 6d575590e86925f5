"""Lengths of vectors."""

from __future__ import annotations

import math
from typing import Any

import torch

from archlint.ops.aliases import spellings
from archlint.ops.registry import NoRule, Path, TensorSpec, shape_rule
from archlint.ops.shapes import type_promotion as promote
from archlint.ops.shapes.axes import not_empty, reduced, wrapped_all


def _no_out(out: Any) -> None:
    if out is not None:
        raise NoRule("out=")


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
    _no_out(out)
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
    out: Any = None,
) -> TensorSpec:
    _no_out(out)
    return _norm(path, x, ord, dim, keepdim, dtype)


@shape_rule(torch.linalg.norm)
def linalg_norm(
    path: Path,
    A: TensorSpec,
    ord: Any = None,
    dim: Any = None,
    keepdim: bool = False,
    *,
    out: Any = None,
    dtype: torch.dtype | None = None,
) -> TensorSpec:
    """Vector norms only: without ``ord``, or along one dimension."""
    _no_out(out)
    if ord is not None and not isinstance(dim, int) and not (dim is None and A.ndim == 1):
        raise NoRule("a matrix norm")
    return _norm(path, A, 2 if ord is None else ord, dim, keepdim, dtype)
