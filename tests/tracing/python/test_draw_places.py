"""The names that are bound to a function: of modules, and of the defaults of functions."""

from __future__ import annotations

import functools
import random
import sys
import types
from random import random as by_name

import torch
from torch import nn

from archlint.tracing.python.draw_places import bound, places

MADE = {id(random.random): (random.random, "the replacement")}


def decorated(function):
    @functools.wraps(function)
    def wrapper(self, x):
        return function(self, x)

    return wrapper


class Draws(nn.Module):
    by_class = by_name  # is looked up in the class, which is left as it is

    @decorated
    def forward(self, x, *, draw=by_name):
        return x * draw()


def test_names_of_the_modules_of_classes_and_defaults_of_their_functions():
    found = {(name, id(names)) for names, name, _ in places(MADE, Draws.__mro__)}
    defaults = Draws.forward.__wrapped__.__kwdefaults__
    assert ("by_name", id(globals())) in found
    assert ("draw", id(defaults)) in found
    assert "by_class" not in {name for name, _ in found}


def test_a_module_of_the_users_that_is_loaded_later_counts(tmp_path, monkeypatch):
    assert places(MADE, nn.Module.__mro__) is not None
    for name in ("late", "later", "later"):  # each in the place of the one before
        late = types.ModuleType(name)
        late.__file__, late.drawn = str(tmp_path / f"{name}.py"), random.random
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, name, late)
            found = [(names, at) for names, at, _ in places(MADE, nn.Module.__mro__)]
        assert any(names is vars(late) and at == "drawn" for names, at in found)


def test_libraries_keep_their_names(monkeypatch):
    monkeypatch.setattr(torch, "drawn", random.random, raising=False)
    monkeypatch.setattr(nn.Module, "drawn", random.random, raising=False)
    found = places(MADE, nn.Module.__mro__)
    assert all(names is not vars(torch) for names, _, _ in found)


def test_what_is_bound():
    names = {"a": random.random, "b": random.randint, "c": random.random}
    assert [name for _, name, _ in bound(MADE, names)] == ["a", "c"]
