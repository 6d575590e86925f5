"""Products of matrices and vectors."""

from __future__ import annotations

from typing import Any

import torch

from archlint.ops.aliases import methods, spellings
from archlint.ops.registry import NoRule, Path, TensorSpec, refuse, shape_rule
from archlint.ops.shapes import type_promotion as promote
from archlint.ops.shapes.axes import wrapped
from archlint.ops.shapes.broadcast import broadcast, broadcast_onto
from archlint.ops.shapes.claims import claim_equal, claim_same_sizes
from archlint.ops.shapes.inplace import written
from archlint.ops.traits import declare_traits
from archlint.symbolic import Size, product
from archlint.symbolic.formula import disj, eq

INNER = "inner sizes {} and {} equal"


def same_dtype(path: Path, name: str, *specs: TensorSpec) -> None:
    """Refuse operands of different dtypes, and bool: matrix products do not promote."""
    promote.number(path, name, specs[0].dtype)
    promote.one_dtype(path, name, *specs)


def _rank(path: Path, name: str, spec: TensorSpec, rank: int) -> None:
    path.claim(spec.ndim == rank, f"{name} of {rank}-dimensional tensors, gets {{}}", spec.ndim)


def product_flops(result: TensorSpec, input: TensorSpec, *_: Any, **__: Any) -> Size:
    """Two for each element of the result and of the size that is summed, the input's last."""
    return product((2, *result.dims, input.dims[-1]))


def _matmul_flops(result: TensorSpec, input: TensorSpec, other: TensorSpec) -> Size:
    """As :func:`product_flops`; a matrix times a vector counts nothing."""
    return product_flops(result, input) if other.ndim > 1 else 0


def _added_flops(result: TensorSpec, input: TensorSpec, *factors: Any, **named: Any) -> Size:
    left = factors[0] if factors else named["mat1" if "mat1" in named else "batch1"]
    return product_flops(result, left)


@shape_rule(
    *(*spellings("matmul"), *methods("__matmul__")),
    raises=(RuntimeError,),
    factors=(0, 1),
    flops=_matmul_flops,
)
def matmul(path: Path, input: TensorSpec, other: TensorSpec) -> TensorSpec:
    if not isinstance(other, TensorSpec):
        raise NoRule(f"matmul with {other!r}")
    if not input.dims or not other.dims:
        refuse(path, "matmul of tensors of at least 1 dimension")
    same_dtype(path, "matmul", input, other)
    left = input.dims if input.ndim > 1 else (1, *input.dims)
    right = other.dims if other.ndim > 1 else (*other.dims, 1)
    claim_equal(path, left[-1], right[-2], INNER)
    batch = left[:-2]
    if right[:-2] != batch:
        batch = broadcast(path, batch, right[:-2])
    rows = left[-2:-1] if input.ndim > 1 else ()
    columns = right[-1:] if other.ndim > 1 else ()
    return input.like((*batch, *rows, *columns))


@shape_rule(
    *methods("__rmatmul__"),
    raises=(RuntimeError,),
    factors=(1, 0),
    flops=lambda result, input, other: _matmul_flops(result, other, input),
)
def rmatmul(path: Path, input: TensorSpec, other: TensorSpec) -> TensorSpec:
    return matmul(path, other, input)


def _product(path: Path, name: str, input: TensorSpec, other: TensorSpec) -> TensorSpec:
    same_dtype(path, name, input, other)
    if input.ndim == 3:
        claim_equal(path, input.dims[0], other.dims[0], "batch sizes {} and {} equal")
    claim_equal(path, input.dims[-1], other.dims[-2], INNER)
    return input.like((*input.dims[:-1], other.dims[-1]))


@shape_rule(*spellings("mm"), raises=(RuntimeError,), factors=(0, 1), flops=product_flops)
def mm(path: Path, input: TensorSpec, mat2: TensorSpec) -> TensorSpec:
    _rank(path, "mm", input, 2)
    _rank(path, "mm", mat2, 2)
    return _product(path, "mm", input, mat2)


@shape_rule(*spellings("bmm"), raises=(RuntimeError,), factors=(0, 1), flops=product_flops)
def bmm(path: Path, input: TensorSpec, mat2: TensorSpec) -> TensorSpec:
    _rank(path, "bmm", input, 3)
    _rank(path, "bmm", mat2, 3)
    return _product(path, "bmm", input, mat2)


@shape_rule(*spellings("mv"), raises=(RuntimeError,), factors=(0, 1))
def mv(path: Path, input: TensorSpec, vec: TensorSpec) -> TensorSpec:
    _rank(path, "mv", input, 2)
    _rank(path, "mv", vec, 1)
    same_dtype(path, "mv", input, vec)
    claim_equal(path, input.dims[1], vec.dims[0], INNER)
    return input.like(input.dims[:1])


@shape_rule(torch.dot, *methods("dot"), torch.inner, *methods("inner"), raises=(RuntimeError,))
def dot(path: Path, input: TensorSpec, tensor: TensorSpec) -> TensorSpec:
    if input.ndim != 1 or tensor.ndim != 1:
        raise NoRule("inner product of more than vectors")
    same_dtype(path, "dot", input, tensor)
    claim_equal(path, input.dims[0], tensor.dims[0], INNER)
    return input.like(())


@shape_rule(*spellings("outer", "ger"), raises=(RuntimeError,))
def outer(path: Path, input: TensorSpec, vec2: TensorSpec) -> TensorSpec:
    _rank(path, "outer", input, 1)
    _rank(path, "outer", vec2, 1)
    return input.like((*input.dims, *vec2.dims), promote.result_type(input, vec2))


def _added(path: Path, name: str, input: TensorSpec, product: TensorSpec) -> TensorSpec:
    same_dtype(path, name, input, product)
    broadcast_onto(path, input.dims, product.dims)
    return product


@shape_rule(*spellings("addmm"), raises=(RuntimeError,), factors=(1, 2), flops=_added_flops)
def addmm(
    path: Path,
    input: TensorSpec,
    mat1: TensorSpec,
    mat2: TensorSpec,
    *,
    beta: Any = 1,
    alpha: Any = 1,
) -> TensorSpec:
    return _added(path, "addmm", input, mm(path, mat1, mat2))


@shape_rule(*spellings("baddbmm"), raises=(RuntimeError,), factors=(1, 2), flops=_added_flops)
def baddbmm(
    path: Path,
    input: TensorSpec,
    batch1: TensorSpec,
    batch2: TensorSpec,
    *,
    beta: Any = 1,
    alpha: Any = 1,
) -> TensorSpec:
    return _added(path, "baddbmm", input, bmm(path, batch1, batch2))


@shape_rule(*spellings("addbmm"), factors=(1, 2))
def addbmm(
    path: Path,
    input: TensorSpec,
    batch1: TensorSpec,
    batch2: TensorSpec,
    *,
    beta: Any = 1,
    alpha: Any = 1,
) -> TensorSpec:
    total = bmm(path, batch1, batch2)
    return _added(path, "addbmm", input, total.like(total.dims[1:]))


@shape_rule(inplace=methods("addmm_", "baddbmm_"), raises=(RuntimeError,), factors=(1, 2))
def added_into(
    path: Path,
    input: TensorSpec,
    left: TensorSpec,
    right: TensorSpec,
    *,
    beta: Any = 1,
    alpha: Any = 1,
) -> TensorSpec:
    """The product must have the target's very shape."""
    product = (mm if input.ndim == 2 else bmm)(path, left, right)
    text = "a target of {} dimensions, as the product has, gets {}"
    path.claim(product.ndim == input.ndim, text, product.ndim, input.ndim)
    same_dtype(path, "addmm", input, product)
    dims = product.dims
    claim_same_sizes(path, input.dims, dims, "size {} of the target == size {} of the product")
    return written(path, "addmm", input, product.dtype)


def _tensordot_flops(
    result: TensorSpec, a: TensorSpec, b: TensorSpec, dims: Any = 2, out: Any = None
) -> Size:
    """Two for each element of the result and of the sizes that are summed."""
    if isinstance(dims, int):
        summed = a.dims[a.ndim - dims :]
    else:
        first = dims[0] if isinstance(dims[0], (list, tuple)) else [dims[0]]
        summed = tuple(a.dims[d] for d in first)
    return product((2, *result.dims, *summed))


@shape_rule(torch.functional.tensordot, flops=_tensordot_flops)
def tensordot(
    path: Path, a: TensorSpec, b: TensorSpec, dims: Any = 2, out: Any = None
) -> TensorSpec:
    """``dims``: how many of a's last and b's first dimensions, or the lists of both."""
    if out is not None:
        raise NoRule("out=")
    if isinstance(dims, int) and not isinstance(dims, bool):
        if not 0 <= dims <= min(a.ndim, b.ndim):
            refuse(path, f"dims {dims} in 0..{min(a.ndim, b.ndim)}")
        pairs = [list(range(a.ndim - dims, a.ndim)), list(range(dims))]
    elif isinstance(dims, (list, tuple)) and len(dims) == 2:
        pairs = [
            [wrapped(path, spec.ndim, d) for d in (g if isinstance(g, (list, tuple)) else [g])]
            for spec, g in zip((a, b), dims, strict=True)
        ]
    else:
        raise NoRule(f"dims {dims!r}")
    text = "as many dims of the first tensor as of the second, gets {} and {}"
    path.claim(len(pairs[0]) == len(pairs[1]), text, len(pairs[0]), len(pairs[1]))
    same_dtype(path, "tensordot", a, b)
    for i, j in zip(*pairs, strict=True):
        m, n = a.dims[i], b.dims[j]
        path.claim(disj(eq(m, n), eq(m, 1), eq(n, 1)), "contracted sizes {} and {} equal", m, n)
    if any(len(set(p)) < len(p) for p in pairs):
        refuse(path, "each contracted dimension once")
    left = [d for i, d in enumerate(a.dims) if i not in pairs[0]]
    right = [d for j, d in enumerate(b.dims) if j not in pairs[1]]
    return a.like((*left, *right))


def _inner_flops(result: TensorSpec, input: TensorSpec, *_: Any, **__: Any) -> Size:
    """As a product of matrices; of two vectors it counts nothing."""
    return product_flops(result, input) if result.dims else 0


def _ordered_flops(result: TensorSpec, *_: Any, **__: Any) -> Size:
    raise NoRule("a product of several matrices, in an order that PyTorch chooses")


declare_traits(torch.inner, *methods("inner"), flops=_inner_flops)
declare_traits(
    *(torch.chain_matmul, torch.linalg.multi_dot),
    *spellings("matrix_power"),
    flops=_ordered_flops,
)
declare_traits(*spellings("addmv", "addmv_", "addbmm_"), factors=(1, 2))
