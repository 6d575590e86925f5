"""Tensors come back with their memory, values and gradients."""

import torch
from torch import nn

from archlint.models.tensor_state import TensorState


def test_what_a_run_does_to_tensors_is_undone():
    weight, buffer = nn.Parameter(torch.ones(3)), torch.zeros(2, 2)
    place, steps = weight.data_ptr(), torch.tensor(4)
    state = TensorState([weight], [buffer, steps])
    weight.data = torch.zeros(5)
    weight.requires_grad_(False)
    weight.grad = torch.ones(5)
    buffer.fill_(7)
    steps += 1
    for _ in range(2):
        state.restore()
        assert weight.data_ptr() == place
        assert weight.tolist() == [1, 1, 1]
        assert weight.requires_grad
        assert weight.grad is None
        assert buffer.tolist() == [[0, 0], [0, 0]]
        assert steps == 4


def test_values_of_parameters_only_where_wanted():
    for values, expected in ((False, 5.0), (True, 1.0)):
        weight = nn.Parameter(torch.ones(()))
        state = TensorState([weight], [], values=values)
        with torch.no_grad():
            weight.fill_(5)
        state.restore()
        assert weight.item() == expected
