"""Models whose code gives attributes to tensors, in modules that branch on sizes."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import archlint
from archlint.symbolic import evaluate
from tests.tracing.merge.test_first_branches import Halves, Thrice, nothing
from tests.tracing.merge.test_module_merge import paths


class Twice(nn.Module):
    """Two modules of one class, called with one tensor; ``begin`` is called before."""

    def __init__(self, kind, begin=lambda model, x: None):
        super().__init__()
        self.one, self.two = kind(), kind()
        self.begin = begin

    def forward(self, x):
        self.begin(self, x)
        return torch.cat([self.one(x), self.two(x)])


class First(nn.Module):
    def forward(self, x):
        y = x[:1] if hasattr(x, "seen") else x
        x.seen = True
        return y + 0 if x.shape[0] % 2 else y * 1


class Counts(nn.Module):
    def forward(self, x):
        x.n = getattr(x, "n", 0) + 1
        return x.repeat(x.n, 1) if x.shape[0] % 3 else x.repeat(x.n, 1) + 1


class CountsInNames(nn.Module):
    def forward(self, x):
        vars(x)["n"] = vars(x).get("n", 0) + 1
        return x.repeat(x.n, 1) if x.shape[0] % 3 else x.repeat(x.n, 1) + 1


class CountsInPart(nn.Module):
    """Counts on one of several results of a call."""

    def forward(self, x):
        part = self.parts_of(x)[1]
        part.n = getattr(part, "n", 0) + 1
        return x.repeat(part.n, 1) if x.shape[0] % 3 else x.repeat(part.n, 1) + 1

    def parts_of(self, x):
        if not hasattr(x, "parts"):
            x.parts = x.chunk(2, dim=1)
        return x.parts


class CountsOnIts(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("table", torch.zeros(3))

    def forward(self, x):
        self.table.n = getattr(self.table, "n", 0) + 1
        return x.repeat(self.table.n, 1) if x.shape[0] % 3 else x.repeat(self.table.n, 1) + 1


class CountsOnKept(nn.Module):
    kept: list[torch.Tensor]

    def forward(self, x):
        y = self.kept[0]
        y.n = getattr(y, "n", 0) + 1
        return x.repeat(y.n, 1) if x.shape[0] % 3 else x.repeat(y.n, 1) + 1


class MarksOneSide(nn.Module):
    def forward(self, x):
        if x.shape[0] % 3:
            return x + 0
        x.third = True
        return x + 1


class Later(nn.Module):
    """What the model returns depends on what one branch of a module before has marked."""

    def __init__(self):
        super().__init__()
        self.one, self.two = MarksOneSide(), MarksOneSide()

    def forward(self, x):
        y = self.one(x) + self.two(x)
        return y[:1] if hasattr(x, "third") else y


def own_table():
    model = Twice(CountsOnIts, lambda model, x: setattr(model.one.table, "n", 0))
    model.two.table = model.one.table
    return model


def kept(make):
    def keep(model, x):
        model.one.kept = model.two.kept = [make(x)]

    return Twice(CountsOnKept, keep)


def of_a_state(x):
    """A tensor that a call returns in a tuple in a tuple."""
    return nn.LSTM(4, 4)(x[:, None])[1][0]


class ReplacesAll(nn.Module):
    def forward(self, x):
        x.__dict__ = {**vars(x), "n": 1}
        return x


def test_all_attributes_at_once_are_not_replaced():
    asked = {"input": "N 4", "accepts": "any size", "output": "N 4", "samples": 1}
    assert archlint.check(ReplacesAll(), **asked).word == "tested"


@pytest.mark.parametrize(
    "build",
    [
        lambda: Twice(First),
        lambda: Twice(Counts),
        lambda: Twice(CountsInNames),
        lambda: Twice(CountsInPart),
        own_table,
        lambda: kept(lambda x: x * 2),
        lambda: kept(lambda x: x.max(1).values),
        lambda: kept(of_a_state),
        lambda: kept(lambda x: torch.zeros(3)),
        Later,
    ],
    ids=[
        "seen",
        "counts",
        "names",
        "part",
        "buffer",
        "kept",
        "named",
        "nested",
        "real",
        "one side",
    ],
)
def test_no_branch_finds_what_another_has_marked(build):
    model = build().eval()
    found = archlint.infer(model, input="N 4")
    assert found.exact
    for n in range(1, 9):
        output = found.explored.path_at({"N": n}).trace.output
        ours = tuple(evaluate(d, {"N": n}) for d in output.dims)
        assert ours == tuple(model(torch.zeros(n, 4)).shape)


class Decays(nn.Module):
    """Its weight has an attribute, as optimizers ask for one."""

    def __init__(self, value=True):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(4))
        self.weight.no_decay = value

    def forward(self, x):
        return x + self.weight if x.shape[0] % 3 else x * self.weight


class DecaysMore(Decays):
    """Counts on an attribute that its weight has had."""

    def __init__(self):
        super().__init__(0)

    def forward(self, x):
        self.weight.no_decay += 1
        return x.repeat(self.weight.no_decay, 1) if x.shape[0] % 3 else x.tile(1, 1)


class DecaysInList(Decays):
    """Counts in a list that its weight has had."""

    def __init__(self):
        super().__init__([])

    def forward(self, x):
        self.weight.no_decay.append(1)
        n = len(self.weight.no_decay)
        return x.repeat(n, 1) if x.shape[0] % 3 else x.repeat(n, 1) + 1


def test_what_weights_had_is_no_obstacle():
    model = Thrice(Halves, nothing)
    model.parts[1].weight = Decays().weight
    assert len(paths(model).explored.paths) == 1


@pytest.mark.parametrize("kind", [DecaysMore, DecaysInList])
def test_what_weights_had_is_counted_once(kind):
    model = Twice(kind, lambda model, x: reset(model)).eval()
    model.two.weight = model.one.weight
    found = archlint.infer(model, input="N 4")
    for n in range(1, 7):
        path = found.explored.path_at({"N": n})
        if path is not None and path.trace.output is not None:
            ours = tuple(evaluate(d, {"N": n}) for d in path.trace.output.dims)
            assert ours == tuple(model(torch.zeros(n, 4)).shape)


def reset(model):
    kept = model.one.weight.no_decay
    if type(kept) is list:
        kept.clear()
    else:
        model.one.weight.no_decay = 0
