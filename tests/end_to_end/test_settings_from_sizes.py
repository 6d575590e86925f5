"""Settings of operators that are computed from sizes, and are 0 or negative at small ones."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import archlint


def image(x):
    """Expanded: its elements share memory."""
    return x[:, None, None].expand(-1, 4, 8, -1)


def ones(*sizes):
    return torch.ones(sizes)


CALLS = {
    "celu": lambda x, k: F.celu(x, k),
    "hardtanh": lambda x, k: F.hardtanh(x, 0.0, k),
    "softshrink": lambda x, k: F.softshrink(x, k),
    "elu": lambda x, k: F.elu(x, k),
    "divisor_override": lambda x, k: F.avg_pool2d(image(x), 2, divisor_override=k),
    "conv1d stride": lambda x, k: F.conv1d(x[:, None], ones(1, 1, 3), stride=k, padding=1),
    "conv2d dilation": lambda x, k: F.conv2d(image(x), ones(4, 4, 2, 2), dilation=k),
    "conv2d padding": lambda x, k: F.conv2d(image(x), ones(4, 4, 2, 2), padding=k),
    "conv2d kernel": lambda x, k: F.conv2d(image(x), ones(4, 4, abs(k), 1)),
    "conv3d padding": lambda x, k: F.conv3d(image(x)[:, None], ones(1, 1, 1, 1, 1), padding=k),
    "transposed stride": lambda x, k: F.conv_transpose2d(image(x), ones(4, 2, 2, 2), stride=k),
    "transposed padding": lambda x, k: F.conv_transpose2d(image(x), ones(4, 2, 3, 3), padding=k),
    "one_hot": lambda x, k: F.one_hot(torch.zeros(3, dtype=torch.int64), k),
    "fft2": lambda x, k: torch.fft.fft2(x, s=(k, 2)),
    "power": lambda x, k: torch.arange(x.shape[1]) ** k,
    "whole quotient": lambda x, k: torch.arange(x.shape[1]) // k,
    "remainder": lambda x, k: torch.arange(x.shape[1]) % k,
    "quotient of none": lambda x, k: torch.arange(max(k, 0)) // k,
    "uniform_ from": lambda x, k: torch.empty_like(x).uniform_(k, 1),
    "uniform_ to": lambda x, k: torch.empty_like(x).uniform_(to=k),
    "normal_": lambda x, k: torch.empty_like(x).normal_(0, k),
    "exponential_": lambda x, k: torch.empty_like(x).exponential_(k),
    "group_norm": lambda x, k: F.group_norm(image(x), k),
    "pixel_shuffle": lambda x, k: F.pixel_shuffle(image(x), k),
    "max_pool2d": lambda x, k: F.max_pool2d(image(x), 2, k),
    "topk": lambda x, k: x.topk(k).values,
    "unfold": lambda x, k: x.unfold(1, 2, k),
    "repeat": lambda x, k: x.repeat(1, k),
    "narrow": lambda x, k: x.narrow(1, k, 2),
    "multinomial": lambda x, k: torch.multinomial(ones(4), k),
}


class Called(nn.Module):
    def __init__(self, call, less):
        super().__init__()
        self.call, self.less = call, less

    def forward(self, x):
        return self.call(x, x.shape[1] - self.less)


@pytest.mark.parametrize("name", CALLS)
def test_no_setting_is_accepted_that_the_operator_refuses(name):
    model = Called(CALLS[name], 4)
    found = archlint.infer(model, "N T", paths=12, seconds=3)
    for size in range(1, 11):
        answer = found.accepts(N=2, T=size)
        if answer is None:
            continue
        try:
            real = tuple(model(torch.zeros(2, size)).shape)
        except (RuntimeError, ValueError, IndexError, ZeroDivisionError):
            real = None
        assert answer is (real is not None), size
        assert not answer or tuple(found.output(N=2, T=size)) == real
