"""What a model returns besides tensors is named by the type that the real model gives it."""

import numpy as np
import pytest
import torch
from torch import nn

import archlint
from archlint.tracing.outputs import structure

NUMBERS = {
    "sizes": lambda x: (x, x.shape[2], (x.shape[2] // 2, 7)),
    "flags": lambda x: {"x": x, "even": x.shape[2] % 2 == 0, "plain": True},
    "numpy": lambda x: (x, np.prod(x.shape), np.sqrt(x.shape[2]), np.float32(0.5)),
    "fractions": lambda x: [x, x.numel() / 2, x.shape[2] * 0.5, 2.5],
}


class Gives(nn.Module):
    def __init__(self, output):
        super().__init__()
        self.output = output

    def forward(self, x):
        return self.output(x)


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_made_from_sizes(name):
    found = archlint.infer(Gives(NUMBERS[name]).eval(), "N 2 T")
    assert (found.text, found.exact) == ("any size", True), found.reasons
    real = structure(NUMBERS[name](torch.ones(3, 2, 5)), lambda t: tuple(t.shape), torch.is_tensor)
    assert found.output(N=3, T=5) == real
