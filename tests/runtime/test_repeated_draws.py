"""Large weights of which only the first elements are drawn."""

import inspect

import pytest
import torch
from torch import nn

from archlint.runtime.repeated_draws import DRAWN, RepeatedDraws
from archlint.tracing.python.legacy_constructors import _Allocations


@pytest.mark.parametrize("fill", ["normal_", "uniform_"])
def test_the_first_elements_are_repeated(fill):
    shape = 3, DRAWN // 2
    with RepeatedDraws():
        torch.manual_seed(0)
        tensor = getattr(torch.empty(shape), fill)(-1, 2).flatten()
    torch.manual_seed(0)
    first = getattr(torch.empty(DRAWN), fill)(-1, 2)
    expected = torch.cat([first, first])[: tensor.numel()]
    assert torch.equal(tensor, expected)


def test_only_long_contiguous_tensors_are_drawn_so():
    for tensor in (torch.empty(DRAWN), torch.empty(400, 400).t()):
        torch.manual_seed(0)
        expected = tensor.normal_().clone()
        with RepeatedDraws():
            torch.manual_seed(0)
            assert torch.equal(tensor.normal_(), expected)


def test_layers_have_the_distribution_that_they_ask_for():
    with RepeatedDraws():
        layer = nn.Linear(512, 1024)
        nn.init.trunc_normal_(layer.weight, std=0.02)
    assert layer.weight.requires_grad
    assert abs(layer.weight.std().item() - 0.02) < 0.001
    assert torch.linalg.matrix_rank(layer.weight) == 512


@pytest.mark.parametrize("mode", [RepeatedDraws, _Allocations])
def test_a_call_does_not_import_dynamo(mode):
    """PyTorch would wrap the method in one that imports it at the first call."""
    assert mode.__torch_dispatch__.__code__.co_filename == inspect.getfile(mode)
