"""The shapes that weights need at other sizes: those of a model rebuilt for these sizes."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import archlint
from archlint.explanation.tied_weights import tied_weights


class Square(nn.Module):
    """A table of positions whose two sizes are equal."""

    def __init__(self, h=4, w=4):
        super().__init__()
        self.c, self.pos = nn.Conv2d(3, 8, 4, 4), nn.Parameter(torch.zeros(1, 8, h, w))

    def forward(self, x):
        return self.c(x) + self.pos


class Table(nn.Module):
    def __init__(self, rows=16):
        super().__init__()
        self.e = nn.Embedding(rows, 8)

    def forward(self, x):
        return x + self.e(torch.arange(x.shape[1]))


class Sliced(nn.Module):
    def __init__(self, rows=16):
        super().__init__()
        self.pos = nn.Parameter(torch.zeros(1, rows, 8))

    def forward(self, x):
        return x + self.pos[:, : x.shape[1]]


class Gate(nn.Module):
    def __init__(self, h=4, w=4):
        super().__init__()
        self.fc = nn.Linear(3, 3 * h * w)

    def forward(self, x):
        return self.fc(x.mean((2, 3))) * x.flatten(1)


class Recurrent(nn.Module):
    def __init__(self, features=16):
        super().__init__()
        self.r = nn.LSTM(features, 8, batch_first=True)

    def forward(self, x):
        return self.r(x)[0]


class Tokens(nn.Module):
    """A table of positions, and a layer over the tokens behind it."""

    def __init__(self, tokens=16):
        super().__init__()
        self.pos, self.mix = nn.Parameter(torch.zeros(1, tokens, 8)), nn.Linear(tokens, 16)

    def forward(self, x):
        return self.mix((x + self.pos).transpose(1, 2))


class Viewed(nn.Module):
    def __init__(self, elements=64):
        super().__init__()
        self.fc = nn.Linear(elements, 2)

    def forward(self, x):
        return self.fc(x.view(x.size(0), self.fc.in_features))


class With(nn.Module):
    """A layer or a weight, and a call with it."""

    def __init__(self, part, call):
        super().__init__()
        self.part, self.call = part, call

    def forward(self, x):
        return self.call(self.part, x)


def head(make, call=lambda f, x: f(x.flatten(1))):
    """Models with the layer that ``make`` builds for a number of features."""
    return lambda n: With(make(n), call)


def weight(call):
    """Models with one weight, by its sizes."""
    return lambda *sizes: With(nn.Parameter(torch.zeros(sizes)), call)


class ViT(nn.Module):
    def __init__(self, tokens=16):
        super().__init__()
        self.patch, self.cls = nn.Conv2d(3, 8, 4, 4), nn.Parameter(torch.zeros(1, 1, 8))
        self.pos = nn.Parameter(torch.zeros(1, tokens + 1, 8))

    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2)
        return torch.cat([self.cls.expand(len(x), -1, -1), x], 1) + self.pos


class Mixer(nn.Module):
    def __init__(self, tokens=16):
        super().__init__()
        self.up, self.down = nn.Linear(tokens, 20), nn.Linear(20, tokens)

    def forward(self, x):
        return x + self.down(F.gelu(self.up(x.transpose(1, 2)))).transpose(1, 2)


class RowsAndColumns(nn.Module):
    def __init__(self, h=4, w=4):
        super().__init__()
        self.c = nn.Conv2d(3, 8, 4, 4)
        self.rows = nn.Parameter(torch.zeros(1, 8, h, 1))
        self.columns = nn.Parameter(torch.zeros(1, 8, 1, w))

    def forward(self, x):
        return self.c(x) + self.rows + self.columns


class Masked(nn.Module):
    def __init__(self, tokens=16):
        super().__init__()
        self.register_buffer("mask", torch.ones(tokens, tokens).tril().bool())

    def forward(self, x):
        return (x @ x.mT).masked_fill(~self.mask, -1e9).softmax(-1) @ x


class Strided(nn.Module):
    def __init__(self, h=4, w=4):
        super().__init__()
        self.c, self.fc = nn.Conv2d(3, 6, 3, 2, 1), nn.Linear(6 * h * w, 2)

    def forward(self, x):
        return self.fc(F.max_pool2d(self.c(x), 2).flatten(1))


class Volume(nn.Module):
    def __init__(self, d=2, h=3, w=4):
        super().__init__()
        self.c, self.fc = nn.Conv3d(1, 2, 3, padding=1), nn.Linear(2 * d * h * w, 2)

    def forward(self, x):
        return self.fc(self.c(x).flatten(1))


class Two(nn.Module):
    """Two heads of one map, at two scales."""

    def __init__(self, elements=192, quarter=48):
        super().__init__()
        self.one, self.other = nn.Linear(elements, 2), nn.Linear(quarter, 2)

    def forward(self, x):
        return self.one(x.flatten(1)) + self.other(F.avg_pool2d(x, 2).flatten(1))


def attention(width):
    return nn.MultiheadAttention(width, 2, batch_first=True)


def recurrent(features):
    return nn.LSTM(features, 8, 2, bidirectional=True, proj_size=4)


def normed(elements):
    return nn.utils.parametrizations.weight_norm(nn.Linear(elements, 2))


REBUILT = [
    (Square, (), "N 3 H W", {"H": 24, "W": 20}, (6, 5)),
    (Table, (), "N T 8", {"T": 20}, (20,)),
    (Sliced, (), "N T 8", {"T": 20}, (20,)),
    (Gate, (), "N 3 H W", {"H": 5, "W": 3}, (5, 3)),
    (Recurrent, (), "N T F", {"T": 3, "F": 20}, (20,)),
    (Tokens, (), "N T 8", {"T": 20}, (20,)),
    (Viewed, (), "N 1 H W", {"H": 9, "W": 5}, (45,)),
    (nn.LayerNorm, ([8, 8],), "N 3 H W", {"H": 5, "W": 6}, ([5, 6],)),
    (nn.RMSNorm, ([8, 8],), "N 3 H W", {"H": 5, "W": 6}, ([5, 6],)),
    (nn.GRU, (16, 8), "T N F", {"T": 2, "F": 5}, (5, 8)),
    (nn.BatchNorm1d, (8,), "N F", {"F": 5}, (5,)),
    (ViT, (), "N 3 H W", {"H": 24, "W": 20}, (30,)),
    (Mixer, (), "N T 8", {"T": 12}, (12,)),
    (RowsAndColumns, (), "N 3 H W", {"H": 24, "W": 20}, (6, 5)),
    (Masked, (), "N T 8", {"T": 9}, (9,)),
    (Strided, (), "N 3 H W", {"H": 24, "W": 20}, (6, 5)),
    (Volume, (), "N 1 D H W", {"D": 3, "H": 5, "W": 2}, (3, 5, 2)),
    (Two, (), "N 3 H W", {"H": 4, "W": 6}, (72, 18)),
    (head(lambda n: nn.Linear(n, 2)), (192,), "N 3 H W", {"H": 5, "W": 7}, (105,)),
    (head(nn.BatchNorm1d), (192,), "N 3 H W", {"H": 5, "W": 7}, (105,)),
    (head(normed), (192,), "N 3 H W", {"H": 5, "W": 7}, (105,)),
    (head(lambda n: nn.Conv1d(n, 2, 1), lambda f, x: f(x.flatten(1)[..., None])), (192,),
     "N 3 H W", {"H": 5, "W": 7}, (105,)),
    (head(lambda n: nn.Bilinear(n, 3, 2), lambda f, x: f(x.flatten(1), x.mean((2, 3)))), (192,),
     "N 3 H W", {"H": 5, "W": 7}, (105,)),
    (head(nn.PReLU, lambda f, x: f(x)), (8,), "N H 8", {"H": 5}, (5,)),
    (head(attention, lambda f, x: x + f(x, x, x)[0]), (8,), "N T W", {"T": 3, "W": 6}, (6,)),
    (head(recurrent, lambda f, x: f(x)[0]), (16,), "T N F", {"T": 3, "F": 5}, (5,)),
    (head(lambda n: nn.RNNCell(n, 4), lambda f, x: f(x)), (16,), "N F", {"F": 5}, (5,)),
    (head(lambda n: nn.InstanceNorm1d(n, affine=True), lambda f, x: f(x)), (8,), "N C T",
     {"C": 5, "T": 9}, (5,)),
    (weight(lambda w, x: F.linear(x.flatten(1), w)), (2, 192), "N 3 H W", {"H": 5, "W": 7},
     (2, 105)),
    (weight(lambda w, x: x.flatten(1) @ w.t()), (2, 192), "N 3 H W", {"H": 5, "W": 7}, (2, 105)),
    (weight(lambda w, x: torch.einsum("nchw,ow->ncho", x, w)), (2, 8), "N 3 H W",
     {"H": 5, "W": 7}, (2, 7)),
    (weight(lambda w, x: torch.einsum("nchw,ohw->nco", x, w)), (2, 8, 8), "N 3 H W",
     {"H": 5, "W": 7}, (2, 5, 7)),
    (weight(lambda w, x: torch.tensordot(x, w, dims=([3, 2], [0, 1]))), (8, 8, 2), "N 3 H W",
     {"H": 5, "W": 7}, (7, 5, 2)),
    (weight(lambda w, x: torch.bmm(x, w.expand(len(x), -1, -1))), (1, 8, 3), "N T F",
     {"T": 2, "F": 5}, (1, 5, 3)),
    (weight(lambda w, x: x.matmul(w)), (8,), "N T F", {"T": 2, "F": 5}, (5,)),
    (weight(lambda w, x: torch.cat([x, w.expand(len(x), -1, -1)], 1)), (1, 3, 8), "N T F",
     {"T": 2, "F": 5}, (1, 3, 5)),
    # one argument sets sizes that no operator compares
    (head(attention, lambda f, x: f(x, x, x)[0]), (8,), "N T W", {"T": 3, "W": 6}, (6,)),
    # weights that are used twice
    (head(lambda n: nn.Linear(n, n), lambda f, x: f(f(x))), (8,), "N F", {"F": 5}, (5,)),
    (weight(lambda w, x: F.linear(F.linear(x, w), w.t())), (4, 8), "N T F", {"T": 2, "F": 5},
     (4, 5)),
    (head(lambda n: nn.Embedding(n, 8),
          lambda f, x: F.linear(x.softmax(-1) @ f.weight, f.weight)), (16,), "N T V",
     {"T": 2, "V": 11}, (11,)),
    (head(lambda n: nn.Bilinear(n, n, 2), lambda f, x: f(x, x)), (8,), "N F", {"F": 5}, (5,)),
    # channels
    (head(lambda n: nn.ConvTranspose1d(n, 2, 3), lambda f, x: f(x)), (8,), "N C T",
     {"C": 5, "T": 9}, (5,)),
    (head(lambda n: nn.Conv1d(n, 4, 3, groups=2), lambda f, x: f(x)), (8,), "N C T",
     {"C": 6, "T": 9}, (6,)),
    (head(lambda n: nn.Conv3d(n, 2, 1), lambda f, x: f(x)), (8,), "N C D H W",
     {"C": 5, "D": 2, "H": 3, "W": 1}, (5,)),
    (head(lambda n: nn.Conv2d(n, n, 3, groups=n), lambda f, x: f(x)), (8,), "N C H W",
     {"C": 5, "H": 3, "W": 4}, (5,)),
    (head(lambda n: nn.Sequential(nn.Conv1d(n, n, 3, groups=n), nn.BatchNorm1d(n),
                                  nn.Conv1d(n, 4, 1)), lambda f, x: f(x)), (8,), "N C T",
     {"C": 5, "T": 9}, (5,)),
    (head(lambda n: nn.Conv1d(n, 2 * n, 3, groups=n), lambda f, x: f(x)), (8,), "N C T",
     {"C": 5, "T": 9}, (5,)),
    (head(lambda n: nn.Linear(3, n), lambda f, x: x * f(x.mean((2, 3))).view(-1, 1, *x.shape[2:])),
     (64,), "N 3 H W", {"H": 5, "W": 7}, (35,)),
    (head(lambda n: nn.ConvTranspose2d(n, n, 2, 2, groups=n), lambda f, x: f(x)), (8,), "N C H W",
     {"C": 5, "H": 3, "W": 4}, (5,)),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "args", "input", "at", "new"), REBUILT)
def test_the_shapes_needed_are_those_of_a_model_built_for_the_other_size(
    kind, args, input, at, new
):
    explanation = archlint.explain(kind(*args).eval(), input, at=at)
    rebuilt = {name: tuple(t.shape) for name, t in kind(*new).state_dict().items()}
    built = {name: tuple(t.shape) for name, t in kind(*args).state_dict().items()}
    needed = {t.name: t.at(explanation.point) for t in tied_weights(explanation.ties)}
    assert needed == {name: shape for name, shape in rebuilt.items() if shape != built[name]}
