"""Real tensors of a model that are written with what sizes make, or at random."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import archlint


def numbered(x, idx):
    idx[0] = x.shape[1]


def sliced(x, idx):
    idx[2:4] = torch.arange(x.shape[1])[-1:]


def added(x, idx):
    idx.add_(torch.arange(x.shape[1])[-1:])


def added_to_a_view(x, idx):
    part = idx[1:3]
    part += x.shape[1]


def copied(x, idx):
    idx[:1].copy_(torch.arange(x.shape[1])[-1:])


def put(x, idx):
    idx.index_put_((torch.tensor([1]),), torch.arange(x.shape[1])[-1:])


def filled(x, idx):
    idx.fill_(x.shape[1] - 1)


def at_random(x, idx):
    idx.random_(0, 12)


class Table(nn.Module):
    """Reads a table of 10 rows at numbers that were written into a tensor."""

    def __init__(self, write, held=False):
        super().__init__()
        self.write = write
        self.table = nn.Parameter(torch.zeros(10, 2))
        self.register_buffer("held", torch.zeros(5, dtype=torch.long) if held else None)

    def forward(self, x):
        idx = torch.zeros(5, dtype=torch.long) if self.held is None else self.held
        self.write(x, idx)
        return self.table[idx * 1] + x.sum()


WRITES = [numbered, sliced, added, added_to_a_view, copied, put, filled, at_random]


@pytest.mark.parametrize("held", [False, True])
@pytest.mark.parametrize("write", WRITES)
def test_what_was_written_is_not_taken_for_what_was_there(write, held):
    found = archlint.infer(Table(write, held), "N T")
    assert not found.exact
    assert found.text == "no size"  # that is known to be accepted


class Drawn(nn.Module):
    def __init__(self, draw):
        super().__init__()
        self.draw = draw
        self.table = nn.Parameter(torch.zeros(10, 2))

    def forward(self, x):
        return self.table[self.draw(x)] + x.sum()


@pytest.mark.parametrize(
    "draw",
    [
        lambda x: torch.randint(0, 12, (5,)),
        lambda x: torch.randint(0, x.shape[1], (5,)),
        lambda x: torch.randint(0, 12, (5,)).flip(0),
    ],
)
def test_what_is_drawn_is_not_known(draw):
    assert not archlint.infer(Drawn(draw), "N T").exact


def test_a_value_that_was_lost_cannot_be_asked_for():
    class Asks(nn.Module):
        def forward(self, x):
            count = torch.zeros((), dtype=torch.long)
            count += x.shape[1]
            return x if count.item() < 5 else x[:, :3]

    found = archlint.infer(Asks(), "N T")
    assert not found.exact
    assert "the value of a tensor is needed" in str(found.reasons)


def test_what_sizes_do_not_write_is_known_as_it_is():
    class Keeps(Drawn):
        def forward(self, x):
            idx = torch.zeros(5, dtype=torch.long)
            idx[1] = 9
            idx[2:] += 3
            return self.table[idx] + x.sum()

    assert archlint.infer(Keeps(None), "N T").exact
