"""Models for the tests of structural contracts, and a check of one on images."""

from pathlib import Path

import torch
from torch import nn

import archlint

IMAGE = "N 3 H W"


def check(model, structure, input=IMAGE, **words):
    words.setdefault("samples", 3)
    return archlint.check(model, input, structure=structure, **words)


class Flattens(nn.Module):
    def __init__(self, pool=None):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(4))
        self.pool = pool or nn.Identity()
        self.head = nn.Linear(512, 10)

    def forward(self, x):
        return self.head(self.pool(self.features(x)).flatten(1))


class Lambda(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *args, **kwargs):
        return self.function(*args, **kwargs)


class Weight(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function
        self.weight = nn.Parameter(torch.zeros(16, 16))

    def forward(self, x):
        return self.function(x, self.weight)


class Mixer(nn.Module):
    def __init__(self, tokens):
        super().__init__()
        self.mix = nn.Linear(tokens, tokens)

    def forward(self, x):
        return self.mix(x.flatten(2))


class Window(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 5, 7)
        self.head = nn.Linear(5, 2)

    def forward(self, x):
        return self.head(self.conv(x).flatten(1))


class Pinned(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(9, 2)

    def forward(self, x):
        return self.head(torch.cat([x[:, :, i] for i in range(x.shape[2])], 1))


class Pyramid(nn.Module):
    def __init__(self, every=False):
        super().__init__()
        self.every = every
        self.stem = nn.Conv2d(3, 8, 3, 2, 1)
        self.body = nn.Sequential(nn.Conv2d(8, 8, 3, 2, 1), nn.ReLU())
        self.unused = nn.ReLU()

    def forward(self, x):
        first = self.stem(x)
        second = self.body(first)
        return [first, second] if self.every else second


def lazy():
    return nn.Sequential(nn.LazyLinear(3))


def factory():
    return nn.Sequential(nn.ReLU())


def line_of(text):
    lines = Path(__file__).read_text(encoding="utf-8").splitlines()
    return next(i for i, line in enumerate(lines, 1) if text in line)
