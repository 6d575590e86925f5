"""What training keeps besides a model's parameters: gradients and the state of an optimizer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import nn

from archlint.contracts.cost_budget import OPTIMIZERS
from archlint.engine.cost.parameters import bytes_of


@dataclass(frozen=True)
class Training:
    """The optimizer by name, and the bytes of all gradients and of its state."""

    optimizer: str
    gradient_bytes: int
    optimizer_bytes: int


def training(
    weights: Iterable[nn.Parameter], optimizer: str, dtype: torch.dtype | None = None
) -> Training:
    """What parameters that require gradients need; ``optimizer`` is one of :data:`OPTIMIZERS`."""
    size = sum(bytes_of(p, dtype) for p in weights if p.requires_grad)
    return Training(optimizer, size, size * OPTIMIZERS[optimizer])
