"""Loops over a size whose turns draw: which are exact, and which must not be."""

from __future__ import annotations

import random

import numpy as np
import torch
from torch import nn


class _Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = nn.GRUCell(3, 4)
        self.lstm = nn.LSTMCell(3, 4)
        self.head = nn.Linear(4, 3)
        self.table = nn.Embedding(5, 3)
        self.ratio = 0.5
        self.last = None


class Expression(_Net):
    def forward(self, x, y):
        h, inp, outs = torch.zeros(x.size(0), 4), y[:, 0], []
        for t in range(y.shape[1]):
            h = self.cell(inp, h)
            out = self.head(h)
            outs.append(out)
            inp = y[:, t] if random.random() < self.ratio else out
        return torch.stack(outs, 1)


class Statement(_Net):
    def forward(self, x, y):
        n = x.size(0)
        state, inp = (torch.zeros(n, 4), torch.zeros(n, 4)), x.new_zeros(n, 3)
        outs = []
        for t in range(y.shape[1]):
            state = self.lstm(inp, state)
            out = self.head(state[0])
            outs += [out.unsqueeze(1)]
            inp = out.detach()
            use_teacher = torch.rand(1).item() < self.ratio
            if use_teacher:
                inp = y[:, t]
        return torch.cat(outs, 1), state


class Buffer(_Net):
    """As in a much-copied tutorial: from the second step on, into a tensor of zeros."""

    def forward(self, x, y):
        outputs = torch.zeros(y.shape[0], y.shape[1], 3)
        h, inp = None, y[:, 0]
        for t in range(1, y.shape[1]):
            h = self.cell(inp, h)
            out = self.head(h)
            outputs[:, t] = out
            teacher_force = np.random.rand() < self.ratio
            inp = y[:, t] if teacher_force else out
        return outputs


class Indices(_Net):
    def forward(self, x, y):
        h, outs = torch.zeros(x.size(0), 4), []
        inp = torch.zeros(x.size(0), dtype=torch.long)
        for _ in range(y.shape[1]):
            h = self.cell(self.table(inp), h)
            outs.append(self.head(h))
            inp = outs[-1].argmax(1) if random.random() < 0.5 else inp
        return torch.stack(outs, 1)


class TwoDraws(_Net):
    def forward(self, x, y):
        h, inp, outs = torch.zeros(x.size(0), 4), y[:, 0], []
        for t in range(y.shape[1]):
            h = self.cell(inp, h)
            if random.random() < 0.5:
                h = torch.tanh(h)
            out = self.head(h)
            inp = y[:, t] if random.random() < 0.5 else out
            outs.append(out)
        return torch.stack(outs, 1), h


class Strided(_Net):
    """What is read after the loop has other strides on each side."""

    def forward(self, x, y):
        inp = y[:, 0].clone()
        for t in range(y.shape[1]):
            inp = y[:, t] if random.random() < 0.5 else inp.contiguous()
        return inp.reshape(-1)


class Flag(_Net):
    def forward(self, x, y):
        kept = None
        for t in range(y.shape[1]):
            if random.random() < 0.5:
                kept = y[:, t]
        return x[:, 0] * 2 if kept is None else kept


class Comprehension(_Net):
    def forward(self, x, y):
        return torch.stack(
            [y[:, t] if random.random() < 0.5 else x[:, 0] * 1 for t in range(y.shape[1])]
        )


class Training(_Net):
    def forward(self, x, y):
        h, inp, outs = torch.zeros(x.size(0), 4), y[:, 0], []
        for t in range(y.shape[1]):
            h = self.cell(inp, h)
            out = self.head(h)
            outs.append(out)
            inp = y[:, t] if self.training and random.random() < self.ratio else out
        return torch.stack(outs, 1)


class Refuses(_Net):
    """Every turn reads ``x`` at ``t``, whatever it draws."""

    def forward(self, x, y):
        z = y[:, 0]
        for t in range(y.shape[1]):
            z = x[:, t] if random.random() < 0.5 else x[:, t] * 2
        return z


EXACT = (
    Expression, Statement, Buffer, TwoDraws, Strided, Flag, Refuses, Training,
)  # fmt: skip


class OtherTurns(_Net):
    """One side fails in the last turn, the other in the first: together, they need not fail."""

    def forward(self, x, y):
        z = x[:, 0]
        for t in range(y.shape[1]):
            z = y[:, t + 1] if random.random() < 0.5 else y[:, y.shape[1] - t]
        return z


class Ahead(_Net):
    def forward(self, x, y):
        z = x[:, 0]
        for t in range(y.shape[1]):
            z = y[:, t + 1] if random.random() < 0.5 else z
        return z


class Wider(_Net):
    def forward(self, x, y):
        h = x[:, 0]
        for _ in range(y.shape[1]):
            if random.random() < 0.5:
                h = torch.cat([h, h[:, :1]], 1)
        return h


class Rank(_Net):
    def forward(self, x, y):
        h = x[:, 0]
        for t in range(y.shape[1]):
            h = y[:, t].unsqueeze(1) if random.random() < 0.5 else y[:, t]
        return h


class Kind(_Net):
    def forward(self, x, y):
        h = x[:, 0]
        for t in range(y.shape[1]):
            h = self.head(torch.cat([h, h[:, :1]], 1))
            h = y[:, t].double() if random.random() < 0.5 else y[:, t]
        return h


class Count(_Net):
    def forward(self, x, y):
        outs = [x[:, 0]]
        for t in range(y.shape[1]):
            if random.random() < 0.5:
                outs.append(y[:, t])
        return torch.stack(outs)


class Sum(_Net):
    def forward(self, x, y):
        k = 1
        for _ in range(y.shape[1]):
            if random.random() < 0.5:
                k += 1
        return x.new_zeros(k)


class Leaves(_Net):
    def forward(self, x, y):
        outs = [x[:, 0]]
        for t in range(y.shape[1]):
            if random.random() < 0.5:
                break
            outs.append(y[:, t])
        return torch.stack(outs)


class LeftVariable(_Net):
    """``wide`` is what an earlier turn left, ``name`` what the last one did."""

    def forward(self, x, y):
        wide = x[:, 0]
        for t in range(y.shape[1]):
            if random.random() < 0.5:
                wide, name = y[:, t].repeat(1, 2), "a"
            else:
                name = "b"
        return wide if name == "a" else wide[:, :3] + x[:, 0]


class LeftAttribute(_Net):
    def forward(self, x, y):
        self.last, name = x[:, 0], "a"
        for t in range(y.shape[1]):
            if random.random() < 0.5:
                self.last, name = y[:, t].repeat(1, 2), "a"
            else:
                name = "b"
        return self.last.view(x.size(0), 6) if name == "b" else x[:, 0]


class SameObject(_Net):
    """Whether it is the first tensor depends on what was drawn."""

    def forward(self, x, y):
        first = h = x[:, 0]
        for t in range(y.shape[1]):
            if random.random() < 0.5:
                h = y[:, t]
        return x if h is first else h


class Written(_Net):
    """A write to ``h`` changes the indices where ``h`` is a part of them."""

    def forward(self, x, y):
        rows = torch.arange(y.shape[1])
        h = torch.arange(y.shape[1])
        for _ in range(x.shape[1]):
            if random.random() < 0.5:
                h = rows[:]
        h += 1
        return y[:, rows]


class KeptList(_Net):
    def forward(self, x, y):
        outs = []
        for t in range(y.shape[1]):
            outs.append(y[:, t] if random.random() < 0.5 else y[:, t].repeat(1, 2)[:, ::2])
        return outs[0].view(-1)


class WrittenReal(_Net):
    """Indices of a plain tensor that each turn changes."""

    def forward(self, x, y):
        rows = torch.zeros(2, dtype=torch.long)
        for _ in range(x.shape[1]):
            rows = rows.add_(1) if random.random() < 0.5 else rows
        return y[:, rows]


class Deleted(_Net):
    def forward(self, x, y):
        h = x[:, 0]
        for t in range(y.shape[1]):
            if random.random() < 0.5 and t > 1:
                del h
            z = h * 1
        return z


class Marked(_Net):
    def forward(self, x, y):
        outs = []
        for t in range(y.shape[1]):
            out = y[:, t] * 1
            if random.random() < 0.5:
                out.drawn = True
            outs.append(out)
        return x if hasattr(outs[0], "drawn") else x[:, 0]


class Seeded(_Net):
    """The numbers are the same in each run, and differ from turn to turn."""

    def forward(self, x, y):
        numbers = random.Random(3)
        h = x[:, 0]
        for t in range(y.shape[1]):
            h = y[:, t].repeat(1, 2) if numbers.random() < 0.5 else y[:, t]
        return h


class SeededArray(_Net):
    def forward(self, x, y):
        numbers = np.random.default_rng(3)
        h = x[:, 0]
        for t in range(y.shape[1]):
            h = y[:, t].repeat(1, 2) if numbers.random() < 0.5 else y[:, t]
        return h


class Both(_Net):
    """Draws in an inner loop and in the outer one."""

    def forward(self, x, y):
        h = torch.zeros(x.size(0), 3)
        for t in range(y.shape[1]):
            for s in range(x.shape[1]):
                h = x[:, s] if random.random() < 0.5 else h
            h = y[:, t] if random.random() < 0.5 else h
        return h.reshape(-1)


class Nested(_Net):
    """The inner loop fails in other turns of the outer one, as is drawn there."""

    def forward(self, x, y):
        h = x[:, 0]
        for t in range(y.shape[1]):
            far = random.random() < 0.5
            for s in range(x.shape[1]):
                h = y[:, t + 1] if far else x[:, s]
        return h


class Caught(_Net):
    def forward(self, x, y):
        h = x[:, 0]
        for t in range(y.shape[1]):
            try:
                h = y[:, t + 1] if random.random() < 0.5 else h
            except IndexError:
                h = x
        return h


class Swapped(_Net):
    def forward(self, x, y):
        a, b = x[:, 0], x[:, :2].reshape(-1, 3)
        for _ in range(y.shape[1]):
            if random.random() < 0.5:
                a, b = b, a
        return a


class Strings(_Net):
    def forward(self, x, y):
        kind = "a"
        for _ in range(y.shape[1]):
            kind = {"a": "b", "b": "c", "c": "c"}[kind] if random.random() < 0.5 else kind
        return x if kind == "c" else x[:, 0]


NOT_WRONG = (
    OtherTurns, Ahead, Wider, Rank, Kind, Count, Sum, Leaves, LeftVariable, LeftAttribute,
    SameObject, Written, KeptList, Comprehension, Indices, WrittenReal, Deleted, Marked, Seeded,
    SeededArray, Both, Nested, Caught, Swapped, Strings,
)  # fmt: skip
