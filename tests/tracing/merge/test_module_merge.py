"""Ways that part and meet again inside a module: fewer paths, the same answer."""

from __future__ import annotations

import functools
import itertools
import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import archlint
import archlint.tracing.model_tracer
from archlint.engine.sampling.real_run import run_at
from archlint.tracing.merge.module_merge import class_name


class EvenPad(nn.Module):
    """Pads an odd size by one, as in TensorFlow's "same" padding, then halves it."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 2, 2)

    def forward(self, x):
        if x.shape[2] % 2:
            x = F.pad(x, (0, 0, 0, 1))
        if x.shape[3] % 2:
            x = F.pad(x, (0, 1))
        return self.conv(x)


class Fit(nn.Module):
    """Pads its input to the size of a skip connection where it is smaller, as a U-Net does."""

    def forward(self, x, skip):
        for d in (2, 3):
            if x.shape[d] != skip.shape[d]:
                x = F.pad(x, (0, 0, 0, 1) if d == 2 else (0, 1))
        return x + skip


class Chain(nn.Module):
    """Four modules in a row: 256 ways through them."""

    def __init__(self):
        super().__init__()
        self.down = nn.ModuleList(EvenPad() for _ in range(4))

    def forward(self, x):
        for layer in self.down:
            x = layer(x)
        return x


class Skips(nn.Module):
    """Halves with rest, doubles, and pads what is missing: 64 ways."""

    def __init__(self):
        super().__init__()
        self.fit = Fit()

    def forward(self, x):
        levels = [x]
        for _ in range(3):
            levels.append(F.max_pool2d(levels[-1], 2))
        x = levels.pop()
        for level in reversed(levels):
            x = self.fit(F.interpolate(x, scale_factor=2.0), level)
        return x


def paths(model, input="N 1 H W", **settings):
    """The acceptance that ``infer`` finds, held against the real model on a box."""
    found = archlint.infer(model, input, **settings)
    for h, w in itertools.product((1, 2, 3, 7, 8, 9, 15, 16, 17, 18), (1, 2, 8, 9, 11, 16)):
        ran = run_at(model.eval(), found.input, {"N": 1, "H": h, "W": w})
        said = found.accepts(N=1, H=h, W=w)
        assert said in (None, ran.accepted), (h, w, ran.error)
        if said:
            assert found.output(N=1, H=h, W=w) == ran.output
    return found


@pytest.mark.parametrize(
    ("model", "text", "output"),
    [(Chain(), "any size", "N 1 ceil(H/16) ceil(W/16)"), (Skips(), "H, W >= 8", "N 1 H W")],
)
def test_many_ways_become_one(model, text, output):
    found = paths(model)
    assert (found.text, found.exact, found.entry().output) == (text, True, output)
    assert len(found.explored.paths) == 1


def classes_per_trace(model, monkeypatch):
    """The classes whose branches each trace of ``infer`` merges; ``None`` where it merges none."""
    classes = []

    def counted(*args, merging, **settings):
        found = getattr(merging, "keywords", None)
        branching = found["branching"] if found else merging.__self__.branching
        classes.append(branching)
        try:
            return trace(*args, merging=merging, **settings)
        finally:
            classes[-1] = set(branching) or None

    trace = archlint.tracing.model_tracer.trace
    monkeypatch.setattr(archlint.tracing.model_tracer, "trace", counted)
    archlint.infer(model, "N 1 H W")
    return classes


def test_modules_of_one_class_that_branch_are_merged_at_once(monkeypatch):
    assert classes_per_trace(Chain(), monkeypatch) == [{class_name(EvenPad())}]


def test_a_module_that_branches_in_two_calls_is_merged_in_the_next_trace(monkeypatch):
    assert classes_per_trace(Skips(), monkeypatch) == [None, {class_name(Fit())}]


def test_one_module_that_branches_is_two_paths(monkeypatch):
    assert classes_per_trace(EvenPad(), monkeypatch) == [None] * 4  # H, W even or odd


@pytest.mark.parametrize("rename", [False, True])
def test_classes_that_each_run_makes_again(rename):
    """One name is learned once; names without end do not repeat the run without end."""
    numbers = itertools.count()

    class Makes(nn.Module):
        def forward(self, x):
            class Made(EvenPad):
                pass

            if rename:
                Made.__qualname__ = f"Made{next(numbers)}"
            for _ in range(3):
                x = Made().eval()(x)
            return x

    found = archlint.infer(Makes(), "N 1 H W")
    assert found.accepts(N=1, H=16, W=16) in (True, None)
    assert next(numbers) < 2000


def test_claims_of_one_way_are_asked_of_that_way_only():
    """Odd sizes are padded by two and then need five, even sizes need two."""

    class OddNeedsMore(nn.Module):
        def forward(self, x):
            if x.shape[2] % 2:
                return F.avg_pool2d(x[:, :, 1:], (4, 1), 1, (2, 0))[:, :, :1]
            return F.avg_pool2d(x, (2, 1), 1)[:, :, :1]

    class Several(Chain):
        def __init__(self):
            super().__init__()
            self.down = nn.ModuleList([EvenPad(), EvenPad(), EvenPad(), OddNeedsMore()])

    paths(Several())


class Remembers(EvenPad):
    """Changes itself on one of its ways."""

    def forward(self, x):
        if x.shape[2] % 2:
            self.seen = True
        return super().forward(x)


class Raises(EvenPad):
    def forward(self, x):
        if x.shape[2] % 2:
            raise ValueError("odd")
        return super().forward(x)


class Keeps(nn.Module):
    """Its two ways come to different sizes."""

    def forward(self, x):
        return x[:, :, ::2] if x.shape[2] % 3 else x


class Counts(EvenPad):
    """Asks for a number on one of its ways."""

    def forward(self, x):
        if x.shape[2] % 2:
            for _ in range(x.shape[3]):
                pass
        return super().forward(x)


@pytest.mark.parametrize("kind", [Remembers, Raises, Keeps, Counts])
def test_what_is_not_joined(kind, monkeypatch):
    """What could have another effect stays apart, and nothing wrong is said."""
    monkeypatch.setattr(archlint.tracing.model_tracer, "MERGE_AFTER", -1)
    model = nn.Sequential(kind(), nn.MaxPool2d(2))
    found = paths(model, paths=24)
    assert len(found.explored.paths) > 1
    assert not hasattr(model[0], "seen")


class Hooked(nn.Module):
    """Collects the output of a layer by a hook, as feature extractors do."""

    def __init__(self):
        super().__init__()
        self.layer = EvenPad()
        self.found = []
        self.layer.register_forward_hook(self.collect)

    def collect(self, module, args, output):
        self.found.append(output)

    def forward(self, x):
        self.found.clear()
        self.layer(x)
        return list(self.found)


class Appends(EvenPad):
    """Adds to a list that it was given."""

    def forward(self, x, found):
        result = super().forward(x)
        found.append(result if x.shape[2] % 2 else x)
        return result


class Gives(nn.Module):
    def __init__(self, make):
        super().__init__()
        self.layer, self.make = Appends(), make

    def forward(self, x):
        found = self.make()
        self.layer(x, found)
        return list(found)


class Store:
    """A cache object."""

    def __init__(self):
        self.parts = []

    def append(self, part):
        self.parts.append(part)

    def __iter__(self):
        return iter(self.parts)


@pytest.mark.parametrize(
    "make", [Hooked, lambda: Gives(list), lambda: Gives(Store)], ids=["hook", "list", "object"]
)
def test_other_effects_than_a_result_are_not_repeated(make, monkeypatch):
    monkeypatch.setattr(archlint.tracing.model_tracer, "MERGE_AFTER", -1)
    found = paths(make())
    assert found.exact
    assert len(found.output(N=1, H=9, W=9)) == 1


def test_results_of_every_form(monkeypatch):
    """Lists, sizes, constants and weights come out of a module as well as tensors."""
    monkeypatch.setattr(archlint.tracing.model_tracer, "MERGE_AFTER", -1)

    class Parts(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(3))

        def forward(self, x):
            if x.shape[2] % 2:
                x = F.pad(x, (0, 0, 0, 1))
            return [x, (x.shape[2], "same", None, 3)], self.weight

    class Whole(nn.Module):
        def __init__(self):
            super().__init__()
            self.parts = Parts()

        def forward(self, x):
            (x, (height, *_)), weight = self.parts(x)
            return x.view(x.shape[0], height // 2, -1), weight

    found = paths(Whole())
    assert (found.text, found.exact) == ("any size", True)
    assert len(found.explored.paths) == 1
    assert found.entry().output == ["N ceil(H/2) 2*W", "3"]


@pytest.mark.parametrize(
    "sizes",
    [
        lambda h, w: (math.gcd(h, 12), math.lcm(w, 2)),
        lambda h, w: (math.gcd(h, 6), math.gcd(w, 4)),
        lambda h, w: (pow(h, 2, 7), pow(w, 3, 5)),
    ],
)
def test_an_answer_at_the_sizes_of_the_path_is_not_merged_with_other_branches(sizes):
    class Zeros(nn.Module):
        def forward(self, x):
            return x.new_zeros(sizes(*x.shape[2:]))

    found = archlint.infer(Zeros(), "1 3 H W")
    assert found.exact
    for h, w in itertools.product((1, 2, 3, 4, 6, 12, 13), (1, 2, 4, 5, 8)):
        assert found.output(H=h, W=w) == sizes(h, w)


@functools.cache
def part_of(size, over, rest):
    """What a cached function computes by a branch of its own."""
    if size > over:
        return size // 2 if size % 3 == rest else 3
    return None


class ByCache(nn.Module):
    """Two calls of one cached function, one of them on one branch only."""

    def __init__(self, over, rest):
        super().__init__()
        self.over, self.rest = over, rest

    def forward(self, x):
        if x.shape[2] % 2:
            x = F.pad(x, (0, 0, 0, part_of(x.shape[2], self.over, self.rest) or 1))
        first = part_of(x.shape[2], self.over, self.rest)
        return x if first is None else x[:, :, :first]


@pytest.mark.parametrize(("over", "rest"), [(0, 0), (2, 1), (4, 2), (7, 0)])
def test_a_cached_function_branches_again_on_each_branch(monkeypatch, over, rest):
    monkeypatch.setattr(archlint.tracing.model_tracer, "MERGE_AFTER", -1)
    model = nn.Sequential(ByCache(over, rest), ByCache(over, rest)).eval()
    found = archlint.infer(model, "N 1 H 2")
    for height in range(1, 14):
        accepts = found.accepts(N=1, H=height)
        assert accepts is True or (accepts is None and not found.exact)
        shape = found.output(N=1, H=height)
        assert shape in (None, tuple(model(torch.ones(1, 1, height, 2)).shape))
    part_of.cache_clear()


class Other(EvenPad):
    """Branches as its base class does."""


def test_a_run_that_is_thrown_away_does_no_more_than_it_must(monkeypatch):
    """It merges the branches of classes with several modules; the next, those of all classes."""
    calls, merged = [], []
    trace = archlint.tracing.model_tracer.trace

    def noted(*args, path, **settings):
        try:
            result = trace(*args, path=path, **settings)
        finally:
            calls.append(path.calls)
        merged.append(len(result.log.merged))
        return result

    monkeypatch.setattr(archlint.tracing.model_tracer, "trace", noted)
    found = paths(nn.Sequential(EvenPad(), EvenPad(), Other(), EvenPad(), EvenPad()))
    assert found.exact
    assert len(found.explored.paths) == 1
    assert len(calls) == 2
    assert merged == [4, 5]
