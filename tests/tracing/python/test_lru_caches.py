"""Functions that remember their results: sizes among their arguments stay sizes."""

from __future__ import annotations

import functools
import sys
import types

import pytest
import torch
from torch import nn

import archlint


@functools.lru_cache(maxsize=4)
def grid(height, width):
    return torch.zeros(1, 1, height, width)


def remembering(function):
    """A decorator around the cache, so that only a closure knows it."""
    inner = functools.lru_cache(maxsize=1)(function)

    @functools.wraps(function)
    def call(*args, **kwargs):
        return inner(*args, **kwargs)

    return call


class ByFunction(nn.Module):
    def forward(self, x):
        return x + grid(*x.shape[2:])


class ByMethod(nn.Module):
    @functools.cache  # noqa: B019
    def grid(self, height, width):
        return torch.zeros(1, 1, height, width)

    def forward(self, x):
        return x + self.grid(*x.shape[2:])


class ByDecorator(nn.Module):
    @staticmethod
    @remembering
    def grid(shape, device=None):
        return torch.zeros(1, 1, *shape[2:], device=device)

    def forward(self, x):
        return x + self.grid(x.shape, device=x.device)


class ByStaticMethod(nn.Module):
    @staticmethod
    @functools.lru_cache
    def grid(height, width):
        return torch.zeros(1, 1, height, width)

    def forward(self, x):
        return x + self.grid(*x.shape[2:])


class ByClassMethod(nn.Module):
    @classmethod
    @functools.lru_cache
    def grid(cls, height, width):
        return torch.zeros(1, 1, height, width)

    def forward(self, x):
        return x + self.grid(*x.shape[2:])


class Inherits(ByMethod):
    pass


KINDS = [ByFunction, ByMethod, ByDecorator, ByStaticMethod, ByClassMethod, Inherits]


@pytest.mark.parametrize("kind", KINDS)
def test_any_size(kind):
    found = archlint.infer(kind(), "N 1 H W")
    assert (found.text, found.exact) == ("any size", True), found.reasons
    assert found.entry().output == "N 1 H W"
    assert len(found.explored.paths) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_all_is_as_before_afterwards(kind):
    before = dict(vars(kind)), dict(vars(sys.modules[__name__]))
    cells = [c.cell_contents for c in ByDecorator.grid.__closure__]
    archlint.infer(kind(), "N 1 H W")
    assert (dict(vars(kind)), dict(vars(sys.modules[__name__]))) == before
    assert [c.cell_contents for c in ByDecorator.grid.__closure__] == cells


class Sealed(type):
    def __setattr__(cls, name, value):
        raise TypeError("nothing can be set")


class Helper(metaclass=Sealed):
    @staticmethod
    @functools.lru_cache
    def half(height):
        return height // 2


class ByHelper(nn.Module):
    def forward(self, x):
        return x[:, :, : Helper.half(x.shape[2])]


def test_a_class_that_lets_nothing_be_set_keeps_its_cache():
    verdict = archlint.check(ByHelper(), "N 1 H W", accepts="any H in {4, 6}", output="N 1 H//2 W")
    assert verdict.word == "proved", verdict.message


class Refuses(nn.Module):
    @functools.lru_cache  # noqa: B019
    def steps(self, height):
        if height % 4:
            raise ValueError("in steps of 4, please")
        return height // 4

    def forward(self, x):
        self.steps.cache_info()
        return x[:, :, : self.steps(x.shape[2])]


def test_what_the_function_asks_is_asked():
    found = archlint.infer(Refuses(), "N 1 H W")
    assert (found.text, found.exact) == ("H % 4 == 0", True), found.reasons
    assert found.output(N=1, H=8, W=3) == (1, 1, 2, 3)
    assert ByMethod.grid.cache_info().currsize == 0


ELSEWHERE = """
import functools, torch
STEPS = {}

@functools.cache
def mesh(h, w):
    return torch.stack(torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij"))

def crop(x, most=9):
    STEPS["last"] = x
    return x[:, :2] + mesh(x.shape[2], x.shape[3])[None, :, :, :most]
"""


@pytest.mark.parametrize("held", [lambda f: f, lambda f: functools.partial(f, most=9)])
def test_a_function_of_another_module_that_the_model_holds(monkeypatch, held):
    elsewhere = types.ModuleType("elsewhere")
    monkeypatch.setitem(sys.modules, "elsewhere", elsewhere)
    exec(ELSEWHERE, vars(elsewhere))

    class Holds(nn.Module):
        def __init__(self):
            super().__init__()
            self.crop = held(elsewhere.crop)

        def forward(self, x):
            return self.crop(x)

    found = archlint.infer(Holds(), "N 3 H W")
    assert found.exact
    assert found.text == "W <= 9"
    assert elsewhere.STEPS == {}
    assert elsewhere.mesh.cache_info().currsize == 0


def test_a_function_of_no_module_that_the_model_holds():
    class Holds(nn.Module):
        def __init__(self):
            super().__init__()
            self.cut = eval("lambda x: x[:, :x.shape[1] // 2]", {})

        def forward(self, x):
            return self.cut(x)

    assert archlint.infer(Holds(), "N T").text == "any size"
