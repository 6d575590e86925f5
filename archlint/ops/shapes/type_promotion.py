"""The dtype of a result: PyTorch's type promotion and what each kind of operator makes of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from archlint.ops.registry import NoRule, Path, TensorSpec, refuse
from archlint.symbolic import Expr
from archlint.symbolic.formula import Bool
from archlint.symbolic.rational import Opaque, Ratio

INTEGRAL = frozenset({torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64})
FLOATING = frozenset({torch.float16, torch.bfloat16, torch.float32, torch.float64})
REAL = INTEGRAL | FLOATING | {torch.bool}

DtypeRule = Callable[[Path, str, torch.dtype], torch.dtype]
"""(path, operator name, promoted dtype of the inputs) -> dtype of the result, or a refusal."""


def _category(dtype: torch.dtype) -> int:
    if dtype not in REAL:
        raise NoRule(f"dtype {dtype}")
    return 2 if dtype in FLOATING else 1 if dtype in INTEGRAL else 0


def is_scalar(value: object) -> bool:
    """Whether it is a Python number, or what was made from sizes and stands for one."""
    return isinstance(value, (int, float, Expr, Ratio, Opaque))


def result_type(*operands: Any) -> torch.dtype:
    """The promoted dtype of tensors and Python numbers, as ``torch.result_type`` has it."""
    best: list[torch.dtype | None] = [None, None, None]  # tensors, 0-dim tensors, numbers
    for operand in operands:
        if isinstance(operand, TensorSpec):
            rank, dtype = (0 if operand.dims else 1), operand.dtype
        elif isinstance(operand, bool):
            rank, dtype = 2, torch.bool
        elif isinstance(operand, (int, Expr)):
            rank, dtype = 2, torch.int64
        elif isinstance(operand, (float, Ratio, Opaque)):
            rank, dtype = 2, torch.get_default_dtype()
        else:
            raise NoRule(f"an operand {operand!r}")
        _category(dtype)
        seen = best[rank]
        best[rank] = dtype if seen is None else torch.promote_types(seen, dtype)
    result: torch.dtype | None = None
    for dtype_ in best:
        if dtype_ is None:
            continue
        if result is None or _category(result) < _category(dtype_):
            result = dtype_
    assert result is not None
    return result


def one_dtype(path: Path, name: str, *operands: TensorSpec | None, unless: Bool = False) -> None:
    """Refuse operands of several dtypes; for operators that do not promote.

    ``unless``: where they are accepted all the same. What autocast makes of them is left to the
    kernels.
    """
    dtypes = dict.fromkeys(str(o.dtype)[6:] for o in operands if o is not None)
    if len(dtypes) > 1:
        if torch.is_autocast_enabled("cpu"):
            raise NoRule("autocast")
        path.claim(unless, f"{name} of one dtype, gets {' and '.join(dtypes)}")


def _refused(path: Path, name: str, dtype: torch.dtype) -> torch.dtype:
    refuse(path, f"a dtype that {name} supports, gets {str(dtype)[6:]}")
    raise AssertionError("refuse returned")


def same(path: Path, name: str, dtype: torch.dtype) -> torch.dtype:
    """Any dtype, unchanged."""
    _category(dtype)
    return dtype


def number(path: Path, name: str, dtype: torch.dtype) -> torch.dtype:
    """Any but bool, unchanged."""
    return dtype if _category(dtype) else _refused(path, name, dtype)


def floating(path: Path, name: str, dtype: torch.dtype) -> torch.dtype:
    """Floating point only, unchanged."""
    return dtype if _category(dtype) == 2 else _refused(path, name, dtype)


def integral(path: Path, name: str, dtype: torch.dtype) -> torch.dtype:
    """bool and integers only, unchanged."""
    return dtype if _category(dtype) < 2 else _refused(path, name, dtype)


def integer(path: Path, name: str, dtype: torch.dtype) -> torch.dtype:
    """Integers only (not bool), unchanged."""
    return dtype if _category(dtype) == 1 else _refused(path, name, dtype)


def to_float(path: Path, name: str, dtype: torch.dtype) -> torch.dtype:
    """Integers become the default floating dtype."""
    return dtype if _category(dtype) == 2 else torch.get_default_dtype()


def number_to_float(path: Path, name: str, dtype: torch.dtype) -> torch.dtype:
    """As :func:`to_float`, but bool is refused."""
    return to_float(path, name, number(path, name, dtype))


def to_bool(path: Path, name: str, dtype: torch.dtype) -> torch.dtype:
    """A truth value each."""
    _category(dtype)
    return torch.bool


def widened(path: Path, name: str, dtype: torch.dtype) -> torch.dtype:
    """bool becomes int64."""
    return dtype if _category(dtype) else torch.int64


def summed(path: Path, name: str, dtype: torch.dtype) -> torch.dtype:
    """bool and integers become int64 (what sums and products need)."""
    return dtype if _category(dtype) == 2 else torch.int64
