"""A size divided by another: regions of windows, ranges and tables whose length is a quotient.

Elsewhere than on a path its divisor may be 0. Each model runs at all sizes of a range.
"""

from __future__ import annotations

import random

import pytest
import torch
from torch import nn

import archlint

SIZES = range(1, 90)


class Regions(nn.Module):
    """Cuts ``(T+a)//b`` pieces in ``(T+c)//d`` regions, each of so many pieces."""

    def __init__(self, use, modulus, pieces, regions):
        super().__init__()
        self.use, self.modulus, self.pieces, self.regions = use, modulus, pieces, regions
        self.table = nn.Embedding(9, 2)

    def forward(self, x):
        length = x.shape[1]
        if length % self.modulus:
            raise ValueError(length)
        (a, b), (c, d) = self.pieces, self.regions
        pieces, regions = (length + a) // b, (length + c) // d
        each = pieces // regions
        return self.use(self, x.new_zeros(x.shape[0], pieces), pieces, regions, each)


def table(model, x, pieces, regions, each):
    return model.table(torch.arange(each))


def relative(model, x, pieces, regions, each):
    at = torch.arange(each)
    return model.table(at[:, None] - at[None, :] + 4)


def regrouped(model, x, pieces, regions, each):
    if pieces % each:
        raise ValueError(pieces)
    x = x.reshape(x.shape[0], pieces // each, each)
    return torch.cat([x, x.new_zeros(1, regions, 1).expand(x.shape[0], regions, 1)], 2)


def grid(model, x, pieces, regions, each):
    if pieces % each:
        raise ValueError(pieces)
    x = x[:, :, None] * x[:, None, :]
    x = x.reshape(x.shape[0], pieces // each, each, pieces // each, each).transpose(2, 3)
    return x.reshape(-1, each * each).reshape(x.shape[0], pieces, pieces)


def without_a_rule(model, x, pieces, regions, each):
    return torch.combinations(torch.arange(each + 1), 2), x.unfold(1, each, each)


def drawn(seed):
    draw = random.Random(seed)
    modulus = draw.choice([1, 2, 4, 6, 8])
    pieces = draw.choice([(0, 1), (1, 2), (2, 4), (3, 4), (0, 2)])
    regions = draw.choice([(0, 8), (7, 8), (0, 6), (11, 12), (6, 12)])
    use = draw.choice([table, relative, regrouped, grid, without_a_rule])
    return Regions(use, modulus, pieces, regions)


def result(model, size):
    try:
        out = model(torch.zeros(2, size))
    except (ValueError, IndexError, RuntimeError, ZeroDivisionError):
        return None
    return out


@pytest.mark.parametrize("seed", range(24))
def test_quotients(seed):
    model = drawn(seed)
    found = archlint.infer(model, "N T", seconds=30)
    assert found.exact, found.reasons
    for size in SIZES:
        out = result(model, size)
        assert found.accepts(N=2, T=size) == (out is not None), size
        if isinstance(out, torch.Tensor):
            assert list(found.output(N=2, T=size)) == list(out.shape)
