"""What a model writes outside of itself: it comes back, no answer depends on it, no run sees it."""

from __future__ import annotations

import collections
import contextvars
import functools
import random
import threading
import types

import numpy as np
import pytest
import torch
from torch import nn

import archlint
from archlint.models.snapshot import keep


class Frozen(collections.OrderedDict):
    """As configurations of libraries are: it forbids every change."""

    def _forbidden(self, *args, **kwargs):
        raise TypeError("frozen")

    update = clear = pop = setdefault = __delitem__ = _forbidden


class Hostile(dict):
    """Its own methods must not be called."""

    def _never(self, *args, **kwargs):
        raise AssertionError("a method of the subclass was called")

    __iter__ = keys = values = items = copy = clear = update = __len__ = _never


class HostileList(list):
    def _never(self, *args, **kwargs):
        raise AssertionError("a method of the subclass was called")

    __iter__ = copy = clear = extend = __len__ = _never


class Slots:
    __slots__ = ("first", "second")

    def __init__(self):
        self.first = 1


class Shared:
    calls = 0
    table: dict = {}  # noqa: RUF012

    @classmethod
    def count(cls):
        cls.calls += 1
        return cls.calls


BY_SIZE: dict = {}
COUNT = [0]
TOTAL = 0
LAST = None
RECENT: collections.deque = collections.deque(maxlen=3)
NAMES: set = set()
ARRAY = np.zeros(3)
BUFFER = torch.zeros(2)
VARIABLE = contextvars.ContextVar("VARIABLE", default=None)
LOCAL = threading.local()
SETTINGS = types.SimpleNamespace(
    inner=types.SimpleNamespace(sizes=[]), frozen=Frozen(a=1, b=2), hostile=Hostile(x=1),
    hostile_list=HostileList([1]), slots=Slots(),
)  # fmt: skip


@functools.cache
def registry():
    return {}


@functools.cache
def rows(height):
    return torch.zeros(height, 1)


@functools.cache
def height_of(tensor):
    return tensor.shape[2]


def by_size(model, x):
    key = (x.shape[2], x.shape[2] + 1)
    if key not in BY_SIZE:
        BY_SIZE[key] = x.shape[2]
    return model.conv(x)[:, :, : BY_SIZE[key]]


def last_size(model, x):
    global LAST
    if LAST is not None and x.shape[2] != LAST:
        raise ValueError("another size than last time")
    LAST = x.shape[2]
    return model.conv(x)


def total(model, x):
    global TOTAL
    TOTAL += x.shape[2]
    return model.conv(x)[:, :, :TOTAL]


def count_in_list(model, x):
    COUNT[0] += 1
    return model.conv(x) if COUNT[0] == 1 else model.conv(model.conv(x))


def count_in_class(model, x):
    return model.conv(x) if Shared.count() == 1 else model.conv(model.conv(x))


def class_table(model, x):
    return model.conv(x + Shared.table.setdefault("first", x))


def class_attribute(model, x):
    kind = type(model)
    if not hasattr(kind, "rows"):
        kind.rows = torch.zeros(x.shape[2], 1)
    return model.conv(x + kind.rows)


def default_argument(model, x, memory={}):  # noqa: B006
    memory.setdefault("height", x.shape[2])
    return model.conv(x)[:, :, : memory["height"]]


def function_attribute(model, x):
    function_attribute.calls = getattr(function_attribute, "calls", 0) + 1
    return model.conv(x) if function_attribute.calls == 1 else model.conv(model.conv(x))


def _closing():
    calls, seen = 0, []

    def closure(model, x):
        nonlocal calls
        calls += 1
        seen.append(x)
        return model.conv(x) if calls == len(seen) == 1 else model.conv(model.conv(x))

    return closure


closure = _closing()


def settings(model, x):
    SETTINGS.size = x.shape[2]
    SETTINGS.inner.sizes.append(x)
    collections.OrderedDict.__setitem__(SETTINGS.frozen, "c", x)
    collections.OrderedDict.move_to_end(SETTINGS.frozen, "a")
    dict.__setitem__(SETTINGS.hostile, "z", x)
    list.append(SETTINGS.hostile_list, x)
    SETTINGS.slots.second = x
    RECENT.append(x)
    NAMES.add("seen")
    model.settings["b"].append(x)
    return model.conv(x)


def elements(model, x):
    ARRAY[0] += 1
    BUFFER.add_(1)
    return model.conv(x) if ARRAY[0] == 1 else model.conv(model.conv(x))


def of_thread_and_context(model, x):
    LOCAL.seen = x
    VARIABLE.set(x)
    return model.conv(x)


def singleton(model, x):
    registry()["height"] = x.shape[2]
    return model.conv(x + rows(x.shape[2]))[:, :, : registry()["height"]]


def cached_by_tensor(model, x):
    return model.conv(x)[:, :, : height_of(x)]


class Model(nn.Module):
    def __init__(self, run):
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3)
        self.settings = Frozen(a=1, b=[2])
        self.run = run

    def forward(self, x):
        return self.run(self, x)


def state():
    return [
        repr(part)
        for part in (
            BY_SIZE, COUNT, TOTAL, LAST, list(RECENT), NAMES, ARRAY, BUFFER, VARIABLE.get(),
            vars(LOCAL), Shared.calls, Shared.table, hasattr(Model, "rows"),
            default_argument.__defaults__, vars(function_attribute),
            [c.cell_contents for c in closure.__closure__], hasattr(SETTINGS, "size"),
            SETTINGS.inner, list(collections.OrderedDict.__iter__(SETTINGS.frozen)),
            list(dict.keys(SETTINGS.hostile)), list.__len__(SETTINGS.hostile_list),
            hasattr(SETTINGS.slots, "second"), registry.cache_info().currsize,
            height_of.cache_info().currsize, rows.cache_info().currsize,
        )
    ]  # fmt: skip


WRITERS = [
    by_size, last_size, total, count_in_list, count_in_class, class_table, class_attribute,
    default_argument, function_attribute, closure, settings, elements, of_thread_and_context,
    singleton, cached_by_tensor,
]  # fmt: skip


@pytest.mark.parametrize("run", WRITERS, ids=lambda run: run.__name__)
@pytest.mark.parametrize("samples", [0, 4])
def test_it_comes_back_and_decides_nothing(run, samples):
    model, before = Model(run).eval(), state()
    found = archlint.infer(model, "N 3 H W", seconds=10)
    assert state() == before
    if run is not by_size:  # whose keys are one size at a time
        assert found.exact
        assert found.text == "H, W >= 3"
    region = "any H, W in 3..5" if run is by_size else "any H, W >= 3"
    verdict = archlint.check(model, "N 3 H W", accepts=region, samples=samples)
    assert verdict.word == "proved", verdict.message
    assert state() == before
    assert model.settings["b"] == [2]


@pytest.mark.parametrize("run", WRITERS, ids=lambda run: run.__name__)
def test_the_users_own_model_runs_afterwards(run):
    model = Model(run).eval()
    archlint.infer(model, "N 3 H W", seconds=10)
    with keep(model):  # for the next test
        assert model(torch.zeros(1, 3, 8, 8)).shape == (1, 3, 6, 6)


TAKEN: list = []


class Trims(nn.Module):
    """Notes each branch that it takes outside of itself."""

    def __init__(self, note):
        super().__init__()
        self.note = note

    def forward(self, x):
        for divisor in (2, 3, 5, 7):
            if x.shape[2] % divisor == 0:
                self.note()
                x = x[:, :, 1:]
        return x


class Counts(nn.Module):
    """Cuts off as many rows as its part noted branches."""

    def __init__(self, start, note, noted):
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3)
        self.trims = Trims(note)
        self.start, self.noted = start, noted

    def forward(self, x):
        self.start()
        self.trims(x)
        return self.conv(x[:, :, self.noted() :])


def _reset():
    Shared.calls = 0


@pytest.mark.parametrize(
    "functions",
    [
        (TAKEN.clear, lambda: TAKEN.append(1), lambda: len(TAKEN)),
        (_reset, Shared.count, lambda: Shared.calls),
    ],
)
def test_merged_branches_see_what_is_written_outside(functions):
    model = Counts(*functions).eval()
    found = archlint.infer(model, "N 3 H W", seconds=20)
    assert found.exact
    for height in range(1, 40):
        try:
            rows = model(torch.zeros(1, 3, height, 4)).shape[2]
        except RuntimeError:
            rows = None
        assert found.accepts(N=1, H=height, W=4) is (rows is not None)
        if rows is not None:
            assert found.output(N=1, H=height, W=4)[2] == rows
    TAKEN.clear()
    _reset()


class Held(nn.Module):
    def __init__(self, generator):
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3)
        self.generator = generator

    def forward(self, x):
        y = self.conv(x)
        return y if self.generator.random() < 0.5 else self.conv(y)


@pytest.mark.parametrize(
    "generator",
    [random.Random(1), np.random.default_rng(1), np.random.RandomState(1)],
    ids=["python", "generator", "state"],
)
def test_a_generator_that_the_model_holds_decides(generator):
    model = Held(generator).eval()
    first = model.generator.random
    assert not archlint.infer(model, "N 3 H W").exact
    assert archlint.check(model, "N 3 H W", accepts="any H, W >= 3", samples=0).word == "error"
    assert model.generator.random == first
