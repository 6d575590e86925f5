"""Writes to tensors whose elements share memory: which of them PyTorch refuses."""

from __future__ import annotations

import warnings

import pytest
import torch
from torch import nn

import archlint

SHARED = {
    "rows": lambda x: x[:1].clone().expand(3, -1),
    "columns": lambda x: x[:, :1].clone().expand(-1, 3),
    "a number": lambda x: torch.zeros(()).expand(2, x.shape[1]),
    "part": lambda x: x[:1].clone().expand(4, -1)[1:, ::2],
    "turned": lambda x: x[:1].clone().expand(3, -1).T,
    "windows": lambda x: x.clone().unfold(1, 2, 1)[0],
}
WRITES = {
    "zero_": lambda y: y.zero_(),
    "fill_": lambda y: y.fill_(1),
    "init": lambda y: nn.init.constant_(y, 1.0),
    "item": lambda y: y.__setitem__(0, 1),
    "all items": lambda y: y.__setitem__(slice(None), 1.0),
    "masked item": lambda y: y.__setitem__(y > 0, 1.0),
    "items": lambda y: y.__setitem__([0], 1.0),
    "items of a tensor": lambda y: y.__setitem__(torch.tensor([0]), torch.ones(y.shape[1])),
    "every other": lambda y: y.__setitem__((slice(None, None, 2), [0]), 2),
    "add_": lambda y: y.add_(1),
    "exp_": lambda y: y.exp_(),
    "clamp_": lambda y: y.clamp_(0),
    "copy_": lambda y: y.copy_(torch.ones(y.shape)),
    "masked_fill_": lambda y: y.masked_fill_(torch.ones(y.shape) > 0, 1),
    "index_fill_": lambda y: y.index_fill_(0, torch.tensor([0]), 1),
    "index_put_": lambda y: y.index_put_((torch.tensor([0]),), torch.tensor(1.0)),
    "index_add_": lambda y: y.index_add_(0, torch.tensor([0]), torch.ones(1, y.shape[1])),
    "index_copy_": lambda y: y.index_copy_(0, torch.tensor([0]), torch.ones(1, y.shape[1])),
    "scatter_": lambda y: y.scatter_(0, torch.zeros(1, y.shape[1]).long(), 1.0),
    "tril_": lambda y: y.tril_(),
    "fill_diagonal_": lambda y: y.fill_diagonal_(1),
    "normal_": lambda y: y.normal_(),
    "bernoulli_": lambda y: y.bernoulli_(),
    "lerp_": lambda y: y.lerp_(y, 0.5),
    "out": lambda y: torch.exp(torch.ones(y.shape), out=y),
}


class Writes(nn.Module):
    def __init__(self, share, write):
        super().__init__()
        self.share, self.write = share, write

    def forward(self, x):
        self.write(self.share(x))
        return x


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("share", SHARED)
def test_writes_to_shared_memory(share):
    known = 0
    for name, write in WRITES.items():
        model = Writes(SHARED[share], write)
        found = archlint.infer(model, "N T")
        for n, t in ((1, 1), (1, 2), (2, 3), (3, 2), (2, 5)):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    model(torch.zeros(n, t))
                    accepts = True
                except (RuntimeError, IndexError):
                    accepts = False
            assert found.accepts(N=n, T=t) in (None, accepts), (name, n, t)
        known += found.exact
    assert known > len(WRITES) / 2
