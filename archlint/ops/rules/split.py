"""Tensors cut into pieces: unbind, len, iteration, split and chunk.

The number of pieces is a Python number. Where it depends on the sizes, the rule branches on it.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch

from archlint.ops.aliases import spellings
from archlint.ops.registry import NoRule, Path, TensorSpec, shape_rule
from archlint.ops.rules.indexing import slice_bounds
from archlint.ops.rules.view import axis, reordered
from archlint.ops.shapes.claims import claim_least_ndim
from archlint.ops.shapes.strides import decide, restrided
from archlint.ops.traits import Bounds, View, declare_traits
from archlint.symbolic import Expr, Size, ceildiv, floordiv, mod
from archlint.symbolic.formula import eq, ge, gt, le
from archlint.symbolic.quantify_unknowns import unknowns_in

Tensor = torch.Tensor
MOST_PIECES = 64
FEW = 3  # pieces, where their number depends on values
MOST_PATHS = 8  # numbers of pieces, each of which is a path


class Pieces(NamedTuple):
    """What an operator returns whose number of results is a size: runs of equal results."""

    runs: list[tuple[TensorSpec, Size]]


def _are_many(path: Path, count: Size) -> bool:
    """Whether the number of pieces may stay a size, for loops that serve it."""
    if not isinstance(count, Expr) or not getattr(path, "follows_loops", False):
        return False
    return not unknowns_in(count)


def pieces(path: Path, count: Size) -> int:
    """A number of pieces as a Python number, by branching; it has to be small."""
    if unknowns_in(count) and path.known(le(count, FEW)) is not True:
        path.unknown_outcome("tensor values determine how often the model loops over a tensor")
    if isinstance(count, int):
        return count
    for k in range(MOST_PIECES + 1):
        if decide(path, eq(count, k)):
            return k
    raise NoRule


@shape_rule(Tensor.__len__)
def length(path: Path, input: TensorSpec) -> int:
    path.claim(input.ndim > 0, "a tensor of at least one dimension")
    before_number = getattr(path, "before_number", None)
    if before_number is not None and isinstance(input.dims[0], Expr):
        before_number()  # a ``len`` that keeps the size may serve the caller
    return pieces(path, input.dims[0])


@shape_rule(torch.unbind, Tensor.unbind, view=View.PIECES, bounds=Bounds.PART)
def unbind(path: Path, input: TensorSpec, dim: int = 0) -> tuple[TensorSpec, ...] | Pieces:
    path.claim(input.ndim > 0, "a tensor of at least one dimension")
    at = axis(path, dim, input.ndim)
    piece = reordered(input, [d for d in range(input.ndim) if d != at])
    if _are_many(path, input.dims[at]):
        return Pieces([(piece, input.dims[at])])
    return (piece,) * pieces(path, input.dims[at])


@shape_rule(Tensor.__iter__, view=View.PIECES)
def iterate(path: Path, input: TensorSpec) -> Any:
    return iter(unbind(path, input, 0))


def cut(input: TensorSpec, at: int, lengths: Sequence[Size]) -> tuple[TensorSpec, ...]:
    """Views of ``lengths`` along dimension ``at``."""
    before, after = input.dims[:at], input.dims[at + 1 :]
    views = {n: restrided(input, (*before, n, *after), lambda old: old) for n in set(lengths)}
    return tuple(views[n] for n in lengths)


def _equal_cuts(input: TensorSpec, at: int, length: Size, count: int) -> tuple[TensorSpec, ...]:
    """``count`` pieces of ``length``, the last one what is left."""
    last = input.dims[at] - length * (count - 1)
    return cut(input, at, [*[length] * (count - 1), last])


@shape_rule(
    *(torch.split, Tensor.split),
    *(torch.split_with_sizes, Tensor.split_with_sizes),
    view=View.PIECES,
    bounds=Bounds.PART,
)
def split(
    path: Path,
    tensor: TensorSpec,
    split_size_or_sections: Any = None,
    dim: int = 0,
    *,
    split_size: Any = None,
    split_sizes: Any = None,
) -> tuple[TensorSpec, ...] | Pieces:
    length = split_size_or_sections if split_size is None else split_size
    length = length if split_sizes is None else split_sizes
    path.claim(tensor.ndim > 0, "a tensor of at least one dimension")
    at = axis(path, dim, tensor.ndim)
    size = tensor.dims[at]
    if isinstance(length, (list, tuple)):
        for n in length:
            path.claim(ge(n, 0), "a piece of length {} >= 0", n)
        total = sum(length)
        path.claim(eq(total, size), "sum of the pieces {} == size {}", total, size)
        return cut(tensor, at, length)
    path.claim(ge(length, 0), "pieces of length {} >= 0", length)
    if decide(path, eq(length, 0)):
        path.claim(eq(size, 0), "size {} == 0 for pieces of length 0", size)
        return cut(tensor, at, [0])
    if _are_many(path, ceildiv(size, length)):
        return _run_of_cuts(path, tensor, at, length)
    if isinstance(size, int) and isinstance(length, int):
        return _equal_cuts(tensor, at, length, max(1, -(-size // length)))
    for count in range(1, MOST_PIECES + 1):
        if decide(path, le(size, length * count)):
            return _equal_cuts(tensor, at, length, count)
    raise NoRule


def _run_of_cuts(path: Path, tensor: TensorSpec, at: int, length: Size) -> Pieces:
    """Pieces of ``length``, and what is left."""
    size = tensor.dims[at]
    whole = floordiv(size, length)
    runs = [(cut(tensor, at, [length])[0], whole)] if decide(path, ge(whole, 1)) else []
    rest = size - length * whole
    if not decide(path, eq(rest, 0)):
        runs.append((cut(tensor, at, [rest])[0], 1))
    elif not runs:
        runs.append((cut(tensor, at, [0])[0], 1))
    return Pieces(runs)


@shape_rule(torch.chunk, Tensor.chunk, view=View.PIECES, bounds=Bounds.PART)
def chunk(
    path: Path, input: TensorSpec, chunks: Any, dim: int = 0
) -> tuple[TensorSpec, ...] | Pieces:
    path.claim(input.ndim > 0, "a tensor of at least one dimension")
    path.claim(gt(chunks, 0), "chunks {} > 0", chunks)
    at = axis(path, dim, input.ndim)
    size = input.dims[at]
    if _are_many(path, chunks):
        return split(path, input, ceildiv(size, chunks), at)
    if not isinstance(chunks, int):
        chunks = pieces(path, chunks)
    if chunks == 1:
        return cut(input, at, [size])
    if decide(path, eq(size, 0)):
        return cut(input, at, [0] * chunks)
    if mod(size, chunks) == 0:
        return cut(input, at, [floordiv(size, chunks)] * chunks)
    length = ceildiv(size, chunks)
    if chunks > MOST_PATHS and _are_many(path, ceildiv(size, length)):
        return _run_of_cuts(path, input, at, length)
    count = chunks
    while count > 1 and not decide(path, gt(size, length * (count - 1))):
        count -= 1
    return _equal_cuts(input, at, length, count)


@shape_rule(torch.tensor_split, Tensor.tensor_split, view=View.PIECES, bounds=Bounds.PART)
def tensor_split(
    path: Path,
    input: TensorSpec,
    indices_or_sections: Any = None,
    dim: int = 0,
    *,
    indices: Any = None,
    sections: Any = None,
) -> tuple[TensorSpec, ...]:
    how = next(h for h in (indices_or_sections, indices, sections) if h is not None)
    if isinstance(how, TensorSpec):
        raise NoRule
    path.claim(input.ndim > 0, "a tensor of at least one dimension")
    at = axis(path, dim, input.ndim)
    size = input.dims[at]
    if isinstance(how, (list, tuple)):
        return _cut_at(path, input, at, how)
    path.claim(gt(how, 0), "sections {} > 0", how)
    count = how if isinstance(how, int) else pieces(path, how)
    return cut(input, at, [floordiv(size + count - 1 - k, count) for k in range(count)])


def _cut_at(
    path: Path, input: TensorSpec, at: int, indices: Sequence[Size]
) -> tuple[TensorSpec, ...]:
    bounds = [0, *indices, input.dims[at]]
    slices = [slice(*pair) for pair in itertools.pairwise(bounds)]
    lengths = [slice_bounds(path, s, input.dims[at])[1] for s in slices]
    return cut(input, at, lengths)


def _along(path: Path, input: TensorSpec, how: Any, at: int) -> tuple[TensorSpec, ...]:
    """hsplit, vsplit and dsplit: ``tensor_split`` that wants equal sections."""
    if isinstance(how, int):
        path.claim(how != 0, "a number of sections other than 0")
        path.claim(eq(mod(input.dims[at], how), 0), "size {} divisible by {}", input.dims[at], how)
    elif not isinstance(how, (list, tuple)):
        raise NoRule
    return tensor_split(path, input, how, at)


@shape_rule(torch.hsplit, Tensor.hsplit, view=View.PIECES)
def hsplit(path: Path, input: TensorSpec, how: Any) -> tuple[TensorSpec, ...]:
    claim_least_ndim(path, "an input", input, 1)
    return _along(path, input, how, 0 if input.ndim == 1 else 1)


@shape_rule(torch.vsplit, Tensor.vsplit, view=View.PIECES)
def vsplit(path: Path, input: TensorSpec, how: Any) -> tuple[TensorSpec, ...]:
    claim_least_ndim(path, "an input", input, 2)
    return _along(path, input, how, 0)


@shape_rule(torch.dsplit, Tensor.dsplit, view=View.PIECES)
def dsplit(path: Path, input: TensorSpec, how: Any) -> tuple[TensorSpec, ...]:
    claim_least_ndim(path, "an input", input, 3)
    return _along(path, input, how, 2)


declare_traits(
    *spellings("unsafe_chunk", "unsafe_split", "unsafe_split_with_sizes"), view=View.PIECES
)
