"""Models with loops over a size, as people write them."""

from __future__ import annotations

import functools
import itertools

import torch
from torch import nn


class HandWrittenRNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner, self.outer, self.head = nn.Linear(4, 6), nn.Linear(6, 6), nn.Linear(6, 2)

    def forward(self, x):
        h = torch.zeros(x.shape[0], 6)
        for t in range(x.shape[1]):
            h = torch.tanh(self.inner(x[:, t]) + self.outer(h))
        return self.head(h)


class TeacherForcing(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell, self.head = nn.GRUCell(4, 6), nn.Linear(6, 2)

    def forward(self, x):
        h = x.new_zeros(x.size(0), 6)
        outs = []
        for _, x_t in enumerate(x.unbind(1)):
            h = self.cell(x_t, h)
            outs.append(self.head(h))
        return torch.stack(outs, dim=1), outs[-1]


class SelectiveScan(nn.Module):
    def forward(self, x):
        b, length, d = x.shape
        state = torch.zeros((b, d, 3))
        decay = x.unsqueeze(-1).expand(b, length, d, 3)
        ys = []
        for i in range(length):
            state = decay[:, i] * state + x[:, i, :, None]
            ys.append(torch.einsum("bdn,bd->bd", state, x[:, i]))
        return torch.stack(ys, dim=1)


class BatchLoop(nn.Module):
    def forward(self, x):
        padded = torch.zeros(x.shape[0], x.shape[1] + 2, x.shape[2])
        for image, room in zip(x, padded, strict=True):
            room[: image.shape[0], : image.shape[1]].copy_(image)
        return padded


class StackedComprehension(nn.Module):
    def forward(self, x):
        return torch.stack([x[:, t] * 2 for t in range(x.shape[1])], 1)


ROWS, COLUMNS = lambda x: [r * 2 for r in x.unbind(1)], lambda x: [r * 2 for r in x.unbind(2)]


class LambdasOfOneLine(nn.Module):
    def forward(self, x):
        return torch.stack(ROWS(x), 1), torch.stack(COLUMNS(x))


class NextStep(nn.Module):
    """Reads one step too far: it never works."""

    def forward(self, x):
        total = x[:, 0]
        for i in range(x.shape[1]):
            total = total + x[:, i + 1]
        return total


class ThreeAhead(nn.Module):
    """Works where the loop makes no turn."""

    def forward(self, x):
        total = x[:, 0]
        for i in range(x.shape[1] - 1):
            total = total + x[:, i + 3]
        return total


class FirstTurnDiffers(nn.Module):
    def forward(self, x):
        out = torch.zeros(x.shape[0], x.shape[1], x.shape[2])
        for t in range(x.shape[1]):
            if t == 0:
                out[:, t] = x[:, t]
            elif t < x.shape[1] - 1:
                out[:, t] = x[:, t] + out[:, t - 1]
        return out


class LastTurnsDiffer(nn.Module):
    def forward(self, x):
        steps = x.shape[1]
        parts = [x[:, :1] if k >= steps - 2 else x[:, :2] for k in range(steps)]
        return torch.cat(parts, 1)


class OverlappingFrames(nn.Module):
    """The first and the last turn differ, and no loop has fewer than three turns."""

    def forward(self, x):
        steps = x.shape[1]
        if steps <= 12:
            return x
        count = -(-steps // 4)
        x = nn.functional.pad(x, (0, 0, 0, count * 4 + 4 - steps))
        kept = []
        for k in range(count):
            frame = x[:, 4 * k : 4 * k + 8]
            if k == 0:
                kept.append(frame[:, :-2])
            elif k == count - 1:
                kept.append(frame[:, 2:])
            else:
                kept.append(frame[:, 2:-2])
        return torch.cat(kept, 1)[:, :steps]


class GrowingState(nn.Module):
    def forward(self, x):
        h, steps = x[:, :1], 0
        for t in range(x.shape[1]):
            h = torch.cat([h, x[:, t : t + 1]], 1)
            steps += 2
        return h, x.new_zeros(steps)


class Bidirectional(nn.Module):
    def __init__(self):
        super().__init__()
        self.there, self.back = nn.GRUCell(4, 6), nn.GRUCell(4, 6)

    def forward(self, x):
        h, there, back = x.new_zeros(x.size(0), 6), [], []
        for t in range(x.size(1)):
            h = self.there(x[:, t], h)
            there.append(h)
        for t in reversed(range(x.size(1))):
            h = self.back(x[:, t], h)
            back.insert(0, h)
        return torch.cat([torch.stack(there, 1), torch.stack(back, 1)], -1)


class Patches(nn.Module):
    def forward(self, x):
        rows = []
        for i in range(x.shape[1]):
            rows.append(torch.stack([x[:, i, j] for j in range(x.shape[2])], 1))
        return torch.stack(rows, 1)


class Chunks(nn.Module):
    def forward(self, x):
        outs = []
        for start in range(0, x.shape[1], 4):
            outs.append(x[:, start : start + 4].sum(1))
        return torch.stack(outs, 1)


class ChunkByChunk(nn.Module):
    """The last chunk is shorter, and has another output."""

    def forward(self, x):
        parts = []
        for start in range(0, x.shape[1], 4):
            parts.append(x[:, start : start + 4].softmax(1).repeat(1, 2, 1))
        return torch.cat(parts, 1)


class Tiles(nn.Module):
    def forward(self, x):
        rows = []
        for i in range(0, x.shape[1], 3):
            row = [x[:, i : i + 3, j : j + 2] for j in range(0, x.shape[2], 2)]
            rows.append(torch.cat(row, 2))
        return torch.cat(rows, 1)


class SumOfChunks(nn.Module):
    """The last chunk broadcasts, if it is one step long."""

    def forward(self, x):
        total = 0
        for start in range(0, x.shape[1], 3):
            total = total + x[:, start : start + 3]
        return total


class SlidingWindows(nn.Module):
    """Lines of a decorated function are counted from its decorator."""

    @torch.no_grad()
    def forward(self, x):
        frames = []
        for start in range(0, x.shape[1] - 5, 3):
            frames.append(x[:, start : start + 6].mean(1))
        return torch.stack(frames, 1)


class Pieces(nn.Module):
    def forward(self, x):
        return torch.stack(x.split(3, 1))


class TableOfSteps(nn.Module):
    """Reads a table of eight rows by the step."""

    def __init__(self):
        super().__init__()
        self.table = nn.Parameter(torch.zeros(8, 4))

    def forward(self, x):
        return sum([x[:, t] + self.table[t] for t in range(x.shape[1])])


class FirstOfAnIterator(nn.Module):
    """The first element starts the state; nothing is left after the loop."""

    def forward(self, x):
        steps = iter(x.unbind(1))
        state = next(steps)
        for step in steps:
            state = torch.tanh(state + step)
        for step in steps:
            state = torch.cat([state, step])
        return state if next(steps, None) is None else None


class TwiceThroughZip(nn.Module):
    def forward(self, x):
        pairs = zip(x.unbind(1), x.unbind(1), strict=True)
        total = x[:, 0]
        for one, other in pairs:
            total = total + one * other
        for one, _ in pairs:
            total = one[:1]
        return total


class ElementsOfATensor(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(4, 2)

    def forward(self, x):
        steps = torch.stack(list(map(self.inner, x.transpose(0, 1))), 1)
        return steps, torch.stack(tuple(x)), sum(x), torch.cat([x[0], *x])


class NumberedBoxes(nn.Module):
    """As torchvision joins the boxes of each image, with the image's number in front."""

    def forward(self, x):
        boxes = [x[i] for i in range(x.shape[0])]
        numbers = [torch.full_like(b[:, :1], i) for i, b in enumerate(boxes)]
        places = [torch.full((2,), 2 * i - 1) for i in range(len(boxes))]
        table = torch.zeros(2 * x.shape[0], 3)
        return torch.cat([torch.cat(numbers), torch.cat(boxes)], 1), table[torch.cat(places) + 1]


class TwoNames(nn.Module):
    def forward(self, x):
        first, second = x.unbind(1)
        return first + second


class NamesOfRows(nn.Module):
    def forward(self, x):
        a, b, c = list(x)
        return a * b + c


class NamesOfPieces(nn.Module):
    def forward(self, x):
        left, right = x.split(4, 1)
        return left, right


class AlternatingLayers(nn.Module):
    """Two layers in turn; every third step is left out, and odd ones are counted."""

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(4, 4), nn.Linear(4, 4)])

    def forward(self, x):
        steps, odd = [], 0
        for t in range(x.shape[1]):
            if t % 3 == 2:
                continue
            odd += t % 2
            step = x[:, t].relu() if t % 2 == 0 else x[:, t].sigmoid()
            steps.append(self.layers[t % 2](step))
        return torch.stack(steps, 1), x[:, :odd]


class OddSteps(nn.Module):
    def forward(self, x):
        later = [x[:, t - 1] for t in range(1, x.shape[1]) if (t + 1) % 3 == 0]
        return torch.stack([x[:, t] for t in range(x.shape[1]) if t % 2], 1), sum(later)


class LayerByLength(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(4, n) for n in (1, 2, 3)])

    def forward(self, x):
        return self.layers[x.shape[1] % 3](x)


class Folds(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = nn.GRUCell(4, 6)

    def forward(self, x):
        steps = x.unbind(1)
        start = x.new_zeros(x.shape[0], 6)
        step = lambda h, item: self.cell(item, h)  # noqa: E731
        last = functools.reduce(step, steps, start)
        states = list(itertools.accumulate(steps, step, initial=start))
        joined = functools.reduce(lambda a, b: torch.cat([a, b], 1), [s[:, :2] for s in steps])
        return last, torch.stack(states, 1), joined, torch.stack(steps[::2])


class Pairs(nn.Module):
    def forward(self, x):
        pairs = tuple(zip(x.unbind(1)[:-1], x.unbind(1)[1:], strict=False))
        return torch.stack([a * b for a, b in pairs], 1)


class NothingToReduce(nn.Module):
    def forward(self, x):
        return functools.reduce(torch.maximum, x[:, 2:].unbind(1))


EXACT = {
    LayerByLength: ("N T 4", "any size"),
    Folds: ("N T 4", "any size"),
    Pairs: ("N T C", "T >= 2"),
    NothingToReduce: ("N T C", "T >= 3"),
    TwoNames: ("N T C", "T == 2"),
    NamesOfRows: ("N T C", "N == 3"),
    NamesOfPieces: ("N T C", "T in 5..8"),
    NumberedBoxes: ("N T C", "any size"),
    HandWrittenRNN: ("N T 4", "any size"),
    TeacherForcing: ("N T 4", "any size"),
    SelectiveScan: ("N T C", "any size"),
    BatchLoop: ("N T C", "any size"),
    LambdasOfOneLine: ("N T C", "any size"),
    StackedComprehension: ("N T C", "any size"),
    NextStep: ("N T C", "no size"),
    ThreeAhead: ("N T C", "T == 1"),
    FirstTurnDiffers: ("N T C", "any size"),
    LastTurnsDiffer: ("N T C", "any size"),
    OverlappingFrames: ("N T C", "any size"),
    GrowingState: ("N T C", "any size"),
    Bidirectional: ("N T 4", "any size"),
    Patches: ("N T C", "any size"),
    Chunks: ("N T C", "any size"),
    ChunkByChunk: ("N T C", "any size"),
    Tiles: ("N T C", "any size"),
    SumOfChunks: ("N T C", None),
    SlidingWindows: ("N T C", "T >= 6"),
    Pieces: ("N T C", None),
    TableOfSteps: ("N T 4", "T <= 8"),
    FirstOfAnIterator: ("N T C", "any size"),
    ElementsOfATensor: ("N T 4", "any size"),
    TwiceThroughZip: ("N T C", "any size"),
    AlternatingLayers: ("N T 4", "any size"),
    OddSteps: ("N T C", "T >= 2"),
}
"""The input of each model, and the sizes that it accepts (``None``: only compared with runs)."""
