"""What is known of integers in tensors, after some of them were written."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import archlint


class Points(nn.Module):
    def __init__(self, pick):
        super().__init__()
        self.pick = pick

    def forward(self, x):
        return self.pick(x)


def farthest(x):
    """Farthest point sampling: the next index is read from distances, and written to a table."""
    rows = torch.arange(x.shape[0])
    table = torch.zeros(x.shape[0], 3, dtype=torch.long)
    far = torch.zeros(x.shape[0], dtype=torch.long)
    distance = torch.full((x.shape[0], x.shape[1]), 1e10)
    for i in range(3):
        table[:, i] = far
        to_point = ((x - x[rows, far][:, None]) ** 2).sum(-1)
        mask = to_point < distance
        distance[mask] = to_point[mask]
        far = distance.max(-1)[1]
    return x[rows[:, None], table]


def column(value):
    def pick(x):
        table = torch.zeros(x.shape[0], 2, dtype=torch.long)
        table[:, 1] = value(x)
        return x[..., 0].gather(1, table)

    return pick


def through_a_view(x):
    table = torch.zeros(x.shape[0], 2, dtype=torch.long)
    view = table[:, 1:]
    view[:] = 7
    return x[..., 0].gather(1, table)


def of_a_view(x):
    table = torch.zeros(x.shape[0], 2, dtype=torch.long)
    view = table[:, 1:]
    table[:, 1] = 7
    return x[..., 0].gather(1, view)


def of_another(x):
    index = torch.arange(x.shape[1])
    table = torch.zeros(x.shape[0], 2, dtype=torch.long)
    table[:, 1] = 5
    return x[:, index]


@pytest.mark.parametrize(
    ("pick", "refused"),
    [
        (farthest, None),
        (column(lambda x: x.shape[1] - 1), None),
        (column(lambda x: x[..., 0].argmax(1)), None),
        (column(lambda x: x.shape[1]), {"N": 2, "P": 4}),
        (column(lambda x: -1), {"N": 2, "P": 4}),
        (through_a_view, {"N": 2, "P": 4}),
        (of_a_view, {"N": 2, "P": 4}),
        (of_another, None),
    ],
)
def test_an_index_table_that_is_written(pick, refused):
    model = Points(pick)
    found = archlint.infer(model, "N P 3")
    if refused is None:
        assert found.exact, found
        assert found.text == "any size"
        assert model(torch.ones(2, 4, 3)).ndim > 1
        return
    with pytest.raises(RuntimeError):
        model(torch.ones(2, 4, 3))
    assert found.accepts(**refused) is not True
