"""Budgets against enumeration: the smallest sizes that exceed one, its value there, what holds."""

from __future__ import annotations

import functools
import itertools
import re

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import archlint
from archlint.engine.cost.activations import peak
from archlint.engine.cost.flops import flops

SIDES = range(4, 15)
POINTS = [dict(zip("NHW", p, strict=True)) for p in itertools.product((1, 2), SIDES, SIDES)]
POINTS.sort(key=lambda p: (sum(p.values()), *p.values()))
REGION = "any N <= 2 and H, W in 4..14"


class Two(nn.Module):
    """The peak is at either of two calls, depending on the sizes."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 16, 3, stride=2, padding=1)
        self.second = nn.Conv2d(16, 32, 3, padding=1)

    def forward(self, x):
        return self.second(F.relu(self.first(x), inplace=True)).mean((2, 3))


class Branches(nn.Module):
    """The path of large images costs more, that of wide ones the most."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, x):
        x = self.conv(x)
        if x.shape[2] > 7:
            x = self.conv(x)
        if x.shape[3] > x.shape[2]:
            x = self.conv(self.conv(x))
        return torch.relu(x)


MODELS = {"two moments": Two, "branches": Branches}


@functools.cache
def amounts(name, kind):
    """For each point what the path of its sizes costs."""
    explored = archlint.infer(MODELS[name](), "N 3 H W").explored
    of = {
        path: flops(path.trace).total if kind == "flops" else peak(path.trace)
        for path in explored.accepting
    }
    return [of[explored.path_at(p)].at(p) for p in POINTS]


@pytest.mark.parametrize("share", [0.1, 0.45, 0.8, 1.0])
@pytest.mark.parametrize("kind", ["flops", "activations"])
@pytest.mark.parametrize("name", MODELS)
def test_the_smallest_sizes_are_those_of_enumeration(name, kind, share):
    values = amounts(name, kind)
    limit = int(min(values) + share * (max(values) - min(values)))
    verdict = archlint.check(
        MODELS[name](), "N 3 H W", accepts=REGION, costs={kind: f"<= {limit}"}, samples=0
    )
    over = [p for p, value in zip(POINTS, values, strict=True) if value > limit]
    assert verdict.word == ("broken" if over else "proved"), str(verdict)
    if not over:
        return
    value = values[POINTS.index(verdict.counterexample)]
    assert value > limit
    assert re.search(rf"^{kind} (of at least )?{value:,}\b", verdict.message)
    if "(smallest" in str(verdict):
        assert verdict.counterexample == over[0]
    holding = re.findall(r"([NHW])=(\d+)(?= or| instead)", verdict.message)
    for size, number in holding:
        sizes = {**verdict.counterexample, size: int(number)}
        if sizes in POINTS:
            assert values[POINTS.index(sizes)] <= limit, (size, number)


class Exits(nn.Module):
    """Values decide whether the second layer runs."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(8, 8), nn.Linear(8, 8)

    def forward(self, x):
        y = self.first(x)
        return self.second(y) if y.mean() > 0 else y


@pytest.mark.parametrize(("limit", "word"), [(256, "proved"), (255, "error"), (128, "error")])
def test_what_values_determine_is_not_broken(limit, word):
    verdict = archlint.check(Exits(), "N 8", costs={"flops": f"<= {limit} at N=1"}, samples=0)
    assert verdict.word == word
    if word == "error":
        assert "tensor values determine flops at N=1: at most 256, expected" in str(verdict)
