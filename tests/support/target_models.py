"""Targets of models that tests define."""

import sys

import torch
from torch import nn

from archlint.contracts.contract import ModelRef
from archlint.models.targets import resolve


def ref(target, *args, **kwargs):
    return ModelRef("m", target, args, kwargs)


def source_of(factory, tmp_path, monkeypatch):
    import types

    module = types.ModuleType("lean_test_module")
    module.factory = factory
    monkeypatch.setitem(sys.modules, "lean_test_module", module)
    return resolve(ref("lean_test_module:factory"), tmp_path)


class Rich(nn.Module):
    """Every kind of tensor that constructors make."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(16, 64, 3)
        self.norm = nn.BatchNorm2d(64)
        self.lstm = nn.LSTM(32, 64)
        self.head = nn.Linear(64, 100, dtype=torch.float64)
        self.attend = nn.TransformerEncoder(
            nn.TransformerEncoderLayer(32, 2, 64, batch_first=True), 2
        )
        self.position = nn.Parameter(torch.zeros(1, 50, 32))
        nn.init.trunc_normal_(self.position, std=0.02)
        nn.init.kaiming_normal_(self.conv.weight)
        nn.init.orthogonal_(self.head.weight)
        table = torch.zeros(64, 32)
        steps = torch.arange(64).unsqueeze(1).float()
        table[:, 0::2] = torch.sin(steps * torch.linspace(0, 1, 16))
        self.register_buffer("table", table + torch.ones(32))
        self.register_buffer("index", torch.arange(4096).view(64, 64))
        self.register_buffer("mask", torch.ones(64, 64, dtype=torch.bool).tril())
        self.register_buffer("zeros", torch.full((2000,), 0))
        self.rates = [r.item() for r in torch.linspace(0, 0.1, 8)]
        self.plain = torch.randn(40, 40).new_ones(50, 50)
        self.tied = self.conv.weight
