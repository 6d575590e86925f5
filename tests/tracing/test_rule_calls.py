"""Tensors of one integer as arguments that are numbers, against runs at plain sizes."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import archlint

CASES = {
    "view": lambda x: x.view(x.shape[0], torch.div(x.shape[1], 4, rounding_mode="trunc"), 4),
    "view_of_a_tuple": lambda x: x.view((torch.floor_divide(x.shape[1], 2), -1)),
    "zeros": lambda x: torch.zeros(torch.tensor(x.shape[1]) // 2, 3).view(-1, 2),
    "arange": lambda x: torch.arange(torch.tensor(x.shape[1]) % 5).view(-1, 2),
    "expand": lambda x: x.expand(torch.tensor(x.shape[1]), -1, -1),
    "repeat": lambda x: x.repeat(torch.tensor(x.shape[1]), 2).view(-1, 4),
    "pad": lambda x: F.pad(x, (0, torch.tensor(x.shape[1]) % 4)).view(-1, 4),
    "resize": lambda x: F.interpolate(x[None], size=torch.tensor(x.shape[1]) * 2).view(-1, 4),
    "topk": lambda x: torch.topk(x, torch.tensor(x.shape[1]) - 3, 1)[0],
    "linspace": lambda x: torch.linspace(0, 1, torch.tensor(x.shape[1])).view(-1, 2),
    "roll": lambda x: x.unflatten(1, (-1, torch.tensor(4))).roll(torch.tensor(2), 1),
    "an_operand": lambda x: (x + torch.tensor(x.shape[1])).view(-1, 2),
    "root": lambda x: x.view(-1, math.gcd(int(torch.tensor(x.shape[1])), 4)),
}


class Calls(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


@pytest.mark.parametrize("name", CASES)
def test_a_tensor_of_one_integer_is_a_number(name):
    found = archlint.infer(Calls(CASES[name]), "N T")
    assert found.exact, found
    for n, t in itertools.product(range(1, 5), range(1, 13)):
        try:
            shape = tuple(CASES[name](torch.ones(n, t)).shape)
        except (RuntimeError, ValueError, IndexError):
            shape = None
        assert found.accepts(N=n, T=t) is (shape is not None), (n, t)
        assert found.output(N=n, T=t) == shape


class Masked(nn.Module):
    def forward(self, x, lengths):
        steps = torch.arange(lengths.max() + 1)
        return x[:, : steps.shape[0]] * (steps[None] <= lengths[:, None])


def test_an_integer_that_values_determine_is_a_number_within_its_bounds():
    lengths = {"shape": "N", "dtype": "int64", "below": "T"}
    found = archlint.infer(Masked(), {"x": "N T", "lengths": lengths})
    assert (found.exact, found.text) == (True, "any size")


PRODUCTS = {
    "sparse.mm": torch.sparse.mm,
    "mm": torch.mm,
    "matmul": torch.matmul,
    "operator": lambda adjacency, x: adjacency @ x,
    "mv": lambda adjacency, x: torch.mv(adjacency, x[:, 0]),
    "transposed": lambda adjacency, x: torch.sparse.mm(adjacency.t().coalesce(), x),
}


class Propagation(nn.Module):
    def __init__(self, product):
        super().__init__()
        self.product = product
        self.register_buffer("adjacency", torch.eye(5, 3).to_sparse())

    def forward(self, x):
        return self.product(self.adjacency, x)


@pytest.mark.parametrize("name", PRODUCTS)
def test_a_sparse_weight_multiplies_as_a_dense_one(name):
    model = Propagation(PRODUCTS[name])
    found = archlint.infer(model, "V F")
    assert found.exact, found
    for v, f in itertools.product(range(1, 7), (1, 4)):
        try:
            shape = tuple(model(torch.ones(v, f)).shape)
        except RuntimeError:
            shape = None
        assert found.output(V=v, F=f) == shape


@pytest.mark.parametrize(
    "function",
    [
        lambda adjacency, x: adjacency + x,
        lambda adjacency, x: torch.sparse_coo_tensor([[0]], x[0, :1], (x.shape[0],)).coalesce(),
        lambda adjacency, x: x.to_sparse().coalesce().values(),
    ],
)
def test_other_uses_of_sparse_tensors_are_not_followed(function):
    found = archlint.infer(Propagation(function), "V F")
    assert any("layout than strided" in reason for reason in found.reasons), found
