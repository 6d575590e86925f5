"""Reading an image at other places: interpolation, sampling by a grid, and grids to sample by."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any, Union

import torch
import torch.nn.functional as F

from archlint.ops.registry import NoRule, Path, TensorSpec, refuse, shape_rule
from archlint.ops.rules.adaptive_pool import (
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    adaptive_avg_pool3d,
)
from archlint.ops.shapes.claims import claim_ndim
from archlint.ops.shapes.sliding_window import claim_positive, followed_layout
from archlint.symbolic import Expr, Size, ceildiv, floordiv, mod
from archlint.symbolic.float_products import FloatProduct, floor_of_product
from archlint.symbolic.formula import conj, disj, eq, ge
from archlint.symbolic.rational import (
    Opaque,
    Ratio,
    approximate,
    compares_exactly,
    ratio_mul,
    ratio_of,
    reduced,
)

Scale = Union[float, Ratio, Opaque, Size]
_SMALL = 1 << 8  # denominators below this: sizes below 2**31 stay further from a whole number

_AREA = {1: adaptive_avg_pool1d, 2: adaptive_avg_pool2d, 3: adaptive_avg_pool3d}
_LINEAR = {"linear": 1, "bilinear": 2, "bicubic": 2, "trilinear": 3}
_NEAREST = ("nearest", "nearest-exact")


def scaled(path: Path, size: Size, scale: Scale) -> Size:
    """``int(size * scale)`` as PyTorch computes it, in double; ``NoRule`` where that is unclear.

    A number by a size (``800 / H``) is a rounded double, and so is the product: where the exact one
    is whole, it may be one less.
    """
    if isinstance(size, int) and isinstance(scale, (int, float)):
        return int(size * scale)
    ratio = ratio_of(scale)
    if ratio is not None and ratio.rounded and compares_exactly(path.known, ratio):
        product = size * ratio.num
        most = floordiv(product, ratio.den)
        less = ceildiv(product, ratio.den) - 1
        return path.unknown(f"the rounding of {size} * {ratio}", less, most)
    if ratio is not None and isinstance(ratio.num, int) and ratio.num < 0:
        raise NoRule("a negative scale_factor")
    exact = None if ratio is None else ratio_mul(Ratio(size), ratio)
    if exact is not None and isinstance(exact.den, int):
        return exact.floor()
    if isinstance(scale, float) and scale > 0 and isinstance(size, Expr):
        rounded = floor_of_product(path, FloatProduct(size, Fraction(scale)))
        if rounded is not None:
            return rounded
    return _scaled_with_roundings(path, size, scale)


def _scaled_with_roundings(path: Path, size: Size, scale: Scale) -> Size:
    """The product with a float that was rounded, ``(w0 + 0.1) / 14``.

    Where the exact product is no whole number, it is further from one than all roundings together.
    """
    found = approximate(scale)
    product = None if found is None else reduced(size * found[0].num, found[0].den)
    if (
        product is None
        or not isinstance(product.den, int)
        or not 0 < product.den < _SMALL
        or path.known(ge(product.num, 0)) is not True
    ):
        raise NoRule(f"a size times {scale}, which a double does not represent exactly")
    most = product.floor()
    if path.branch(eq(mod(product.num, product.den), 0)):
        return path.unknown(f"the rounding of {size} * {scale}", most - 1, most)
    return most


def _resize(path: Path, n: int, input: TensorSpec, outputs: tuple[Size, ...]) -> TensorSpec:
    batch, channels, *space = input.dims
    claim_positive(path, *space, what="an input size")
    claim_positive(path, *outputs, what="an output size")
    claim_positive(path, channels, what="channels")
    return followed_layout(path, input, (batch, channels, *outputs))


def _dtype_known(n: int, input: TensorSpec, mode: str, antialias: bool) -> None:
    whole = mode in _NEAREST or (n == 2 and mode != "area")
    if antialias and input.dtype in (torch.float16, torch.bfloat16):
        raise NoRule(f"antialias of {input.dtype}")
    if not (input.dtype.is_floating_point or (whole and input.dtype == torch.uint8)):
        raise NoRule(f"interpolate of {input.dtype}")


def _per_side(path: Path, value: Any, n: int, name: str) -> tuple[Any, ...]:
    if not isinstance(value, (list, tuple)):
        return (value,) * n
    if len(value) != n:
        refuse(path, f"{name} of {n} numbers, gets {{}}", len(value))
    return tuple(value)


@shape_rule(F.interpolate)
def interpolate(
    path: Path,
    input: TensorSpec,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> TensorSpec:
    n = input.ndim - 2
    if mode in (*_NEAREST, "area"):
        if align_corners is not None:
            refuse(path, f"align_corners=None with mode {mode!r}, gets {align_corners}")
    elif mode not in _LINEAR:
        raise NoRule(f"interpolate by {mode}")
    if (size is None) == (scale_factor is None):
        refuse(path, "either size or scale_factor")
    if size is not None and recompute_scale_factor:
        refuse(path, "scale_factor instead of size with recompute_scale_factor")
    if antialias and not (mode in ("bilinear", "bicubic") and n == 2):
        refuse(path, "antialias with bilinear or bicubic and 4 dimensions, gets {}", n + 2)
    if n not in (1, 2, 3) or _LINEAR.get(mode, n) != n:
        want = _LINEAR[mode] + 2 if mode in _LINEAR else "3 to 5"
        refuse(path, f"an input of {want} dimensions for mode {mode!r}, gets {{}}", n + 2)
    if size is not None:
        outputs = _per_side(path, size, n, "size")
    else:
        scales = _per_side(path, scale_factor, n, "scale_factor")
        outputs = tuple(scaled(path, s, f) for s, f in zip(input.dims[2:], scales, strict=True))
    if not all(isinstance(out, (int, Expr)) for out in outputs):
        raise NoRule("an output size that is not a whole number")
    _dtype_known(n, input, mode, antialias)
    if mode == "area":
        return _AREA[n](path, input, outputs)
    return _resize(path, n, input, outputs)


def _upsample(
    path: Path, n: int, input: TensorSpec, output_size: Any, scales: Any, mode: str, antialias: bool
) -> TensorSpec:
    claim_ndim(path, "an input", input, n + 2)
    _dtype_known(n, input, mode, antialias)
    if output_size is None:
        if not isinstance(scales, (list, tuple)):
            refuse(path, "either output_size or scale_factors")
        factors = _per_side(path, scales, n, "scale_factors")
        outputs = tuple(scaled(path, s, f) for s, f in zip(input.dims[2:], factors, strict=True))
    else:
        if isinstance(scales, (list, tuple)):
            refuse(path, "either output_size or scale_factors")
        if not isinstance(output_size, (list, tuple)):
            raise NoRule("an output_size that is not a list")
        outputs = _per_side(path, output_size, n, "output_size")
    return _resize(path, n, input, outputs)


def _nearest_of(n: int) -> Callable[..., TensorSpec]:
    def upsample_nearest(
        path: Path,
        input: TensorSpec,
        output_size: Any = None,
        scale_factors: Any = None,
        *scales: float | None,
        **scales_by_name: float | None,
    ) -> TensorSpec:
        return _upsample(path, n, input, output_size, scale_factors, "nearest", False)

    return upsample_nearest


def _linear_of(n: int, mode: str, antialias: bool) -> Callable[..., TensorSpec]:
    def upsample_linear(
        path: Path,
        input: TensorSpec,
        output_size: Any,
        align_corners: bool,
        scale_factors: Any = None,
        *scales: float | None,
        **scales_by_name: float | None,
    ) -> TensorSpec:
        return _upsample(path, n, input, output_size, scale_factors, mode, antialias)

    return upsample_linear


_nn = torch._C._nn

for _n, _ops in (
    (1, (_nn.upsample_nearest1d, _nn._upsample_nearest_exact1d)),
    (2, (_nn.upsample_nearest2d, _nn._upsample_nearest_exact2d)),
    (3, (_nn.upsample_nearest3d, _nn._upsample_nearest_exact3d)),
):
    shape_rule(*_ops)(_nearest_of(_n))
for _op, _n, _mode, _antialias in (
    (_nn.upsample_linear1d, 1, "linear", False),
    (_nn.upsample_bilinear2d, 2, "bilinear", False),
    (_nn.upsample_bicubic2d, 2, "bicubic", False),
    (_nn.upsample_trilinear3d, 3, "trilinear", False),
    (_nn._upsample_bilinear2d_aa, 2, "bilinear", True),
    (_nn._upsample_bicubic2d_aa, 2, "bicubic", True),
):
    shape_rule(_op)(_linear_of(_n, _mode, _antialias))


@shape_rule(torch.grid_sampler)
def grid_sampler(
    path: Path,
    input: TensorSpec,
    grid: TensorSpec,
    interpolation_mode: int,
    padding_mode: int,
    align_corners: bool,
) -> TensorSpec:
    if input.dtype != grid.dtype or not input.dtype.is_floating_point:
        raise NoRule("grid_sample of mixed or whole-number dtypes")
    if input.ndim not in (4, 5) or grid.ndim != input.ndim:
        refuse(path, "input and grid of 4 or 5 dimensions, get {} and {}", input.ndim, grid.ndim)
    if interpolation_mode == 2 and input.ndim == 5:
        raise NoRule("bicubic grid_sample of 5 dimensions is not in every version")
    path.claim(
        eq(input.dims[0], grid.dims[0]), "batch {} == batch of the grid {}", input.dims[0],
        grid.dims[0],
    )  # fmt: skip
    last, n = grid.dims[-1], input.ndim - 2
    path.claim(eq(last, n), f"last size {{}} of the grid == {n}", last)
    for size in input.dims[2:]:
        path.claim(ge(size, 1), "a size {} > 0", size)
    return input.like((*input.dims[:2], *grid.dims[1:-1]))


@shape_rule(F.grid_sample)
def grid_sample(
    path: Path,
    input: TensorSpec,
    grid: TensorSpec,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> TensorSpec:
    modes = ("bilinear", "nearest", "bicubic")
    paddings = ("zeros", "border", "reflection")
    if mode not in modes or padding_mode not in paddings:
        wanted = f"mode in {modes} and padding_mode in {paddings}"
        refuse(path, f"{wanted}, gets {mode!r} and {padding_mode!r}")
    return grid_sampler(path, input, grid, modes.index(mode), 0, bool(align_corners))


@shape_rule(F.affine_grid)
def affine_grid(
    path: Path,
    theta: TensorSpec,
    size: list[Size] | tuple[Size, ...],
    align_corners: bool | None = None,
) -> TensorSpec:
    if theta.dtype not in (torch.float32, torch.float64):
        raise NoRule(f"affine_grid of {theta.dtype}")
    n = len(size) - 2
    if n not in (2, 3):
        refuse(path, "a size of 4 or 5 numbers, gets {}", len(size))
    claim_ndim(path, "theta", theta, 3)
    batch, rows, columns = theta.dims
    shape = conj(eq(rows, n), eq(columns, n + 1))
    path.claim(shape, f"theta of {n} x {n + 1}, gets {{}} x {{}}", rows, columns)
    space = tuple(size[2:])
    positive = conj(*(ge(s, 1) for s in size))
    if align_corners:  # F.affine_grid looks no further once a side is 1
        thin = conj(*(ge(s, 1) for s in space), disj(*(eq(s, 1) for s in space)))
        positive = disj(positive, thin)
    path.claim(positive, "sizes > 0, gets " + " ".join("{}" for _ in size), *size)
    path.claim(eq(batch, size[0]), "batch of theta {} == batch {} of size", batch, size[0])
    return theta.like((size[0], *space, n))
