"""Matrix functions whose kernels branch on sizes, or refuse elements; others run as kernels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch

from archlint.ops.aliases import spellings
from archlint.ops.registry import NoRule, Path, TensorSpec, refuse, shape_rule
from archlint.ops.rules.matmul import matmul
from archlint.ops.rules.view import axis
from archlint.ops.shapes.claims import claim_dtype, claim_least_ndim, claim_ndim
from archlint.ops.shapes.strides import contiguous_strides, empty, unknown_strides
from archlint.ops.shapes.type_promotion import FLOATING, REAL, result_type
from archlint.ops.torch_versions import EMPTY_LARGEST
from archlint.ops.traits import Bounds
from archlint.symbolic import Size
from archlint.symbolic.formula import disj, eq, ge

_FACTORED = (torch.float32, torch.float64)


def _square(path: Path, input: TensorSpec) -> Size:
    claim_least_ndim(path, "an input", input, 2)
    rows, columns = input.dims[-2:]
    path.claim(eq(rows, columns), "a square matrix, gets {} x {}", rows, columns)
    return rows


def _by_columns(input: TensorSpec) -> TensorSpec:
    """A result that lies in memory column by column, as LAPACK leaves it."""
    *batch, rows, columns = contiguous_strides((*input.dims[:-2], *input.dims[:-3:-1]))
    return input.like(input.dims, strides=(*batch, columns, rows))


@shape_rule(torch.linalg.cholesky)
def cholesky(path: Path, input: TensorSpec, *, upper: bool = False) -> TensorSpec:
    if input.dtype not in _FACTORED:
        raise NoRule(f"cholesky of {input.dtype}")
    _square(path, input)
    return _by_columns(input)


@shape_rule(torch.linalg.cholesky_ex)
def cholesky_ex(
    path: Path, input: TensorSpec, *, upper: bool = False, check_errors: bool = False
) -> tuple[TensorSpec, TensorSpec]:
    return cholesky(path, input), input.like(input.dims[:-2], torch.int32)


@shape_rule(torch.linalg.lstsq)
def lstsq(
    path: Path,
    input: TensorSpec,
    B: TensorSpec,
    rcond: float | None = None,
    *,
    driver: str | None = None,
) -> tuple[TensorSpec, TensorSpec, TensorSpec, TensorSpec]:
    if input.dtype not in _FACTORED or driver not in (None, "gelsy"):
        raise NoRule(f"lstsq of {input.dtype} by {driver}")
    claim_least_ndim(path, "an input", input, 2)
    claim_dtype(path, "a right-hand side", B, input.dtype)
    path.claim(B.ndim >= 1, "a right-hand side of at least 1 dimension")
    path.claim(input.ndim - B.ndim in (0, 1), "a right-hand side of {} dimensions", input.ndim)
    *batch, rows, columns = input.dims
    *others, height = B.dims if input.ndim > B.ndim else B.dims[:-1]
    path.claim(eq(rows, height), "rows {} == {} of the right-hand side", rows, height)
    if any(path.known(eq(a, b)) is not True for a, b in zip(batch, others, strict=True)):
        raise NoRule("batches that are broadcast")
    dims = (*batch, columns, *(B.dims[-1:] if input.ndim == B.ndim else ()))
    solution = input.like(dims, strides=unknown_strides(dims, "linalg.lstsq"))
    rank = input.like(tuple(batch), torch.int64)
    return solution, input.like((0,)), rank, input.like((0,))


@shape_rule(torch.linalg.matrix_norm)
def matrix_norm(
    path: Path,
    input: TensorSpec,
    ord: Any = "fro",
    dim: Sequence[int] = (-2, -1),
    keepdim: bool = False,
    *,
    dtype: torch.dtype | None = None,
) -> TensorSpec:
    if input.dtype not in _FACTORED or dtype is not None:
        raise NoRule(f"a norm of {input.dtype} as {dtype}")
    claim_least_ndim(path, "an input", input, 2)
    path.claim(len(dim) == 2, "2 dimensions of the matrix, gets {}", len(dim))
    first, second = axis(path, dim[0], input.ndim), axis(path, dim[1], input.ndim)
    path.claim(first != second, "two different dimensions, gets {} twice", first)
    if ord not in ("fro", "nuc") and (
        not isinstance(ord, (int, float)) or (not math.isinf(ord) and abs(ord) not in (1, 2))
    ):
        refuse(path, f"ord 1, 2, inf, 'fro' or 'nuc', gets {ord!r}")
    rest = [d for d in range(input.ndim) if d not in (first, second)]
    if isinstance(ord, (int, float)) and (ord < 0 or not EMPTY_LARGEST):
        _claim_chosen(path, input, ord, first, second, rest)
    dims: list[Size] = [1 if d in (first, second) else size for d, size in enumerate(input.dims)]
    return input.like(tuple(dims) if keepdim else tuple(input.dims[d] for d in rest))


def _claim_chosen(
    path: Path, input: TensorSpec, order: float, first: int, second: int, rest: list[int]
) -> None:
    """A norm that is a minimum or a maximum needs an element to choose from."""
    kind = abs(order)
    chosen = (first, second) if kind == 2 else (second,) if kind == 1 else (first,)
    text = "sizes that are not 0, gets " + " x ".join("{}" for _ in chosen)
    sizes = [input.dims[d] for d in chosen]
    none = empty(tuple(input.dims[d] for d in rest))
    for size in sizes:
        path.claim(disj(ge(size, 1), none), text, *sizes)


@shape_rule(*spellings("pdist"))
def pdist(path: Path, input: TensorSpec, p: float = 2) -> TensorSpec:
    if input.dtype not in _FACTORED:
        raise NoRule(f"pdist of {input.dtype}")
    claim_ndim(path, "an input", input, 2)
    path.claim(p >= 0, f"p >= 0, gets {p}")
    rows = input.dims[0]
    return input.like(((rows * (rows - 1)) // 2,))


@shape_rule(*spellings("kron"), bounds=Bounds.UNKNOWN)
def kron(path: Path, input: TensorSpec, other: TensorSpec) -> TensorSpec:
    if input.dtype not in REAL or other.dtype not in REAL:
        raise NoRule(f"kron of {input.dtype} and {other.dtype}")
    if input.strides is not None or other.strides is not None:
        raise NoRule("a matrix that is not contiguous: some views of the product raise")
    ndim = max(input.ndim, other.ndim)
    ones: tuple[Size, ...] = (1,)
    left = ones * (ndim - input.ndim) + input.dims
    right = ones * (ndim - other.ndim) + other.dims
    dims = tuple(a * b for a, b in zip(left, right, strict=True))
    return input.like(dims, result_type(input, other))


@shape_rule(torch.linalg.multi_dot)
def multi_dot(path: Path, tensors: Sequence[TensorSpec]) -> TensorSpec:
    path.claim(len(tensors) >= 2, "at least 2 tensors, gets {}", len(tensors))
    if any(t.dtype is not tensors[0].dtype or t.dtype not in FLOATING for t in tensors):
        raise NoRule("other dtypes")
    for at, tensor in enumerate(tensors):
        ends = at in (0, len(tensors) - 1)
        fits = tensor.ndim == 2 or (ends and tensor.ndim == 1)
        path.claim(fits, "a matrix, gets {} dimensions", tensor.ndim)
    result = tensors[0]
    for tensor in tensors[1:]:
        result = matmul(path, result, tensor)
    return result


def _powers(path: Path, input: TensorSpec, number: Size) -> TensorSpec:
    if input.dtype not in REAL or input.dtype is torch.bool:
        raise NoRule(f"powers of {input.dtype}")
    dtype = input.dtype if input.dtype in FLOATING else torch.int64
    return input.like((*input.dims, number), dtype)


@shape_rule(torch.vander, bounds=Bounds.UNKNOWN)
def vander(
    path: Path, x: TensorSpec, N: Size | None = None, increasing: bool = False
) -> TensorSpec:
    path.claim(x.ndim == 1, "a vector, gets {} dimensions", x.ndim)
    number = x.dims[0] if N is None else N
    path.claim(ge(number, 0), "N {} >= 0", number)
    return _powers(path, x, number)


@shape_rule(torch.linalg.vander, bounds=Bounds.UNKNOWN)
def linalg_vander(path: Path, x: TensorSpec, *, N: Size | None = None) -> TensorSpec:
    if not x.ndim:
        raise NoRule("a scalar")
    number = x.dims[-1] if N is None else N
    path.claim(ge(number, 2), "N {} > 1", number)
    return _powers(path, x, number)
