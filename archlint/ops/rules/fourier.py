"""``torch.fft``: transforms of one or more dimensions.

The sizes are those of ``aten/src/ATen/native/SpectralOps.cpp``. The results of MKL, with which
PyTorch computes them on x86, lie in memory with the transformed dimensions innermost
(``aten/src/ATen/native/mkl/SpectralOps.cpp``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch

from archlint.ops.registry import NoRule, Path, TensorSpec, refuse, shape_rule
from archlint.ops.rules.factories import made
from archlint.ops.rules.view import axis
from archlint.ops.shapes.strides import contiguous_strides, decide
from archlint.ops.shapes.type_promotion import FLOATING, INTEGRAL
from archlint.ops.torch_versions import EMPTY_FFT_BATCH
from archlint.ops.traits import Bounds
from archlint.symbolic import Size
from archlint.symbolic.formula import conj, eq, ge

_NORMS = (None, "backward", "forward", "ortho")
_COMPLEX = {torch.float32: torch.complex64, torch.float64: torch.complex128}
_REAL = {c: r for r, c in _COMPLEX.items()}
_MOST_DIMS = 7  # that MKL transforms at once
_LAST_TWO = (-2, -1)


class _Kind(NamedTuple):
    """What a transform does to its last dimension.

    ``real``: the input has to be real. ``halved``: the result has ``n // 2 + 1`` points.
    ``doubled``: by default ``n`` is ``2 * (size - 1)``, and the result is real. ``first``: the
    last dimension is transformed before the others. ``conjugate``: that of one dimension alone is
    the conjugate of what is computed.
    """

    real: bool = False
    halved: bool = False
    doubled: bool = False
    first: bool = False
    conjugate: bool = False


def _transform(
    path: Path,
    kind: _Kind,
    input: TensorSpec,
    numbers: Sequence[Size | None],
    axes: list[int],
    norm: str | None,
) -> TensorSpec:
    """``numbers``: of data points in each of ``axes``; ``None`` for the default."""
    whole = input.dtype in INTEGRAL or input.dtype is torch.bool
    real = torch.get_default_dtype() if whole else input.dtype
    real = _REAL.get(real, real)
    if norm not in _NORMS or real not in _COMPLEX or not axes or len(axes) > _MOST_DIMS:
        raise NoRule(f"norm {norm} of {input.dtype}")
    if kind.real and input.dtype in _REAL:
        raise NoRule(f"a real transform of {input.dtype}")
    path.claim(len(set(axes)) == len(axes), "dimensions that differ from one another")
    dims = list(input.dims)
    for at, number in zip(axes, numbers, strict=True):
        size = input.dims[at]
        default = 2 * (size - 1) if kind.doubled and at == axes[-1] else size
        points = default if number is None else number
        path.claim(ge(points, 1), "number of data points {} > 0", points)
        dims[at] = points // 2 + 1 if kind.halved and at == axes[-1] else points
    batch_sizes = [size for at, size in enumerate(input.dims) if at not in axes]
    if not EMPTY_FFT_BATCH and not decide(path, conj(*(ge(size, 1) for size in batch_sizes))):
        path.unknown_outcome(
            "whether a batch without elements is refused depends on the version of MKL"
        )
    if input.strides is not None:
        raise NoRule("a tensor that is not contiguous")
    last = axes[-1]
    others = sorted(axes[:-1])
    batch = [at for at in range(input.ndim) if at not in axes]
    if not kind.halved and not kind.doubled:
        order = batch + sorted(axes)
    else:
        order = [*batch, last, *others] if kind.first else [*batch, *others, last]
    dtype = real if kind.doubled else _COMPLEX[real]
    made = input.like(tuple(dims), dtype, _strides(dims, order))
    made.conjugate = kind.conjugate and len(axes) == 1
    return made


def _strides(dims: list[Size], order: list[int]) -> tuple[Size, ...] | None:
    """Those of a tensor whose dimensions lie in memory in this order."""
    if order == sorted(order):
        return None
    inner = contiguous_strides(tuple(dims[at] for at in order))
    return tuple(inner[order.index(at)] for at in range(len(dims)))


def _along_one(kind: _Kind, *functions: Callable[..., torch.Tensor]) -> None:
    @shape_rule(*functions, bounds=Bounds.UNKNOWN)
    def transform(
        path: Path,
        input: TensorSpec,
        n: Size | None = None,
        dim: int = -1,
        norm: str | None = None,
    ) -> TensorSpec:
        path.claim(input.ndim > 0, "at least one dimension", error=IndexError)
        return _transform(path, kind, input, [n], [axis(path, dim, input.ndim)], norm)


def _along_two(kind: _Kind, *functions: Callable[..., torch.Tensor]) -> None:
    @shape_rule(*functions, bounds=Bounds.UNKNOWN)
    def transform(
        path: Path,
        input: TensorSpec,
        s: Sequence[Size] | None = None,
        dim: Sequence[int] = _LAST_TWO,
        norm: str | None = None,
    ) -> TensorSpec:
        return _transform(path, kind, input, *_points(path, input, s, dim), norm)


def _along_many(kind: _Kind, *functions: Callable[..., torch.Tensor]) -> None:
    @shape_rule(*functions, bounds=Bounds.UNKNOWN)
    def transform(
        path: Path,
        input: TensorSpec,
        s: Sequence[Size] | None = None,
        dim: Sequence[int] | None = None,
        norm: str | None = None,
    ) -> TensorSpec:
        return _transform(path, kind, input, *_points(path, input, s, dim), norm)


def _points(
    path: Path, input: TensorSpec, s: Sequence[Size] | None, dim: Sequence[int] | None
) -> tuple[list[Size | None], list[int]]:
    s = (s,) if isinstance(s, int) else s
    dim = (dim,) if isinstance(dim, int) else dim
    if dim is None:
        count = input.ndim if s is None else len(s)
        path.claim(count <= input.ndim, "at least {} dimensions, gets {}", count, input.ndim)
        dim = range(input.ndim - count, input.ndim)
    axes = [axis(path, d, input.ndim) for d in dim]
    if s is None:
        return [None] * len(axes), axes
    if len(s) != len(axes):
        refuse(path, "as many sizes as dimensions, gets {} and {}", len(s), len(axes))
    return [None if n is None or decide(path, eq(n, -1)) else n for n in s], axes


_along_one(_Kind(), torch.fft.fft, torch.fft.ifft)
_along_one(_Kind(real=True, halved=True), torch.fft.rfft)
_along_one(_Kind(real=True, halved=True, conjugate=True), torch.fft.ihfft)
_along_one(_Kind(doubled=True), torch.fft.irfft, torch.fft.hfft)
_along_two(_Kind(), torch.fft.fft2, torch.fft.ifft2)
_along_two(_Kind(real=True, halved=True), torch.fft.rfft2)
_along_two(_Kind(real=True, halved=True, first=True, conjugate=True), torch.fft.ihfft2)
_along_two(_Kind(doubled=True), torch.fft.irfft2, torch.fft.hfft2)
_along_many(_Kind(), torch.fft.fftn, torch.fft.ifftn)
_along_many(_Kind(real=True, halved=True), torch.fft.rfftn)
_along_many(_Kind(real=True, halved=True, first=True, conjugate=True), torch.fft.ihfftn)
_along_many(_Kind(doubled=True), torch.fft.irfftn, torch.fft.hfftn)


@shape_rule(torch.fft.fftfreq)
def fftfreq(path: Path, n: Size, d: float = 1.0, **settings: Any) -> TensorSpec:
    return _frequencies(path, n, n, settings)


@shape_rule(torch.fft.rfftfreq)
def rfftfreq(path: Path, n: Size, d: float = 1.0, **settings: Any) -> TensorSpec:
    return _frequencies(path, n, n // 2 + 1, settings)


def _frequencies(path: Path, n: Size, count: Size, settings: dict[str, Any]) -> TensorSpec:
    dtype = settings.pop("dtype", None) or torch.get_default_dtype()
    if dtype not in FLOATING:
        raise NoRule(f"frequencies of {dtype}")
    if not decide(path, ge(n, 0)):
        raise NoRule("a negative number of data points")
    return made(path, (count,), settings, dtype)
