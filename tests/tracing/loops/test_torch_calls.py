"""Tensors made of lists of symbolic length, against runs of the model at plain sizes."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import nn

import archlint
from tests.tracing.loops.drawn_loops import REFUSED, shapes
from tests.tracing.loops.test_loop_iterator import compare

POINTS = list(itertools.product((1, 2, 3, 4, 9), (1, 2, 3, 5), (1, 2, 3, 4)))


def really(model, point):
    try:
        return shapes(model(torch.zeros(point)))
    except Exception:
        return REFUSED


def exact(model):
    """What is inferred of the model, which is exact and what the model does."""
    found = archlint.infer(model, "N H W")
    assert found.exact, found.reasons
    assert compare(found, type(model), lambda p: really(model, p), POINTS) == len(POINTS)
    return found


class Counted(nn.Module):
    """A number for each element of the batch."""

    def __init__(self, number, use):
        super().__init__()
        self.number = number
        self.use = use

    def forward(self, x):
        return self.use(x, [self.number(image) for image in x])


NUMBERS = {
    "a size": lambda e: e.shape[0],
    "a product": lambda e: e.shape[0] * e.shape[1],
    "a quotient": lambda e: e.shape[1] // 2,
    "a number": lambda e: 3,
}
USES = {
    "repeats": lambda x, n: torch.arange(len(x)).repeat_interleave(torch.tensor(n)),
    "indices": lambda x, n: x[:, :, torch.tensor(n, dtype=torch.int64) - 1],
    "lengths": lambda x, n: nn.utils.rnn.pad_packed_sequence(
        nn.utils.rnn.pack_padded_sequence(x, torch.as_tensor(n), batch_first=True)
    )[0],
    "keyword": lambda x, n: x + torch.tensor(data=n, device=x.device)[:, None, None],
    "two lists": lambda x, n: torch.tensor([1, *n])[1:] + x[:, 0, 0],
}


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("use", [u for u in USES if u != "two lists"])
def test_a_tensor_of_as_many_numbers_as_there_are_images(number, use):
    exact(Counted(NUMBERS[number], USES[use]))


@pytest.mark.parametrize("number", [lambda e: e.shape[0], lambda e: 0.5, lambda e: True])
@pytest.mark.parametrize("use", [lambda x, n: torch.tensor(n), lambda x, n: torch.as_tensor(n)])
def test_its_dtype(number, use):
    class OfItsDtype(Counted):
        def forward(self, x):
            made = super().forward(x)
            return made, torch.zeros(made.element_size()), torch.zeros(made.is_floating_point() + 1)

    exact(OfItsDtype(number, use))


def test_several_numbers_are_not_taken_for_one():
    found = archlint.infer(Counted(NUMBERS["a size"], USES["two lists"]), "N H W")
    model = Counted(NUMBERS["a size"], USES["two lists"])
    assert compare(found, "two lists", lambda p: really(model, p), POINTS)


class Positions(nn.Module):
    """The rows and columns of each image, which index tables of 3 and of 2 rows."""

    def __init__(self, join, take):
        super().__init__()
        self.join = join
        self.take = take
        self.rows = nn.Parameter(torch.zeros(3, 4))
        self.columns = nn.Parameter(torch.zeros(2, 4))

    def forward(self, x):
        pairs = [torch.stack(grid(*image.shape), -1) for image in x]
        rows, columns = self.take(self.join(pairs))
        return self.rows[rows] + self.columns[columns]


def grid(h, w):
    return torch.arange(h).repeat_interleave(w), torch.arange(w).repeat(h)


JOINS = {
    "cat": lambda pairs: torch.cat(pairs),
    "cat, dim": lambda pairs: torch.cat(pairs, dim=0),
    "stack": lambda pairs: torch.stack(pairs),
    "stack, middle": lambda pairs: torch.stack(pairs, 1),
}


@pytest.mark.parametrize("join", JOINS)
@pytest.mark.parametrize("take", [lambda p: p.unbind(-1), lambda p: (p[..., 0], p[..., 1])])
def test_rows_keep_their_bounds(join, take):
    found = exact(Positions(JOINS[join], take))
    assert found.accepts(N=5, H=3, W=2)
    assert not found.accepts(N=5, H=4, W=1)
    assert not found.accepts(N=5, H=1, W=3)


def test_rows_that_are_put_one_after_the_other_are_no_rows():
    model = Positions(lambda p: torch.cat(p, -1), lambda p: (p[:, 0], p[:, 1]))
    found = archlint.infer(model, "N H W")
    compare(found, "last", lambda p: really(model, p), POINTS)
    model = Positions(lambda p: torch.cat(p, -1), lambda p: (p[:, ::2], p[:, 1::2]))
    found = archlint.infer(model, "N H W")
    compare(found, "steps", lambda p: really(model, p), POINTS)


class Chunked(nn.Module):
    """A layer on each of so many chunks, most of which are of one length."""

    def __init__(self, chunks, layer):
        super().__init__()
        self.chunks = chunks
        self.layer = layer

    def forward(self, x):
        return torch.cat([self.layer(c) for c in x.chunk(self.chunks, dim=1)], dim=1)


@pytest.mark.parametrize("chunks", [7, 9, 100])
@pytest.mark.parametrize("layer", [nn.ReLU(), nn.Conv1d(4, 6, 2), nn.AvgPool1d(3)])
def test_many_chunks_are_a_few_paths(chunks, layer):
    model = nn.Sequential(Chunked(chunks, lambda c: layer(c.mT).mT)).eval()
    found = archlint.infer(model, "N T 4")
    assert found.exact, found.reasons
    assert chunks < 9 or len(found.explored.paths) <= 16
    points = [
        (n, t) for n in (1, 2) for t in (*range(1, 30), 99, 100, 101, 199, 200, 201, 250, 301)
    ]
    assert compare(found, "chunks", lambda p: really(model, (*p, 4)), points) == len(points)
