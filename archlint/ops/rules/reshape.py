"""Other sizes for the same elements: view, reshape, flatten, expand."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import torch

from archlint.ops.registry import NoRule, Path, TensorSpec, refuse, shape_rule
from archlint.ops.rules.view import axis, variadic
from archlint.ops.shapes.possible_strides import alternatives
from archlint.ops.shapes.strides import (
    DeferredStrides,
    Dims,
    Strides,
    contiguous_strides,
    decide,
    deferred,
    numel,
    restrided,
    settled_strides,
    view_strides,
    view_strides_of_form,
)
from archlint.ops.silent_path import Outcome, outcomes
from archlint.ops.traits import Bounds, View
from archlint.symbolic import Size, exact_quotient, floordiv, mod
from archlint.symbolic.formula import disj, eq, ge, ne, negate

Tensor = torch.Tensor
_quotient = lru_cache(maxsize=4096)(exact_quotient)


def inferred(path: Path, count: Size, sizes: Sequence[Size]) -> Dims:
    """``sizes`` with its -1 replaced; claims that they hold ``count`` elements."""
    unknown: list[int] = []
    for i, size in enumerate(sizes):
        if path.known(ge(size, 0)):
            continue
        if decide(path, eq(size, -1)):
            unknown.append(i)
        else:
            path.claim(ge(size, 0), "a size of at least 0, gets {}", size)
    if len(unknown) > 1:
        refuse(path, "at most one size of -1")
        raise NoRule
    rest = numel(tuple(s for i, s in enumerate(sizes) if i not in unknown))
    if not unknown:
        if count is not rest:
            path.claim(
                eq(count, rest), "number of elements {} == product of the new sizes {}", count, rest
            )
        return tuple(sizes)
    if not path.known(ge(rest, 1)):
        path.claim(ne(rest, 0), "product {} of the sizes beside -1 other than 0", rest)
    quotient = _quotient(count, rest)
    if quotient is None:
        if rest == 0:
            raise NoRule
        path.claim(eq(mod(count, rest), 0), "number of elements {} divisible by {}", count, rest)
        quotient = floordiv(count, rest)
    return tuple(quotient if i in unknown else s for i, s in enumerate(sizes))


@shape_rule(Tensor.view, view=View.WHOLE, raises=(RuntimeError,))
def view(
    path: Path, input: TensorSpec, *shape: Any, size: Any = None, dtype: Any = None
) -> TensorSpec:
    if dtype is not None or (shape and isinstance(shape[0], torch.dtype)):
        raise NoRule
    return viewed(path, input, inferred(path, numel(input.dims), variadic(shape, size)))


@shape_rule(Tensor.view_as, view=View.WHOLE, bounds=Bounds.FIRST, raises=(RuntimeError,))
def view_as(path: Path, input: TensorSpec, other: TensorSpec) -> TensorSpec:
    return viewed(path, input, inferred(path, numel(input.dims), other.dims))


def viewed(path: Path, input: TensorSpec, dims: Dims) -> TensorSpec:
    """``input`` under the sizes ``dims`` without a copy; claims that the strides allow it."""
    if input.strides is None:
        return input.like(dims, values=input.values)
    if dims == input.dims:
        return input

    def settle(path: Path) -> Strides | None:
        own = settled_strides(path, input) or contiguous_strides(input.dims)
        return view_strides(path, input.dims, own, dims)

    layouts = alternatives(path, input)
    if layouts is not None:
        forms = [_of_form(path, input, own, dims) for own in layouts]
        if len(forms) == 1 and forms[0] is not None:
            return _strided(input, dims, forms[0])
        if None not in forms:
            known = deferred(path, dims, [input], settle)
            return input.like(dims, strides=known, values=input.values)
    possible = outcomes(path, settle)
    if possible is None:
        possible = [Outcome(True, settle(path))]
    failing = disj(*(o.when for o in possible if o.result is None))
    text = "view sizes compatible with the strides (a copy is needed: reshape or contiguous)"
    path.claim(negate(failing), text)
    if failing is True:
        raise NoRule
    if len(possible) == 1:
        return _strided(input, dims, possible[0].result)
    known = deferred(path, dims, [input], settle)
    return input.like(dims, strides=known, values=input.values)


def _of_form(path: Path, input: TensorSpec, own: Strides | None, dims: Dims) -> Strides | None:
    """The strides of the view if ``input`` has the strides ``own`` and some view surely exists."""
    return view_strides_of_form(path, input.dims, own or contiguous_strides(input.dims), dims)


def _strided(input: TensorSpec, dims: Dims, strides: Strides) -> TensorSpec:
    if strides == contiguous_strides(dims):
        return input.like(dims, values=input.values)
    return input.like(dims, strides=strides, values=input.values)


def reshaped(path: Path, input: TensorSpec, dims: Dims) -> TensorSpec:
    """``input`` under the sizes ``dims``: a view where the strides allow it, else a copy."""
    if input.strides is None:
        return input.like(dims, values=input.values)

    def settle(path: Path) -> Strides:
        strides = settled_strides(path, input) or contiguous_strides(input.dims)
        view = view_strides(path, input.dims, strides, dims)
        return contiguous_strides(dims) if view is None else view

    strides = deferred(path, dims, [input], settle)
    if strides == contiguous_strides(dims) and not isinstance(strides, DeferredStrides):
        strides = None
    return input.like(dims, strides=strides, values=input.values)


@shape_rule(torch.reshape, Tensor.reshape, view=View.WHOLE, raises=(RuntimeError,))
def reshape(path: Path, input: TensorSpec, *sizes: Any, shape: Any = None) -> TensorSpec:
    return reshaped(path, input, inferred(path, numel(input.dims), variadic(sizes, shape)))


@shape_rule(Tensor.reshape_as, view=View.WHOLE, bounds=Bounds.FIRST, raises=(RuntimeError,))
def reshape_as(path: Path, input: TensorSpec, other: TensorSpec) -> TensorSpec:
    return reshaped(path, input, inferred(path, numel(input.dims), other.dims))


def _flat_already(
    path: Path, input: TensorSpec, start_dim: int = 0, end_dim: int = -1
) -> TensorSpec | None:
    one = input.ndim and axis(path, start_dim, input.ndim) == axis(path, end_dim, input.ndim)
    return input if one else None


@shape_rule(torch.flatten, Tensor.flatten, view=View.WHOLE, itself=_flat_already)
def flatten(path: Path, input: TensorSpec, start_dim: int = 0, end_dim: int = -1) -> TensorSpec:
    start, end = axis(path, start_dim, input.ndim), axis(path, end_dim, input.ndim)
    path.claim(start <= end, "start_dim {} <= end_dim {}", start, end)
    if start == end and input.ndim:
        return input
    dims = input.dims
    return reshaped(path, input, (*dims[:start], numel(dims[start : end + 1]), *dims[end + 1 :]))


@shape_rule(torch.ravel, Tensor.ravel, view=View.WHOLE)
def ravel(path: Path, input: TensorSpec) -> TensorSpec:
    dims = (numel(input.dims),)
    return input.like(dims, values=input.values)


@shape_rule(torch.unflatten, Tensor.unflatten, view=View.WHOLE)
def unflatten(path: Path, input: TensorSpec, dim: int, sizes: Any) -> TensorSpec:
    if not isinstance(sizes, (list, tuple)) or any(isinstance(s, (list, tuple)) for s in sizes):
        raise NoRule
    at = axis(path, dim, input.ndim)
    path.claim(len(sizes) > 0, "at least one size")
    path.claim(input.ndim > 0, "a tensor of at least one dimension")
    split = inferred(path, input.dims[at], sizes)

    def restride(old: Strides) -> Strides:
        inner = tuple(s * old[at] for s in contiguous_strides(split))
        return (*old[:at], *inner, *old[at + 1 :])

    return restrided(input, (*input.dims[:at], *split, *input.dims[at + 1 :]), restride)


@shape_rule(
    torch.broadcast_to,
    Tensor.broadcast_to,
    Tensor.expand,
    view=View.REPEATED,
    raises=(RuntimeError,),
)
def expand(
    path: Path, input: TensorSpec, *sizes: Any, size: Any = None, implicit: bool = False
) -> TensorSpec:
    return expanded(path, input, variadic(sizes, size))


@shape_rule(Tensor.expand_as, view=View.REPEATED, bounds=Bounds.FIRST, raises=(RuntimeError,))
def expand_as(path: Path, input: TensorSpec, other: TensorSpec) -> TensorSpec:
    return expanded(path, input, other.dims)


def expanded(path: Path, input: TensorSpec, sizes: Sequence[Size]) -> TensorSpec:
    """The view of ``sizes`` that repeats dimensions of size 1; -1 keeps a dimension."""
    lead = len(sizes) - input.ndim
    path.claim(lead >= 0, "at least {} sizes, gets {}", input.ndim, len(sizes))
    dims: list[Size] = []
    keeps: list[bool] = []
    for i, size in enumerate(sizes):
        own: Size = input.dims[i - lead] if i >= lead else 1
        if own is size and i >= lead:
            dims.append(size)
            keeps.append(True)
            continue
        same = i >= lead and not path.known(ge(size, 0)) and decide(path, eq(size, -1))
        if not same:
            path.claim(ge(size, 0), "a size of at least 0, gets {}", size)
            path.claim(
                disj(eq(own, size), eq(own, 1)),
                "size {} equal to 1 or to the expanded size {}",
                own,
                size,
            )
        dims.append(own if same else size)
        keeps.append(i >= lead and (same or (own != 1 and decide(path, eq(own, size)))))

    def restride(old: Strides) -> Strides:
        return tuple(old[i - lead] if keep else 0 for i, keep in enumerate(keeps))

    return restrided(input, tuple(dims), restride)
