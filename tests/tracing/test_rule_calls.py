"""Tensors of one integer as arguments that are numbers, against runs at plain sizes."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import archlint
from archlint.ops.registry import RULES
from archlint.ops.torch_versions import TENSOR_AS_LIST
from archlint.tracing.rule_calls import _key

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
    "roll": lambda x: x.unflatten(1, (-1, torch.tensor(4))).roll((torch.tensor(2),), 1),
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


def whole(x):
    """The number 2, as a tensor of which the value is known by a formula."""
    return torch.tensor(x.shape[1]) * 0 + 2


LISTS = {
    "roll": lambda x: x.roll(whole(x), 1),
    "roll_by_a_constant": lambda x: x.roll(torch.tensor(2), 1),
    "roll_by_several": lambda x: x.roll(torch.tensor([1, 2]), (0, 1)),
    "roll_by_a_float": lambda x: x.roll(torch.tensor(2.0), 1),
    "sum": lambda x: x[None].sum(whole(x)),
    "sum_by_name": lambda x: torch.sum(x[None], dim=whole(x)),
    "amax": lambda x: x[None].amax(whole(x)),
    "std": lambda x: x[None].std(whole(x), correction=0),
    "logsumexp": lambda x: x[None].logsumexp(whole(x)),
    "norm": lambda x: torch.linalg.vector_norm(x[None], dim=whole(x)),
    "fft": lambda x: torch.fft.fftn(x, whole(x)),
    "stride": lambda x: F.conv1d(x[None], torch.ones(3, x.shape[0], 1), stride=whole(x)),
    "pool": lambda x: F.avg_pool1d(x, whole(x)),
    "pool_in_python": lambda x: F.lp_pool1d(x, 2, whole(x)),
    "asked_for_its_length": lambda x: F.adaptive_avg_pool2d(x[None], whole(x)),
    "flip": lambda x: x[None].flip(whole(x)),
    "zeros": lambda x: torch.zeros(whole(x)),
    "tile": lambda x: x.tile(whole(x)),
}
AS_NUMBERS = ("flip", "zeros", "tile")
UNKNOWN = ("asked_for_its_length", "roll_by_several", "roll_by_a_float")


@pytest.mark.parametrize("name", LISTS)
def test_a_tensor_for_a_list_is_read_as_this_version_does(name):
    """Older versions of PyTorch read an empty list, except where numbers may follow one by one."""
    found = archlint.infer(Calls(LISTS[name]), "2 T")
    assert not any("disagree" in reason for reason in found.reasons)
    if name in AS_NUMBERS or (TENSOR_AS_LIST and name not in UNKNOWN):
        assert found.exact, found
    for t in range(1, 7):
        try:
            shape = tuple(LISTS[name](torch.ones(2, t)).shape)
        except (RuntimeError, TypeError, ValueError, IndexError):
            shape = None
        if found.exact:
            assert found.accepts(T=t) is (shape is not None), t
            assert found.output(T=t) == shape


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


def test_operators_that_share_a_rule_are_told_apart():
    """They need not convert the same numbers: ``x & 1000`` and ``1000 & x`` have one rule."""
    both = torch.Tensor.bitwise_and, torch.Tensor.__rand__
    assert RULES[both[0]] is RULES[both[1]]
    one, other = (_key(func, RULES[func], (1, 1000), {}) for func in both)
    assert None not in (one, other)
    assert one != other


def test_a_slice_is_no_tuple_of_its_bounds():
    getitem = torch.Tensor.__getitem__
    args = [(slice(1, 2), 0), (("slice", 1, 2, None), 0), ((1, 2, None), 0), ((slice, 1, 2), 0)]
    keys = [_key(getitem, RULES[getitem], a, {}) for a in args]
    assert None not in keys[:3]
    assert len(set(keys)) == len(keys)
