"""A copy of a tensor with one of its views overwritten: select_scatter and its kin."""

from __future__ import annotations

from archlint.ops.aliases import spellings
from archlint.ops.registry import Path, TensorSpec, shape_rule
from archlint.ops.rules.indexing import sliced
from archlint.ops.rules.view import axis, diagonal, select
from archlint.ops.shapes.claims import claim_ndim, claim_same_sizes
from archlint.ops.shapes.strides import (
    Strides,
    decide,
    deferred,
    elementwise_strides,
    settled_strides,
)
from archlint.ops.traits import Unchecked
from archlint.symbolic import Size
from archlint.symbolic.formula import gt


def _with_view(path: Path, input: TensorSpec, view: TensorSpec, src: TensorSpec) -> TensorSpec:
    """The result where ``src`` replaces ``view``; no broadcasting."""
    claim_ndim(path, "a source", src, view.ndim)
    claim_same_sizes(path, src.dims, view.dims, "source size {} == view size {}")
    if input.strides is None:
        return input.like(input.dims)

    def settle(path: Path) -> Strides | None:
        own = settled_strides(path, input)
        pairs = zip(input.dims, own or (), strict=False)
        shared = any(step == 0 and decide(path, gt(size, 1)) for size, step in pairs)
        return elementwise_strides(path, [input], input.dims) if shared else own

    return input.like(input.dims, strides=deferred(path, input.dims, [input], settle))


@shape_rule(*spellings("select_scatter"), unchecked=Unchecked.INDICES)
def select_scatter(
    path: Path, input: TensorSpec, src: TensorSpec, dim: int, index: Size
) -> TensorSpec:
    return _with_view(path, input, select(path, input, dim, index), src)


@shape_rule(*spellings("slice_scatter"), unchecked=Unchecked.INDICES)
def slice_scatter(
    path: Path,
    input: TensorSpec,
    src: TensorSpec,
    dim: int = 0,
    start: Size | None = None,
    end: Size | None = None,
    step: Size = 1,
) -> TensorSpec:
    path.claim(input.ndim > 0, "a tensor of at least one dimension")
    view = sliced(path, input, axis(path, dim, input.ndim), slice(start, end, step))
    return _with_view(path, input, view, src)


@shape_rule(*spellings("diagonal_scatter"), unchecked=Unchecked.INDICES)
def diagonal_scatter(
    path: Path,
    input: TensorSpec,
    src: TensorSpec,
    offset: Size = 0,
    dim1: int = 0,
    dim2: int = 1,
) -> TensorSpec:
    return _with_view(path, input, diagonal(path, input, offset, dim1, dim2), src)
