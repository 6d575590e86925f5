"""Numbers that a dtype cannot hold: ``x.half().masked_fill(mask, -1e9)`` is refused."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import torch

from archlint.ops.registry import Path
from archlint.symbolic import Expr
from archlint.symbolic.formula import conj, ge

_NARROW = {
    torch.uint8: (-255, 255), torch.int8: (-128, 127), torch.int16: (-(2**15), 2**15 - 1),
    torch.float16: (-65504, 65504),
}  # fmt: skip
_SMALL = 127
_INT64 = range(-(2**63), 2**63)


def claim_holds(path: Path, dtype: torch.dtype, value: Any, always: bool = False) -> None:
    """Claim that elements of a dtype can be filled with a number; nothing for a tensor.

    PyTorch converts a float without this check where it fills a single element, unless the
    operator checks ``always``: what is beyond a floating-point dtype is not known then.
    """
    if isinstance(value, Expr):
        if dtype not in _NARROW:
            return
        low, high = _NARROW[dtype]
        held = conj(ge(value, low), ge(high, value))
        if path.known(held) is True:
            return
    elif isinstance(value, (int, float)):
        if 0 <= value <= _SMALL or (not _is_long(value) and _takes(dtype, value)):
            return
        held = False
    else:
        return
    name = str(dtype)[6:]
    if _is_long(value) or (dtype.is_floating_point and not always and not path.branch(held)):
        path.unknown_outcome(f"whether PyTorch fills {name} with {value} is not known")
    if held is not False:
        path.claim(held, f"a number that {name} holds, gets {{}}", value)
    else:
        path.claim(held, f"a number that {name} holds, gets {value}")


def _is_long(value: Any) -> bool:
    """Whether it is an integer that PyTorch's own integers do not hold."""
    return type(value) is int and value not in _INT64


@lru_cache(maxsize=1024, typed=True)
def _takes(dtype: torch.dtype, value: float) -> bool:
    """Whether PyTorch itself fills two elements with the number."""
    try:
        torch.zeros(2, dtype=dtype, device="cpu").fill_(value)
    except (RuntimeError, TypeError, OverflowError, ValueError):
        return False
    return True
