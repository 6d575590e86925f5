"""Claims that many operators make: on numbers of dimensions, dtypes, and sizes that are equal."""

from __future__ import annotations

import torch

from archlint.ops.registry import Path, TensorSpec
from archlint.symbolic import Size
from archlint.symbolic.formula import Bool, eq

Dims = tuple[Size, ...]


def claim_ndim(path: Path, what: str, tensor: TensorSpec, *numbers: int) -> None:
    """Claim that ``what`` has one of these numbers of dimensions."""
    _ndim(path, what, tensor, tensor.ndim in numbers, " or ".join(map(str, numbers)))


def claim_least_ndim(path: Path, what: str, tensor: TensorSpec, least: int) -> None:
    """Claim that ``what`` has at least so many dimensions."""
    _ndim(path, what, tensor, tensor.ndim >= least, f"at least {least}")


def claim_most_ndim(path: Path, what: str, tensor: TensorSpec, most: int) -> None:
    """Claim that ``what`` has at most so many dimensions."""
    _ndim(path, what, tensor, tensor.ndim <= most, f"at most {most}")


def _ndim(path: Path, what: str, tensor: TensorSpec, fits: bool, wanted: str) -> None:
    if not fits:
        noun = "dimension" if wanted.rpartition(" ")[2] == "1" else "dimensions"
        path.claim(False, f"{what} of {wanted} {noun}, gets {{}}", tensor.ndim)


def claim_dtype(
    path: Path, what: str, tensor: TensorSpec, *dtypes: torch.dtype, unless: Bool = False
) -> None:
    """Claim that ``what`` has one of the dtypes, or that the condition ``unless`` holds."""
    if tensor.dtype not in dtypes:
        wanted = " or ".join(map(dtype_name, dtypes))
        path.claim(unless, f"{what} of {wanted}, gets {dtype_name(tensor.dtype)}")


def dtype_name(dtype: torch.dtype) -> str:
    """``float32``."""
    return str(dtype).removeprefix("torch.")


def claim_equal(path: Path, have: Size, need: Size, text: str) -> None:
    """Claim that two sizes are equal; ``text`` has a place for each."""
    if have != need:
        path.claim(eq(have, need), text, have, need)


def claim_same_sizes(path: Path, have: Dims, need: Dims, text: str) -> None:
    """:func:`claim_equal` for the sizes of two shapes, up to the end of the shorter one."""
    for one, other in zip(have, need, strict=False):
        claim_equal(path, one, other, text)
