"""The names under which PyTorch offers one operator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

_HOMES: tuple[Any, ...] = (
    torch,
    torch.Tensor,
    torch.nn.functional,
    torch.special,
    torch.linalg,
    torch._C._nn,
)


def spellings(*names: str) -> tuple[Callable[..., Any], ...]:
    """Every function of these names: ``torch.relu``, ``Tensor.relu``, ``F.relu``, …

    A name that this version of PyTorch lacks is left out.
    """
    functions = (getattr(home, name, None) for name in names for home in _HOMES)
    return tuple(dict.fromkeys(f for f in functions if callable(f)))


def methods(*names: str) -> tuple[Callable[..., Any], ...]:
    """The tensor methods of these names that this version of PyTorch has."""
    functions = (getattr(torch.Tensor, name, None) for name in names)
    return tuple(dict.fromkeys(f for f in functions if f is not None))
