"""Softmax and its kin along one dimension; the result is contiguous."""

from __future__ import annotations

from typing import Any

import torch

from archlint.ops.aliases import methods
from archlint.ops.registry import NoRule, Path, TensorSpec, shape_rule
from archlint.ops.shapes import type_promotion as promote
from archlint.ops.shapes.strides import empty


def _softmax(
    path: Path, input: TensorSpec, dim: Any, dtype: torch.dtype | None, name: str
) -> TensorSpec:
    if not isinstance(dim, int) or isinstance(dim, bool):
        raise NoRule(f"dim {dim!r}")
    result = promote.same(path, name, dtype or input.dtype)
    least = max(input.ndim, 1)
    path.claim(-least <= dim < least, f"dim {dim} in range for {input.ndim} dimensions")
    if result not in promote.FLOATING:  # the kernel is not asked for without elements
        path.claim(empty(input.dims), f"{name} of a floating dtype, gets {str(result)[6:]}")
    return input.like(input.dims, result)


def _legacy_dim(input: TensorSpec, dim: int | None) -> int:
    return (0 if input.ndim in (0, 1, 3) else 1) if dim is None else dim


@shape_rule(*(f for n in ("softmax", "log_softmax") for f in (getattr(torch, n), *methods(n))))
def softmax(
    path: Path, input: TensorSpec, dim: int, dtype: torch.dtype | None = None
) -> TensorSpec:
    return _softmax(path, input, dim, dtype, "softmax")


@shape_rule(*(getattr(torch.nn.functional, n) for n in ("softmax", "log_softmax", "softmin")))
def functional_softmax(
    path: Path,
    input: TensorSpec,
    dim: int | None = None,
    _stacklevel: int = 3,
    dtype: torch.dtype | None = None,
) -> TensorSpec:
    return _softmax(path, input, _legacy_dim(input, dim), dtype, "softmax")


@shape_rule(torch.nn.functional.gumbel_softmax)
def gumbel_softmax(
    path: Path,
    logits: TensorSpec,
    tau: float = 1,
    hard: bool = False,
    eps: float = 1e-10,
    dim: int = -1,
) -> TensorSpec:
    if hard or logits.dtype not in promote.FLOATING:
        raise NoRule("hard=True, or integers")
    return _softmax(path, logits, dim, None, "gumbel_softmax")
