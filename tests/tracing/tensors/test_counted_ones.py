"""Masks made from ``torch.eye``, which keep a known number of elements, against runs."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import archlint


def written(x):
    mask = torch.eye(len(x)).bool()
    mask[0] = True
    return x.new_ones(len(x), len(x))[mask].view(2, -1)


def written_through_a_view(x):
    mask = torch.eye(len(x), dtype=torch.bool)
    mask.view(-1)[0] = False
    return x.new_ones(len(x), len(x))[mask].view(len(x), -1)


def written_in_a_loop(x):
    mask = torch.eye(len(x), dtype=torch.bool)
    for i in range(len(x)):
        mask[i, (i + 1) % len(x)] = True
    return x.new_ones(len(x), len(x))[mask].view(len(x), -1)


def written_before(x):
    eye = torch.eye(len(x))
    eye.detach().fill_(1)
    return x.new_ones(len(x), len(x))[eye.bool()].view(len(x), -1)


EXACT = {
    "inverted": lambda x: (x @ x.T)[~torch.eye(len(x), dtype=torch.bool)].view(len(x), -1),
    "one minus": lambda x: (x @ x.T)[(1 - torch.eye(len(x))).bool()].view(len(x), len(x) - 1),
    "equal to 0": lambda x: (x @ x.T)[torch.eye(len(x)) == 0].view(len(x), -1),
    "other than 1": lambda x: (x @ x.T)[torch.eye(len(x)).ne(1)].view(len(x), -1),
    "diagonal": lambda x: (x @ x.T)[torch.eye(len(x)).bool()].view(len(x), 1),
    "oblong": lambda x: x[:, :3][torch.eye(len(x), 3).bool()].view(3, -1),
    "selected": lambda x: x.masked_select(~torch.eye(len(x), 4).bool()).view(-1, 2),
    "places": lambda x: torch.eye(len(x)).long().nonzero().view(len(x), 2),
}
OPEN = {
    "doubled": lambda x: (x @ x.T)[(torch.eye(len(x)) * 2 - 2).bool()].view(len(x), -1),
    "written": written,
    "through a view": written_through_a_view,
    "in a loop": written_in_a_loop,
    "before": written_before,
}


class Calls(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


@pytest.mark.parametrize("name", [*EXACT, *OPEN])
def test_the_elements_that_a_mask_of_the_diagonal_keeps(name):
    function = EXACT.get(name) or OPEN[name]
    found = archlint.infer(Calls(function), "N 4", paths=8)
    assert found.exact is (name in EXACT), found
    for n in range(1, 7):
        try:
            shape = tuple(function(torch.ones(n, 4)).shape)
        except RuntimeError:
            shape = None
        answer = found.accepts(N=n)
        assert answer in (None, shape is not None), n
        if answer and found.exact:
            assert found.output(N=n) == shape
