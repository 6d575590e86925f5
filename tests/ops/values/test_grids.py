"""Rows of integers made from sizes: their bounds, and at which places these are."""

from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given, reject
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils.rnn import pad_sequence

import archlint
from archlint.ops.values.grids import grid_of
from archlint.symbolic import Expr, evaluate
from tests.support.examples import examples
from tests.support.traced_models import run

LINES = [
    "torch.arange(h)", "torch.arange(w)", "torch.arange(h, 0, -1)", "torch.arange(0, 2 * w, 2)",
    "torch.arange(1, h + 1)", "torch.arange(3)", "torch.tensor([4, 0, 9])",
    "torch.tensor([h, 7, w])", "torch.tensor([w, h * w])",
]  # fmt: skip
STARTS = [
    "torch.stack(torch.meshgrid({0}, {1}, indexing='ij'), {2})",
    "torch.stack(torch.meshgrid({0}, {1}, indexing='xy'), {2})",
    "torch.stack([{0}.repeat_interleave(w), torch.arange(w).repeat(h)], {2})",
    "torch.cat([{0}[:, None, None].expand(-1, 4, 1), {1}[None, :4, None].expand(h, -1, 1)], {2})",
    "torch.tril_indices(h, w)",
    "{0}[:, None] - {1}[None, :]",
    "{0}",
]
STEPS = [
    "x.flatten(1)", "x.flatten(0, 1)", "x.flatten()", "x.reshape(2, -1)", "x.reshape(-1, 2)",
    "x.view(2, h, w)", "x.transpose(0, -1)", "x.permute(*range(x.ndim)[::-1])", "x.unsqueeze(0)",
    "x.unsqueeze(-1)", "x[:, None]", "x[..., None]", "x[:, :, None] - x[:, None, :]",
    "x[..., None, :] - x[None]", "x + 3", "x + h", "5 - x", "x * -2", "x * h", "x * 0",
    "x * torch.tensor([1, 13])", "x * torch.tensor([[1], [13]])",
    "x + torch.tensor([5, -7])[:, None, None]", "x * torch.tensor([-2, 3])[:, None, None]",
    "x + torch.arange(x.shape[-1])", "x + torch.arange(x.shape[0])[:, None]",
    "x.sum(0)", "x.sum(-1)", "x.sum(0, keepdim=True)", "x[0]", "x[-1]", "x[..., 1]", "x[:, 1]",
    "x[1:]", "x[:, :2]", "x[..., ::2]", "x.select(0, 1)", "x.unbind(0)[1]", "x.unbind(-1)[0]",
    "torch.cat([x, x + 1])", "torch.cat([x[:, : h - 1], x], 1)", "x.amax()", "x.min()",
    "torch.arange(x.shape[0]).repeat_interleave(x)", "torch.cat([x[1:], x[:0]])",
    "torch.cat([x, 9 - x], -1)", "torch.stack([x, -1 * x])",
    "pad_sequence([x], batch_first=True)", "pad_sequence([x])", "x.contiguous()", "x.clone()",
    "x.expand(3, *x.shape)", "x.repeat(*([2] * x.ndim))", "x + x.transpose(0, -1)",
    "x - x[:1]", "x.squeeze(0)", "torch.stack([x, x * 2], -1)", "x.movedim(0, -1)",
    "x.repeat_interleave(2)", "x.repeat_interleave(w)", "x.flatten().repeat_interleave(h)",
    "x.tile(2)", "x.flip(0)", "x.roll(1, 0)",
]  # fmt: skip
starts = st.builds(
    lambda text, a, b, dim: text.format(a, b, dim),
    *(st.sampled_from(STARTS), st.sampled_from(LINES), st.sampled_from(LINES)),
    st.sampled_from([0, 1, -1]),
)


def _made(steps, x):
    names = {"h": x.shape[2], "w": x.shape[3], "torch": torch, "pad_sequence": pad_sequence}
    made = eval(steps[0], names)
    for step in steps[1:]:
        made = eval(step, {**names, "x": made})
    return made


@pytest.mark.slow
@examples(250)
@given(
    start=starts,
    steps=st.lists(st.sampled_from(STEPS), max_size=5),
    sides=st.tuples(st.integers(1, 5), st.integers(1, 5)),
)
def test_drawn_grids_are_what_runs(start, steps, sides):
    h, w = sides
    try:
        real = _made([start, *steps], torch.zeros(1, 3, h, w))
    except (RuntimeError, IndexError, TypeError, ValueError):
        reject()
    sizes = {"N": 1, "H": h, "W": w}
    found = run(lambda self, x: _made([start, *steps], x), sizes=sizes)
    if found.outcome == "unknown" and "values (repeat_interleave)" in found.error:
        reject()  # values determine a size that a later step asks for
    assert found.outcome == "accepted", found.error
    spec = found.output
    if any(not d.symbols() <= sizes.keys() for d in spec.dims if isinstance(d, Expr)):
        reject()  # values determine a size
    assert tuple(evaluate(d, sizes) for d in spec.dims) == tuple(real.shape)
    grid = grid_of(spec)
    if grid is None or not real.numel():
        return
    parts = [real] if grid.dim is None else real.split(1, grid.dim)
    assert len(parts) == len(grid.rows)
    for part, row in zip(parts, grid.rows, strict=True):
        low, high = evaluate(row.low, sizes), evaluate(row.high, sizes)
        assert low <= part.min()
        assert part.max() <= high
        if row.reached:
            assert (low, high) == (part.min(), part.max())
        if row.signs is not None:
            assert row.reached
            places = [[0, n - 1] if not s else [n - 1] if s > 0 else [0] for s, n in
                      zip(row.signs, part.shape, strict=True)]  # fmt: skip
            assert all(part[at] == high for at in itertools.product(*places))
            opposite = [[0, n - 1] if not s else [0] if s > 0 else [n - 1] for s, n in
                        zip(row.signs, part.shape, strict=True)]  # fmt: skip
            assert all(part[at] == low for at in itertools.product(*opposite))
    if not spec.loose and isinstance(spec.values, tuple):
        assert [evaluate(v, sizes) for v in spec.values] == [real.min(), real.max()]


class Positions(nn.Module):
    """Adds learned rows and columns, by positions that are stacked and taken apart again."""

    def __init__(self, text):
        super().__init__()
        self.text = text
        self.rows, self.columns = nn.Parameter(torch.zeros(5, 4)), nn.Parameter(torch.zeros(9, 4))

    def forward(self, x):
        h, w = x.shape[2:]
        lines = torch.arange(h), torch.arange(w)
        at = eval(self.text, {"torch": torch, "lines": lines, "h": h, "w": w})
        one, two = at.unbind(-1)
        return x.flatten(2).mT + self.rows[one] + self.columns[two]


@pytest.mark.parametrize(
    "text",
    [
        "torch.stack(torch.meshgrid(*lines, indexing='ij'), -1).flatten(0, 1)",
        "torch.stack([lines[0].repeat_interleave(w), lines[1].repeat(h)], dim=-1)",
        "torch.stack([lines[0][:, None].expand(h, w), lines[1].expand(h, w)]).flatten(1).T",
    ],
)
def test_positions_taken_apart(text):
    found = archlint.infer(Positions(text), "N 4 H W")
    assert (found.text, found.exact) == ("H <= 5 and W <= 9", True)


class Packed(nn.Module):
    """Two images as one sequence, each token with its position and the number of its image."""

    def __init__(self):
        super().__init__()
        self.rows, self.columns = nn.Parameter(torch.zeros(4, 3)), nn.Parameter(torch.zeros(6, 3))

    def forward(self, one, two):
        images = [one, two]
        tokens = torch.cat([image.flatten(1).mT for image in images])
        places = [
            torch.stack(torch.meshgrid(*map(torch.arange, image.shape[1:]), indexing="ij"), -1)
            for image in images
        ]
        rows, columns = torch.cat([p.flatten(0, 1) for p in places]).unbind(-1)
        counts = torch.tensor([p.shape[0] * p.shape[1] for p in places])
        of = torch.arange(2).repeat_interleave(counts)
        mask = of[:, None] == of[None, :]
        tokens = tokens + self.rows[rows] + self.columns[columns]
        return (tokens @ tokens.mT).masked_fill(~mask, 0)


class Repeated(nn.Module):
    """An index from a line of sizes of which each is there twice."""

    def __init__(self, at):
        super().__init__()
        self.at, self.table = at, nn.Embedding(6, 2)

    def forward(self, x):
        line = torch.tensor(x.shape).repeat_interleave(2)
        return self.table(line[self.at]) + line.amax() * 0


@pytest.mark.parametrize("at", [0, 1, 2, 3, -1])
def test_an_entry_of_a_repeated_line_is_not_one_of_its_rows(at):
    found = archlint.infer(Repeated(at), "N T")
    assert "disagree" not in " ".join(found.reasons)
    for n, t in itertools.product(range(1, 9), repeat=2):
        assert found.accepts(N=n, T=t) in ((n, n, t, t)[at] < 6, None)


def test_images_of_several_sizes_in_one_sequence():
    found = archlint.infer(Packed(), {"one": "3 H W", "two": "3 P Q"})
    assert (found.text, found.exact) == ("H, P <= 4 and W, Q <= 6", True)


class Relative(nn.Module):
    """Bias by the relative position in a window: rows that are scaled and added."""

    def __init__(self, side=4):
        super().__init__()
        self.side, self.bias = side, nn.Embedding((2 * side - 1) ** 2, 2)

    def forward(self, x):
        h, w = x.shape[2:]
        grid = torch.stack(torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij"))
        grid = grid.flatten(1)
        grid = grid[:, :, None] - grid[:, None, :] + (self.side - 1)
        at = (grid * torch.tensor([1, 2 * self.side - 1])[:, None, None]).sum(dim=0)
        return self.bias(at)


def test_relative_positions_in_a_window():
    found = archlint.infer(Relative(), "N 3 H W")
    assert found.exact
    model = Relative()
    for h, w in itertools.product(range(1, 13), range(1, 7)):
        try:
            model(torch.zeros(1, 3, h, w))
            runs = True
        except IndexError:
            runs = False
        assert found.accepts(N=1, H=h, W=w) == runs, (h, w, found.text)
