"""Dropout of elements and of whole channels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F

from archlint.ops.registry import NoRule, Path, TensorSpec, shape_rule
from archlint.ops.rules.unary import mapped
from archlint.ops.shapes import type_promotion as promote
from archlint.ops.shapes.claims import claim_ndim
from archlint.ops.shapes.inplace import written
from archlint.ops.shapes.strides import decide, empty
from archlint.ops.traits import View, declare_traits


def _dropped(
    path: Path, name: str, input: TensorSpec, p: Any, training: bool, inplace: bool
) -> TensorSpec:
    if not isinstance(p, (int, float)):
        raise NoRule(f"p {p!r}")
    path.claim(0 <= p <= 1, f"p {p} in 0..1")
    if name == "dropout1d":
        claim_ndim(path, "an input", input, 2, 3)
    if not training or p == 0:
        return input.like(input.dims, strides=input.strides, values=input.values)
    if input.dtype not in promote.FLOATING:
        raise NoRule("dropout of integers")
    if name in ("dropout2d", "dropout3d") or "feature" in name:
        least = 1 if name == "dropout3d" else 2
        fits = input.ndim >= least or p == 1
        path.claim(fits or empty(input.dims), f"at least {least} dimensions, gets {{}}", input.ndim)
    return written(path, name, input, input.dtype) if inplace else mapped(path, input, input.dtype)


def _itself(path: Path, input: TensorSpec, p: Any, training: bool) -> TensorSpec | None:
    """The tensor if nothing is dropped; it is returned as it is then."""
    return input if not training or p == 0 or decide(path, empty(input.dims)) else None


def _register(function: Callable[..., Any], default: bool) -> None:
    name = function.__name__

    def rule(
        path: Path,
        input: TensorSpec,
        p: Any = 0.5,
        training: bool = default,
        inplace: bool = False,
    ) -> TensorSpec:
        return _dropped(path, name, input, p, training, inplace)

    def itself(
        path: Path,
        input: TensorSpec,
        p: Any = 0.5,
        training: bool = default,
        inplace: bool = False,
    ) -> TensorSpec | None:
        # The result is then a view of what is made of a view.
        unbatched = input.ndim != {"dropout1d": 3, "dropout3d": 5}.get(name, input.ndim)
        return None if unbatched else _itself(path, input, p, training)

    shape_rule(function, view=View.SAME, itself=itself)(rule)


def _register_builtin(function: Callable[..., Any], inplace: bool) -> None:
    name = function.__name__

    def rule(path: Path, input: TensorSpec, p: Any, train: bool) -> TensorSpec:
        return _dropped(path, name, input, p, train, inplace)

    if inplace:
        shape_rule(inplace=(function,))(rule)
    else:
        shape_rule(function, view=View.SAME, itself=_itself)(rule)


for _name in ("dropout", "dropout1d", "dropout2d", "dropout3d"):
    _register(getattr(F, _name), True)
for _name in ("alpha_dropout", "feature_alpha_dropout"):
    _register(getattr(F, _name), False)
for _name in ("dropout", "feature_dropout", "alpha_dropout", "feature_alpha_dropout"):
    _register_builtin(getattr(torch, _name), False)
    _register_builtin(getattr(torch, f"{_name}_"), True)

declare_traits(torch.native_dropout, view=View.SAME)
