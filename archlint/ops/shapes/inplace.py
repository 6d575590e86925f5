"""What every operator in place requires of the tensor that it writes to."""

from __future__ import annotations

from typing import Any

import torch

from archlint.ops.registry import Path, TensorSpec, refuse
from archlint.ops.shapes.strides import empty
from archlint.symbolic.formula import disj, le


def written(
    path: Path,
    name: str,
    target: TensorSpec,
    dtype: torch.dtype,
    values: Any = None,
    shared: bool = False,
) -> TensorSpec:
    """``target`` after an in-place operator whose result has ``dtype``.

    Claims that the dtype can be stored and that no two elements share memory, unless the operator
    is one that may write to ``shared`` memory, as it writes the same to all of it.
    """
    if dtype is not target.dtype and not torch.can_cast(dtype, target.dtype):
        refuse(path, f"a result that {str(target.dtype)[6:]} can hold, gets {str(dtype)[6:]}")
    for size, stride in zip(target.dims, target.strides or (), strict=False):
        if stride == 0 and not shared:
            path.claim(
                disj(le(size, 1), empty(target.dims)),
                "each element in memory of its own: expand() makes elements share it",
            )
    return target.like(target.dims, strides=target.strides, values=values)
