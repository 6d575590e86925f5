"""What a model draws or reads from a clock is unknown; samples draw each time."""

from __future__ import annotations

import datetime
import importlib
import os
import random
import secrets
import time
import uuid
from datetime import datetime as DateTime
from random import randint
from random import random as drawn

import numpy as np
import pytest
import torch
from torch import nn

import archlint
from archlint.contracts.contract import TensorInput
from archlint.engine.sampling.real_run import run_at
from archlint.symbolic import symbol

ANY = "any H, W >= 3"


class Model(nn.Module):
    """Shrinks the image once or twice, as ``once`` decides."""

    def __init__(self, once):
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3)
        self.once = once

    def forward(self, x):
        y = self.conv(x)
        return y if self.once() else self.conv(y)


NOON = DateTime(2020, 1, 1, 12)
SOMETIMES = {
    "random": lambda: random.random() >= 0.1,
    "imported by name": lambda: drawn() >= 0.1,
    "the other side": lambda: 0.9 >= drawn(),  # noqa: SIM300
    "with arithmetic": lambda: random.random() * 2 - 1 > -0.8,
    "uniform": lambda: random.uniform(0, 1) > 0.1,
    "gauss": lambda: random.gauss(0, 1) > -1.0,
    "randint": lambda: randint(0, 9) > 0,
    "randrange": lambda: random.randrange(1, 10) > 1,
    "getrandbits": lambda: random.getrandbits(3),
    "as a truth": lambda: random.choice([0, 1, 2, 3]),
    "shuffle": lambda: random.sample([0, 1, 2, 3], 4)[0],
    "numpy": lambda: np.random.rand() >= 0.1,
    "numpy uniform": lambda: np.random.uniform(0, 1) >= 0.1,
    "numpy randint": lambda: np.random.randint(10),
    "numpy array": lambda: bool(np.random.rand(1)[0] >= 0.1),
    "numpy generator": lambda: np.random.default_rng().random() >= 0.5,
    "a generator": lambda: random.Random().random() >= 0.5,
    "secrets": lambda: secrets.randbelow(2),
    "urandom": lambda: os.urandom(1)[0] >= 128,
    "uuid": lambda: uuid.uuid4().int % 2,
    "clock": lambda: time.time_ns() // 100 % 2,
    "date and time": lambda: datetime.datetime.now().microsecond // 10 % 2,
    "date and time, by name": lambda: DateTime.now(datetime.timezone.utc).microsecond // 10 % 2,
    "torch": lambda: torch.rand(1) >= 0.1,
    "torch item": lambda: torch.rand(()).item() >= 0.1,
}


@pytest.mark.parametrize("how", SOMETIMES)
def test_no_draw_stands_for_all(how):
    model = Model(SOMETIMES[how]).eval()
    assert not archlint.infer(model, "N 3 H W").exact
    assert archlint.check(model, "N 3 H W", accepts=ANY, samples=0).word == "error"
    assert archlint.check(model, "N 3 H W", accepts=ANY).word == "broken"


ODD = "% 2e-6 < 1e-6"
KEPT = {  # where a model may keep a clock: what is defined, what it has, what it asks
    "attribute": ("", "self.clock = time.time", f"self.clock() {ODD}"),
    "mapping": ("", "self.by = {'t': time.perf_counter}", f"self.by['t']() {ODD}"),
    "tuple": ("", "self.by = (time.monotonic,)", f"self.by[0]() {ODD}"),
    "partial": ("", "self.f = functools.partial(time.clock_gettime, 1)", f"self.f() {ODD}"),
    "lambda": ("", "self.f = lambda clock=time.time: clock()", f"self.f() {ODD}"),
    "object": ("", "self.c = types.SimpleNamespace(now=time.time)", f"self.c.now() {ODD}"),
    "class": ("clock = time.time_ns", "", "self.clock() % 2"),
    "static": ("clock = staticmethod(time.time)", "", f"self.clock() {ODD}"),
    "method": ("def ask(self, clock=time.time): return clock()", "", f"self.ask() {ODD}"),
    "module": ("", "", f"CLOCKS['t']() {ODD}"),
    "closure": ("", "", f"CLOSURE() {ODD}"),
    "timer": ("", "", f"timeit.default_timer() {ODD}"),
    "system": ("", "self.draw = random.SystemRandom().random", "self.draw() < 0.5"),
    "secret": ("", "self.draw = secrets.choice", "self.draw([0, 1])"),
    "uuid": ("", "self.name = uuid.uuid4", "self.name().int % 2"),
    "bytes": ("", "self.draw = os.urandom", "self.draw(1)[0] % 2"),
    "date": ("", "self.now = datetime.datetime.now", "self.now().microsecond % 2"),
    "dates": ("", "self.kinds = [datetime.datetime]", "self.kinds[0].now().microsecond % 2"),
    "time": ("", "self.now = time.gmtime", "self.now().tm_sec % 2"),
}
KEEPING = """
import datetime, functools, os, random, secrets, time, timeit, types, uuid
import torch

def closing(clock):
    return lambda: clock()

CLOCKS, CLOSURE = {"t": time.time}, closing(time.time)

class Keeping(torch.nn.Module):
    DEFINED

    def __init__(self):
        super().__init__()
        OWN

    def forward(self, x):
        return x[:, :, 1:] if ASKED else x
"""


@pytest.mark.parametrize("where", KEPT)
def test_nothing_is_proved_of_a_clock_that_code_keeps(where, tmp_path, monkeypatch):
    defined, own, asked = (part or "pass" for part in KEPT[where])
    source = KEEPING.replace("DEFINED", defined).replace("OWN", own).replace("ASKED", asked)
    (tmp_path / f"keeping_{where}.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    model = importlib.import_module(f"keeping_{where}").Keeping().eval()
    assert not archlint.infer(model, "N 3 H W").exact
    for rest in ("H", "H-1"):
        found = archlint.check(model, "N 3 H W", accepts=ANY, output=f"N 3 {rest} W", samples=0)
        assert found.word in ("error", "broken")


def hidden(draw=random.random):  # bound where no replacement looks
    return draw() < 0.5


def test_a_draw_that_nothing_replaces_decides_nothing():
    for seed in range(4):
        random.seed(seed)
        model = Model(hidden).eval()
        assert archlint.check(model, "N 3 H W", accepts=ANY, samples=0).word == "error"
        assert archlint.check(model, "N 3 H W", accepts=ANY).word == "broken"


ALWAYS = {
    "never below 0": lambda: random.random() >= 0.0,
    "always below 1": lambda: drawn() < 1,
    "a whole part": lambda: int(random.random() * 4) < 4,
    "bounded": lambda: random.randint(2, 5) > 1,
    "numpy bounded": lambda: np.random.randint(1, 5),
    "seeded": lambda: random.Random(3).random() < 0.5,
    "not drawn": lambda: isinstance(random.Random, type) or True,
    "a stated date": lambda: (
        (DateTime(2020, 1, 2, 12) - NOON).days == 1 and isinstance(NOON, DateTime)
    ),
    "a date from a text": lambda: DateTime.strptime("2020", "%Y") < NOON < DateTime(2021, 1, 1),
    "kinds of dates": lambda: issubclass(type(NOON), DateTime) and isinstance(NOON, datetime.date),
    "bounded bits": lambda: random.getrandbits(3) < 8,
}


@pytest.mark.parametrize("how", ALWAYS)
def test_what_holds_for_every_draw_is_proved(how):
    model = Model(ALWAYS[how]).eval()
    assert archlint.infer(model, "N 3 H W").text == "H, W >= 3"
    assert archlint.check(model, "N 3 H W", accepts=ANY).word == "proved"


class Crop(nn.Module):
    def forward(self, x):
        top = random.randint(0, x.shape[2] - 4)
        left = int(np.random.rand() * (x.shape[3] - 3))
        return x[:, :, top : top + 4, left : left + 4].reshape(x.shape[0], 3, 4, 4)


def test_a_random_crop_is_proved_for_every_place():
    assert archlint.infer(Crop().eval(), "N 3 H W").text == "H, W >= 4"


class Timed(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3)

    def forward(self, x):
        start = time.perf_counter()
        y = self.conv(x)
        self.took = time.perf_counter() - start
        print(f"took {self.took:.3f} s at {time.time()}")
        return y


def test_measuring_time_costs_nothing():
    model = Timed().eval()
    assert archlint.infer(model, "N 3 H W").text == "H, W >= 3"
    assert not hasattr(model, "took")


def test_functions_are_themselves_afterwards():
    before = [random.random, np.random.rand, time.time, os.urandom, drawn, randint]
    state = random.getstate()
    archlint.infer(Model(SOMETIMES["random"]).eval(), "N 3 H W")
    assert before == [random.random, np.random.rand, time.time, os.urandom, drawn, randint]
    assert random.getstate() == state


def test_samples_draw_each_time():
    class Shows(nn.Module):
        def forward(self, x):
            return x[: 1 + random.randrange(100)], x[: 1 + np.random.randint(100)]

    rows = TensorInput((symbol("N"),))
    seen = [run_at(Shows(), rows, {"N": 200}, seed=k).output for k in (0, 0, 1, 2, 3)]
    assert seen[0] == seen[1]
    assert len({shape for shape, _ in seen}) > 2
    assert len({shape for _, shape in seen}) > 2


WRAPPER = """
def forward(self, x, *, __draw=draw, __plain=plain):
    parts = list(x.split(self.sizes, 1))
    if not isinstance(parts[__draw(32) % len(parts)], kind):
        raise TypeError("not a tensor")
    return __plain(self, parts)
"""


class Halves(nn.Module):
    """Its ``forward`` checks one of its parts, drawn by a generator that is a default."""

    sizes = (2, 2)

    def forward(self, parts):
        return parts[0] + parts[1]


names = {"draw": random.getrandbits, "plain": Halves.forward, "kind": torch.Tensor}
exec(compile(WRAPPER, "<a decorator>", "exec"), names)
Halves.forward = names["forward"]


def test_a_wrapper_that_draws_which_item_it_checks():
    found = archlint.infer(Halves(), "N 4 L")
    assert found.text == "any size", found.reasons
    assert found.exact
    assert Halves()(torch.zeros(1, 4, 3)).shape == (1, 2, 3)


def test_a_function_that_another_replaces_between_two_traces_is_unknown_too(monkeypatch):
    def word():
        return archlint.check(
            Model(SOMETIMES["random"]).eval(), "N 3 H W", accepts=ANY, samples=0
        ).word

    before = word()
    monkeypatch.setattr(random, "random", random.Random(7).random)
    assert word() == before
    monkeypatch.undo()
    monkeypatch.delattr(random, "randbytes")
    monkeypatch.setattr(random, "aside", random.random, raising=False)  # as many names as before
    assert word() == before
    monkeypatch.undo()
    assert word() == before != "proved"
