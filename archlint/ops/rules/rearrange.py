"""Copies of a tensor with its elements in another order, or several times."""

from __future__ import annotations

from typing import Any

import torch

from archlint.ops.registry import NoRule, Path, TensorSpec, refuse, shape_rule
from archlint.ops.rules.view import axis, transpose, variadic
from archlint.ops.shapes.claims import claim_dtype, claim_least_ndim, claim_most_ndim
from archlint.ops.shapes.strides import (
    channels_last_strides,
    elementwise_strides,
    empty,
    is_contiguous,
    like_input_layout,
)
from archlint.ops.silent_path import SilentPath, Unanswered
from archlint.ops.torch_versions import TENSOR_AS_LIST
from archlint.ops.traits import Unchecked, View
from archlint.ops.values.grids import added
from archlint.ops.values.int_ranges import range_of
from archlint.ops.values.tight_bounds import in_range
from archlint.symbolic import Size, maximum
from archlint.symbolic.formula import disj, eq, ge

Tensor = torch.Tensor


def _contiguous_itself(
    path: Path, input: TensorSpec, memory_format: torch.memory_format = torch.contiguous_format
) -> TensorSpec | None:
    if input.strides is not None and isinstance(path, SilentPath):
        raise Unanswered  # until somebody asks: it takes a while, and hardly anybody does
    return input if is_contiguous(path, input, memory_format) else None


@shape_rule(Tensor.contiguous, view=View.SAME, itself=_contiguous_itself)
def contiguous(
    path: Path, input: TensorSpec, memory_format: torch.memory_format = torch.contiguous_format
) -> TensorSpec:
    if memory_format is torch.preserve_format:
        raise NoRule
    return _copied(path, input, memory_format)


@shape_rule(torch.clone, Tensor.clone)
def clone(
    path: Path, input: TensorSpec, *, memory_format: torch.memory_format | None = None
) -> TensorSpec:
    if memory_format in (None, torch.preserve_format):
        return _same_layout(path, input)
    return _copied(path, input, memory_format)


@shape_rule(Tensor.__deepcopy__, allocates=True)
def deepcopy(path: Path, input: TensorSpec, memo: object) -> TensorSpec:
    """The elements of its whole memory are copied, so that they lie as they did."""
    return input.like(input.dims, strides=input.strides, values=input.values)


def _copied(path: Path, input: TensorSpec, memory_format: torch.memory_format | None) -> TensorSpec:
    if memory_format is torch.contiguous_format:
        return input.like(input.dims, values=input.values)
    ndim = 4 if memory_format is torch.channels_last else 5
    text = f"a tensor of {ndim} dimensions for {memory_format}, gets {{}}"
    path.claim(input.ndim == ndim, text, input.ndim)
    if input.dims[1] == 1:  # already so: which strides it keeps would need a closer look
        raise NoRule
    return input.like(input.dims, strides=channels_last_strides(input.dims), values=input.values)


def _same_layout(path: Path, input: TensorSpec) -> TensorSpec:
    strides = elementwise_strides(path, [input], input.dims)
    return input.like(input.dims, strides=strides, values=input.values)


@shape_rule(torch.flip, Tensor.flip)
def flip(path: Path, input: TensorSpec, *order: Any, dims: Any = None) -> TensorSpec:
    order = (dims,) if isinstance(dims, int) else variadic(order, dims)
    axes = [axis(path, d, input.ndim) for d in order]
    path.claim(len(set(axes)) == len(axes), "dimensions that differ from one another")
    return _same_layout(path, input)


@shape_rule(torch.fliplr, Tensor.fliplr)
def fliplr(path: Path, input: TensorSpec) -> TensorSpec:
    claim_least_ndim(path, "an input", input, 2)
    return _same_layout(path, input)


@shape_rule(torch.flipud, Tensor.flipud)
def flipud(path: Path, input: TensorSpec) -> TensorSpec:
    claim_least_ndim(path, "an input", input, 1)
    return _same_layout(path, input)


@shape_rule(torch.rot90, Tensor.rot90)
def rot90(path: Path, input: TensorSpec, k: int = 1, dims: Any = (0, 1)) -> TensorSpec:
    if not isinstance(k, int):
        raise NoRule
    path.claim(len(dims) == 2, "two dimensions to rotate in, gets {}", len(dims))
    claim_least_ndim(path, "an input", input, 2)
    first, second = axis(path, dims[0], input.ndim), axis(path, dims[1], input.ndim)
    path.claim(first != second, "two different dimensions to rotate in, gets {} twice", first)
    if k % 4 == 0:
        return input.like(input.dims, values=input.values)
    copy = _same_layout(path, input)
    return transpose(path, copy, first, second) if k % 2 else copy


@shape_rule(torch.roll, Tensor.roll)
def roll(path: Path, input: TensorSpec, shifts: Any, dims: Any = ()) -> TensorSpec:
    many = shifts if isinstance(shifts, (list, tuple)) else (shifts,)
    axes = dims if isinstance(dims, (list, tuple)) else (dims,)
    for shift in many:
        if isinstance(shift, TensorSpec) and not _is_shift(shift, shift is shifts):
            raise NoRule("a shift that is a tensor")
    path.claim(len(many) > 0, "at least one shift")
    path.claim(
        len(many) == len(axes) or (len(many) == 1 and not axes), "one shift for each of dims"
    )
    if not axes:
        return input.like(input.dims, values=input.values)
    for dim in axes:  # not looked at in a tensor without elements
        inside = -input.ndim <= dim < input.ndim
        text = "dim {} in range for {} dimensions"
        path.claim(disj(inside, empty(input.dims)), text, dim, input.ndim)
    strides = like_input_layout(input, input.dims)
    return input.like(input.dims, strides=strides, values=input.values)


def _is_shift(tensor: TensorSpec, whole: bool) -> bool:
    """Whether PyTorch reads the tensor as a number; ``whole``: it stands for the list of shifts."""
    kind = tensor.dtype
    integer = not (kind.is_floating_point or kind.is_complex or kind is torch.bool)
    return integer and not tensor.dims and (TENSOR_AS_LIST or not whole)


@shape_rule(Tensor.repeat, raises=(RuntimeError,))
def repeat(path: Path, input: TensorSpec, *sizes: Any, repeats: Any = None) -> TensorSpec:
    times = variadic(sizes, repeats)
    path.claim(len(times) >= input.ndim, "at least {} repeats, gets {}", input.ndim, len(times))
    return _repeated(path, input, times)


@shape_rule(torch.tile, Tensor.tile)
def tile(path: Path, input: TensorSpec, *sizes: Any, dims: Any = None) -> TensorSpec:
    times = variadic(sizes, dims)
    return _repeated(path, input, (1,) * (input.ndim - len(times)) + times)


def _repeated(path: Path, input: TensorSpec, times: tuple[Size, ...]) -> TensorSpec:
    own = (1,) * (len(times) - input.ndim) + input.dims
    for n in times:
        path.claim(ge(n, 0), "repeats {} >= 0", n)
    return input.like(tuple(d * n for d, n in zip(own, times, strict=True)), values=input.values)


def _repeated_each(
    path: Path, input: TensorSpec, repeats: TensorSpec, dim: int | None
) -> TensorSpec:
    """Each entry of a dimension as often as its own number says."""
    claim_dtype(path, "repeats", repeats, torch.int64, torch.int32)
    claim_most_ndim(path, "repeats", repeats, 1)
    path.claim(dim is None or input.ndim > 0, "a tensor of at least one dimension")
    dims = (input.numel(),) if dim is None else input.dims
    at = 0 if dim is None else axis(path, dim, input.ndim)
    count = repeats.numel()
    fits = disj(eq(count, dims[at]), repeats.ndim == 0, eq(count, 1))
    path.claim(fits, "number of repeats {} equal to 1 or to size {}", count, dims[at])
    in_range(path, repeats, 0, lambda low: disj(ge(low, 0), eq(dims[at], 0)), "repeats {} >= 0")
    length = total(path, "repeat_interleave", repeats, dims[at], 0)
    return input.like((*dims[:at], length, *dims[at + 1 :]), values=input.values)


def total(path: Path, name: str, numbers: TensorSpec, count: Size, least: Size) -> Size:
    """The sum of ``count`` integers: those of ``numbers``, or one of them again and again.

    Each is at least ``least``.
    """
    grid = numbers.elements.grid
    if grid is not None and grid.dim == 0 and numbers.ndim == 1 and grid.numbers:
        return added(grid.numbers)
    known = numbers.elements.numbers
    if known is not None and len(known) > 1:
        return sum(known)
    low, high = range_of(numbers)
    if low is not None and high is not None and (low is high or path.known(eq(low, high))):
        return low * count
    fewest = count * (least if low is None else maximum(low, least))
    return path.unknown(name, fewest, *(() if high is None else (count * high,)))


@shape_rule(torch.repeat_interleave, Tensor.repeat_interleave, unchecked=Unchecked.INDICES)
def repeat_interleave(
    path: Path,
    input: TensorSpec,
    repeats: Any = None,
    dim: int | None = None,
    *,
    output_size: Any = None,
) -> TensorSpec:
    if repeats is None:
        raise NoRule
    if isinstance(repeats, TensorSpec):
        if output_size is not None:
            raise NoRule
        return _repeated_each(path, input, repeats, dim)
    path.claim(ge(repeats, 0), "repeats {} >= 0", repeats)
    dims: tuple[Size, ...] = (input.numel(),)
    at = 0
    if dim is not None:
        dims, at = input.dims, axis(path, dim, input.ndim)
        if not input.ndim:
            refuse(path, "a tensor of at least one dimension")
    count = dims[at] * repeats
    if output_size is not None:
        path.claim(
            eq(output_size, count), "output_size {} == sum of repeats {}", output_size, count
        )
    return input.like((*dims[:at], count, *dims[at + 1 :]), values=input.values)
