"""Models and pages that the tests of this folder share."""

from __future__ import annotations

import functools

import torch
from torch import nn
from torch.nn import functional as F

from archlint.explanation.explain import explain
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


@functools.cache
def net_page() -> str:
    """The page of ``Net``, at a size that it refuses."""
    return explain_page(explain(Net().eval(), "N 3 H W", at="18x20"))


@functools.cache
def hostile_page() -> str:
    return explain_page(explain(Hostile().eval(), "N T 3"))
