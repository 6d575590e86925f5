"""Models and pages that the tests of this folder share."""

from __future__ import annotations

import functools

import torch
from torch import nn
from torch.nn import functional as F

from archlint.engine.python_contracts import contract_of, source_of
from archlint.explanation.explain import explain_source
from archlint.explanation.explanation import Explanation
from archlint.report.page.model_page import explain_page

HOSTILE = "</script><img src=x onerror=alert(1)>"


class Head(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm2d(4)
        self.fc = nn.Linear(4 * 64, 2)

    def forward(self, x):
        return self.fc(self.norm(x).flatten(1))


class Net(nn.Module):
    """Accepts 15 and 16 pixels, and other sizes with as many features."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, 2, 1)
        self.head = Head()

    def forward(self, x):
        return self.head(torch.relu(self.conv(x)))


class Hostile(nn.Module):
    def __init__(self):
        super().__init__()
        self.parts = nn.ModuleDict({HOSTILE: nn.Linear(12, 2)})

    def forward(self, x):
        if x.shape[1] == 7:
            raise ValueError(HOSTILE)
        return self.parts[HOSTILE](F.relu(x).flatten(1))


class Skips(nn.Module):
    """Two branches of which one skips a module."""

    def __init__(self):
        super().__init__()
        self.block = nn.Sequential(nn.Conv2d(3, 3, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
        self.up = nn.Upsample(scale_factor=2)

    def forward(self, x):
        return self.up(self.block(x)) + x


def explained(model: nn.Module, input: str, at: str | None = None) -> Explanation:
    """An explanation with the model's cost."""
    contract = contract_of(input=input, accepts="any size")
    with source_of(model.eval()) as source:
        return explain_source(source, contract.input, at, costs=True)


@functools.cache
def net_page() -> str:
    """The page of ``Net``, at a size that it refuses."""
    return explain_page(explained(Net(), "N 3 H W", "18x20"))


@functools.cache
def skips_page() -> str:
    """The page of ``Skips``, at sizes that it accepts."""
    return explain_page(explained(Skips(), "N 3 H W", "8x8"))


@functools.cache
def hostile_page() -> str:
    return explain_page(explained(Hostile(), "N T 3"))
