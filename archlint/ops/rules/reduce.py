"""Reductions: one number for each row along some dimensions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from archlint.ops.aliases import spellings
from archlint.ops.registry import RULES, NoRule, Path, TensorSpec, shape_rule
from archlint.ops.shapes import type_promotion as promote
from archlint.ops.shapes.axes import not_empty, reduced, size_at, wrapped, wrapped_all
from archlint.ops.shapes.claims import claim_dtype
from archlint.ops.shapes.strides import Strides
from archlint.ops.shapes.type_promotion import DtypeRule
from archlint.ops.traits import Bounds
from archlint.ops.values import int_ranges as ranges
from archlint.symbolic import Size, product
from archlint.symbolic.formula import ne

Pair = tuple[TensorSpec, TensorSpec]


def _any_to_bool(path: Path, name: str, dtype: torch.dtype) -> torch.dtype:
    return torch.uint8 if dtype is torch.uint8 else promote.to_bool(path, name, dtype)


def _count(path: Path, name: str, dtype: torch.dtype) -> torch.dtype:
    return torch.int64


def _only_floating(*dtypes: torch.dtype) -> None:
    if not promote.FLOATING.issuperset(dtypes):
        raise NoRule("integers where there may be NaN")


def _register(
    name: str,
    dtype_rule: DtypeRule,
    *,
    empty_dim_is_all: bool = True,
    choice: bool = False,
    **traits: Any,
) -> None:
    """A reduction over any number of dimensions. ``choice``: it needs an element to choose."""

    def rule(
        path: Path,
        input: TensorSpec,
        dim: Any = None,
        keepdim: bool = False,
        *,
        dtype: torch.dtype | None = None,
    ) -> TensorSpec:
        axes = wrapped_all(path, input.ndim, dim, empty_dim_is_all)
        result = dtype_rule(path, name, dtype or input.dtype)
        if dtype is not None:
            result = dtype
            if name.startswith("nan"):
                _only_floating(input.dtype, dtype)
        if choice:
            not_empty(path, input, axes)
        values = None
        if choice or name == "mean":
            values = ranges.fitted(path, ranges.range_of(input), result)
        elif name == "sum":
            number = product(size_at(input, a) for a in axes)
            total = ranges.mul(path, ranges.range_of(input), (number, number))
            values = ranges.fitted(path, total, result)
        elif name in ("all", "any"):
            sure = (1, 1) if name == "all" else (0, 0)
            values = sure if input.values == sure else None
        return input.like(reduced(input.dims, axes, keepdim), result, values=values)

    rule.__name__ = name
    shape_rule(*spellings(name), **traits)(rule)


_register("sum", promote.summed, bounds=Bounds.SUM)
_register("nansum", promote.summed)
for _name in ("mean", "nanmean"):
    _register(_name, promote.floating)
for _name in ("amax", "amin"):
    _register(_name, promote.same, choice=True, bounds=Bounds.UNKNOWN)
for _name in ("all", "any"):
    _register(_name, _any_to_bool, empty_dim_is_all=False)
_register("count_nonzero", _count)


def _register_truth(name: str, function: Callable[..., Any]) -> None:
    """``all`` or ``any`` as torch.distributions calls it."""

    def rule(path: Path, input: TensorSpec) -> Any:
        claim_dtype(path, "elements", input, torch.bool)
        return RULES[getattr(torch, name)](path, input)

    rule.__name__ = function.__name__
    shape_rule(function)(rule)


for _name in ("all", "any"):
    if (_function := getattr(torch, f"_is_{_name}_true", None)) is not None:
        _register_truth(_name, _function)


@shape_rule(*spellings("logsumexp"))
def logsumexp(path: Path, input: TensorSpec, dim: Any, keepdim: bool = False) -> TensorSpec:
    if dim is None or (isinstance(dim, (tuple, list)) and not dim):
        raise NoRule("no dimension")
    axes = wrapped_all(path, input.ndim, dim)
    dtype = promote.to_float(path, "logsumexp", input.dtype)
    return input.like(reduced(input.dims, axes, keepdim), dtype)


@shape_rule(*spellings("prod"), bounds=Bounds.SUM)
def prod(
    path: Path,
    input: TensorSpec,
    dim: Any = None,
    keepdim: bool = False,
    *,
    dtype: torch.dtype | None = None,
) -> TensorSpec:
    axes = tuple(range(input.ndim)) if dim is None else (wrapped(path, input.ndim, dim),)
    result = promote.summed(path, "prod", dtype or input.dtype)
    return input.like(reduced(input.dims, axes, keepdim), dtype or result)


def _whole_or_pair(
    path: Path, input: TensorSpec, dim: Any, keepdim: bool, empty_is_fine: bool
) -> TensorSpec | Pair:
    """The chosen element of all, or the chosen elements along ``dim`` with their places."""
    known = ranges.range_of(input)
    if dim is None:
        if not empty_is_fine:
            path.claim(ne(input.numel(), 0), "number of elements {} > 0", input.numel())
        return input.like((), values=ranges.fitted(path, known, input.dtype))
    return _pair(path, input, wrapped(path, input.ndim, dim), keepdim)


def _pair(path: Path, input: TensorSpec, axis: int, keepdim: bool) -> Pair:
    not_empty(path, input, (axis,))
    return chosen(path, input, axis, reduced(input.dims, (axis,), keepdim))


def chosen(
    path: Path, input: TensorSpec, axis: int, dims: tuple[Size, ...], strides: Strides | None = None
) -> Pair:
    """Elements chosen along ``axis``, and their places along it, both of the sizes ``dims``."""
    values = ranges.fitted(path, ranges.range_of(input), input.dtype)
    places = (0, size_at(input, axis) - 1)
    return input.like(dims, None, strides, values), input.like(dims, torch.int64, strides, places)


def _register_extremum(name: str, binary: Callable[..., Any]) -> None:
    def rule(
        path: Path,
        input: TensorSpec,
        dim: Any = None,
        keepdim: bool = False,
        *,
        other: Any = None,
    ) -> TensorSpec | Pair:
        other = dim if isinstance(dim, TensorSpec) else other
        if other is not None:
            result: TensorSpec = RULES[binary](path, input, other)
            return result
        promote.same(path, name, input.dtype)
        return _whole_or_pair(path, input, dim, keepdim, empty_is_fine=False)

    rule.__name__ = name
    shape_rule(*spellings(name), elementwise=True, bounds=Bounds.UNKNOWN)(rule)


_register_extremum("max", torch.maximum)
_register_extremum("min", torch.minimum)


@shape_rule(*spellings("median", "nanmedian"), bounds=Bounds.UNKNOWN)
def median(
    path: Path, input: TensorSpec, dim: Any = None, keepdim: bool = False
) -> TensorSpec | Pair:
    promote.number(path, "median", input.dtype)
    return _whole_or_pair(path, input, dim, keepdim, empty_is_fine=True)


@shape_rule(*spellings("mode"), bounds=Bounds.UNKNOWN)
def mode(path: Path, input: TensorSpec, dim: int = -1, keepdim: bool = False) -> Pair:
    promote.same(path, "mode", input.dtype)
    return _pair(path, input, wrapped(path, input.ndim, dim), keepdim)


@shape_rule(*spellings("aminmax"))
def aminmax(path: Path, input: TensorSpec, *, dim: Any = None, keepdim: bool = False) -> Pair:
    axes = tuple(range(input.ndim)) if dim is None else (wrapped(path, input.ndim, dim),)
    promote.same(path, "aminmax", input.dtype)
    not_empty(path, input, axes)
    result = input.like(
        reduced(input.dims, axes, keepdim),
        values=ranges.fitted(path, ranges.range_of(input), input.dtype),
    )
    return result, result


@shape_rule(*spellings("argmax", "argmin"))
def argmax(path: Path, input: TensorSpec, dim: Any = None, keepdim: bool = False) -> TensorSpec:
    """Places of the chosen elements; in the flattened input if ``dim`` is None."""
    promote.number(path, "argmax", input.dtype)
    if dim is None:
        path.claim(ne(input.numel(), 0), "number of elements {} > 0", input.numel())
        dims = reduced(input.dims, tuple(range(input.ndim)), keepdim)
        return input.like(dims, torch.int64, values=(0, input.numel() - 1))
    axis = wrapped(path, input.ndim, dim)
    not_empty(path, input, (axis,))
    dims = reduced(input.dims, (axis,), keepdim)
    return input.like(dims, torch.int64, values=(0, size_at(input, axis) - 1))


def _spread(
    path: Path, input: TensorSpec, args: tuple[Any, ...], settings: dict[str, Any]
) -> TensorSpec:
    """``std(dim, unbiased, keepdim)``, ``std(unbiased)`` or ``std(dim, correction=, keepdim=)``."""
    if args and isinstance(args[0], bool):
        args = (None, *args)
    names = ("dim", "unbiased", "keepdim")
    given = {**dict(zip(names, args, strict=False)), **settings}
    if len(args) > 3 or not set(given) <= {*names, "correction"}:
        raise NoRule(f"std{args}")
    promote.floating(path, "std", input.dtype)
    axes = wrapped_all(path, input.ndim, given.get("dim"))
    return input.like(reduced(input.dims, axes, given.get("keepdim", False)))


@shape_rule(*spellings("std", "var"))
def std(path: Path, input: TensorSpec, *args: Any, **settings: Any) -> TensorSpec:
    return _spread(path, input, args, settings)


@shape_rule(*spellings("std_mean", "var_mean"))
def std_mean(path: Path, input: TensorSpec, *args: Any, **settings: Any) -> Pair:
    result = _spread(path, input, args, settings)
    return result, result
