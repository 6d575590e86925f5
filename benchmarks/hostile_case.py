"""What hostile models share.

``SURVIVES`` names those that a process survives, so that they can also run inside pytest.
"""

from __future__ import annotations

import os
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

HERE = os.path.dirname(os.path.abspath(__file__))
SURVIVES: list[str] = []
ENDS: list[str] = []


def survives(model: Any) -> Any:
    SURVIVES.append(model.__name__)
    return model


def ends(model: Any) -> Any:
    """Its process ends, or is stopped by the time limit."""
    ENDS.append(model.__name__)
    return model


def good() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())


class Forward(nn.Module):
    """A model whose forward does something beside."""

    def effect(self) -> None:
        raise NotImplementedError

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.effect()
        return F.relu(x)
