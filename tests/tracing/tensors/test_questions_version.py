"""``x._version``: how often a tensor was written is some number, unless nothing was written."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import archlint


class Remembered(nn.Module):
    """Keeps the versions of its parameters' tensors, as kornia's augmentations do."""

    def forward(self, x):
        y = x.clone()
        y.add_(1)
        self.seen = tuple((v, v._version if not v.is_inference() else -1) for v in (x, y))
        return y


class Compared(nn.Module):
    def __init__(self, most):
        super().__init__()
        self.most = most

    def forward(self, x):
        y = x.clone()
        for _ in range(2):
            y.mul_(2)
        return y[:, :1] if y._version > self.most else y


class OfInput(nn.Module):
    def forward(self, x):
        return x[:, :1] if x._version > 0 else x


def test_a_version_that_nobody_compares_decides_nothing():
    found = archlint.infer(Remembered(), "N C T")
    assert found.exact, found.reasons
    assert found.output(N=2, C=3, T=4) == (2, 3, 4)


def test_an_input_has_version_0():
    found = archlint.infer(OfInput(), "N C T")
    assert found.exact
    assert found.output(N=2, C=3, T=4) == (2, 3, 4)


@pytest.mark.parametrize("most", [-1, 0, 1, 2, 9])
def test_a_version_that_is_compared_takes_both_ways(most):
    found = archlint.infer(Compared(most), "N C T")
    for channels in (1, 3):
        real = list(Compared(most)(torch.zeros(2, channels, 4)).shape)
        if found.accepts(N=2, C=channels, T=4):
            output = found.output(N=2, C=channels, T=4)
            assert all(not isinstance(a, int) or a == b for a, b in zip(output, real, strict=True))
    assert found.exact == (most == -1)
