"""Gradients and the state of optimizers, against those of ``torch.optim``."""

import pytest
import torch
from torch import nn

from archlint.contracts.cost_budget import OPTIMIZERS
from archlint.engine.cost.training import training

CLASSES = {
    "sgd": torch.optim.SGD, "rmsprop": torch.optim.RMSprop, "adagrad": torch.optim.Adagrad,
    "adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "nadam": torch.optim.NAdam,
    "radam": torch.optim.RAdam, "adamax": torch.optim.Adamax, "adadelta": torch.optim.Adadelta,
    "sgd-momentum": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9),
}  # fmt: skip


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_state_after_a_step(name):
    model = nn.Sequential(nn.Linear(30, 40), nn.Linear(40, 50))
    model[0].bias.requires_grad_(False)
    optimizer = CLASSES[name]([p for p in model.parameters() if p.requires_grad])
    model(torch.rand(2, 30)).sum().backward()
    optimizer.step()
    gradients = sum(p.grad.nbytes for p in model.parameters() if p.grad is not None)
    state = sum(
        v.nbytes
        for each in optimizer.state.values()
        for v in each.values()
        if isinstance(v, torch.Tensor) and v.ndim
    )
    found = training(model.parameters(), name)
    assert (found.gradient_bytes, found.optimizer_bytes) == (gradients, state)
    halved = training(model.parameters(), name, torch.bfloat16)
    assert halved.gradient_bytes * 2 == gradients
