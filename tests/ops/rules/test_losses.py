"""Losses run as kernels, which do not check class indices on symbolic sizes."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import archlint
from archlint.ops.traits import Unchecked, traits_of


class Loss(nn.Module):
    def __init__(self, function, target):
        super().__init__()
        self.function = function
        self.register_buffer("target", target)

    def forward(self, x):
        return self.function(x, self.target)


def test_a_target_that_may_be_out_of_range_is_not_proved():
    model = Loss(F.cross_entropy, torch.tensor([0, 4]))
    with pytest.raises(IndexError, match="out of bounds"):
        model(torch.ones(2, 3))
    found = archlint.infer(model, "2 C")
    assert not found.exact
    assert "indices are not checked" in str(found.reasons)


def test_a_loss_without_indices_is_exact():
    assert archlint.infer(Loss(F.mse_loss, torch.ones(2, 5)), "2 C").exact


@pytest.mark.parametrize("name", ["nll_loss_nd", "cross_entropy_loss", "multi_margin_loss"])
def test_losses_are_declared(name):
    assert traits_of(getattr(torch._C._nn, name)).unchecked is Unchecked.INDICES
