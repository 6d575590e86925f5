"""Calls of int, float, max and min in user code keep sizes; everything else about them stays."""

from __future__ import annotations

import importlib
import sys
import types

import pytest
import torch
from torch import nn

import archlint
from archlint.tracing.python.builtins import SHADOWS, shadowed

ME = sys.modules[__name__]


class Coordinates(nn.Module):
    """Each row's place between 0 and 1, added to the image."""

    def forward(self, x):
        height = float(x.shape[2])
        return x + (torch.arange(0.5, x.shape[2]) / height)[:, None]


class Half(nn.Module):
    """The upper half, its height rounded as ``int`` rounds."""

    def forward(self, x):
        return x[:, :, : int(x.shape[2] * 0.5)]


class Padded(nn.Module):
    """'same' padding of an unpadded side: nothing, in the words of TensorFlow."""

    def forward(self, x):
        h = x.shape[2]
        missing = max((-(-h // 2) - 1) * 2 + 1 - h, 0)
        return nn.functional.pad(x, (0, 0, 0, missing))


class Mapped(nn.Module):
    def forward(self, x):
        h, w = map(int, x.shape[2:])
        return x.new_zeros(x.shape[0], 3, h, w)


class Counted(nn.Module):
    """What cannot keep a size: the number itself decides."""

    def forward(self, x):
        return x + "a".__mul__(int(x.shape[2]) // 100).count("a")


def inferred(model):
    return archlint.infer(model, "N 3 H W", paths=12)


@pytest.mark.parametrize(
    ("model", "height"),
    [(Coordinates(), "H"), (Half(), "H//2"), (Padded(), "H"), (Mapped(), "H")],
    ids=lambda v: type(v).__name__,
)
def test_a_size_goes_through(model, height):
    found = inferred(model)
    assert found.exact
    assert len(found.explored.paths) == 1
    assert found.text == "any size"
    assert " ".join(map(str, found.output_formulas)) == f"N 3 {height} W"
    for h in (1, 2, 3, 8, 13):
        assert tuple(model(torch.zeros(1, 3, h, 2)).shape) == found.output(N=1, H=h, W=2)


def test_a_call_that_python_has_specialized_is_seen():
    model = Coordinates()
    for _ in range(200):
        model(torch.zeros(1, 1, 2, 2))
    assert inferred(model).text == "any size"


def test_what_needs_the_number_still_pins_it():
    found = inferred(Counted())
    assert not found.exact
    assert "the limit of 12 paths was reached" in found.reasons[0]


def test_the_names_are_only_shadowed_inside():
    before = dict(vars(ME))
    with shadowed([__name__]):
        assert vars(ME)["int"] is SHADOWS["int"]
        assert vars(ME)["max"] is SHADOWS["max"]
    assert vars(ME) == before
    inferred(Half())
    assert vars(ME) == before


def test_they_come_off_after_an_exception():
    with pytest.raises(RuntimeError), shadowed([__name__]):
        raise RuntimeError
    assert "int" not in vars(ME)


def test_without_sizes_a_shadow_is_the_real_thing():
    number, decimal, largest, smallest = (SHADOWS[n] for n in ("int", "float", "max", "min"))
    assert number("12") == 12
    assert number("ff", base=16) == 255
    assert number() == 0
    assert decimal("1.5") == 1.5
    assert str(decimal(3)) == "3.0"
    assert isinstance(3, number)
    assert isinstance(True, number)
    assert isinstance(3, (str, number))
    assert not isinstance(3.0, number)
    assert isinstance(3.0, decimal)
    assert issubclass(bool, number)
    assert largest(1, 2.5) == 2.5
    assert largest([3, 1], default=0) == 3
    assert largest("a", "bcd", key=len) == "bcd"
    assert smallest(3, 1, 2) == 1
    with pytest.raises(TypeError):
        largest(3)


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("return int(x)", True),
        ("return isinstance(x, (int, float))", True),
        ("y: int = x", True),
        ("return list(map(int, x))", True),
        ("return type(x) is int", True),
        ("return type(x) in (int, float)", True),
        ("return x.kind is int or int != x.kind", True),
        ("return x.kind < int", False),
        ("return sorted([x.kind, int])", False),
        ("return {int: 1}[type(x)]", False),
        ("return int.from_bytes(x)", True),
        ("return isinstance(x, int) or {x: int}", False),
        ("return torch.zeros(1, dtype=int)", False),
        ("return x.astype(int)", True),
        ("return np.zeros(1, dtype=int)", True),
    ],
)
def test_a_module_that_uses_a_name_otherwise_keeps_it(line, kept, tmp_path, monkeypatch):
    name = "shadows_" + "".join(c for c in line if c.isalpha())
    (tmp_path / f"{name}.py").write_text(f"def f(x):\n    {line}\n    return int(x)\n")
    monkeypatch.syspath_prepend(tmp_path)
    module = __import__(name)
    assert isinstance(module, types.ModuleType)
    with shadowed([name]):
        assert ("int" in vars(module)) is kept


TRUE = (
    "type(n) is int",
    "type(f) is float",
    "KIND is type",
    "KIND is not int and type(n) is not type",
    "type(type(n)) is type",
    "type(type) is type",
    "type('K', (), {}).__class__ is type",
    "type(n).__mro__[0] is INT",
    "type(n) is INT",
    "n.__class__ is INT",
    "f.__class__ is type(f)",
    "INT == type(n) and type(n) == INT and not type(n) != INT",
    "{INT: 1}[type(n)] == 1",
    "type(n) in [str, INT] and [str, INT].index(type(n)) == 1",
    "issubclass(bool, type(n)) and isinstance(INT, type) and isinstance(n, INT)",
    "elsewhere.is_int(type(n))",
    "elsewhere.is_type(type(type(n)))",
    "elsewhere.handled(n) == 'int' and elsewhere.handled(type(n)) == 'type'",
    "torch.zeros(1, dtype=type(n)).dtype is torch.int64",
    "x.to(type(n)).dtype is torch.int64",
    "max.__name__ == 'max' and len.__name__ == 'len' and float.__name__ == 'float'",
    "operator.is_(type(n), INT)",
    "MAX is max and len is not MAX and max is not len",
    "type(max) is type(len) and type(len) is type(MAX) and max.__class__ is len.__class__",
    "int.__class__ is type and type.__class__ is type",
    "gcd is GCD and gcd == math.gcd and {GCD: 1}[gcd] == 1 and math.gcd is GCD",
    "repr(gcd) == repr(GCD) and gcd.__name__ == 'gcd' and type(gcd) is type(len)",
    "sorted([int, float], key=str)[1] is int and isinstance(n, int | float)",
    "elsewhere.is_one(n, int, float) and not elsewhere.is_one(f, int)",
    "[int][0](3.5) == 3 and dict(to=int)['to'] is INT",
    "float(int('3')) == 3 and list(map(int, [x.shape[0] * 0.5])) == [n]",
    "INT is int and INT == int and not INT != int and KIND in (type, float)",
    "np.zeros(1, np.int64).dtype == int and x.dtype != int",
    "id(type(n)) == id(INT)",
)
MODEL = """
import math
import operator
from math import gcd
import numpy as np
import torch
import elsewhere

GCD = gcd
KIND, INT, MAX = type, vars(elsewhere)["INT"], max

class Model(torch.nn.Module):
    def forward(self, x):
        n = int(x.shape[0] * 0.5)
        f = float(x.shape[0])
        m = max(len(x), gcd(x.shape[0], 6))
        return x[:, :2] if ASKED else x
"""
ELSEWHERE = """
from functools import singledispatch

INT = int

def is_int(kind):
    return kind is int and int(kind(3.5)) == 3

def is_type(kind):
    return kind is type and type(3) is not kind

def is_one(value, *kinds):
    return any(type(value) is kind and int(value * 0.5) >= 0 for kind in kinds)

@singledispatch
def handled(value):
    return "other"

handled.register(int, lambda value: "int")
handled.register(type, lambda value: "type")
"""


@pytest.mark.parametrize("asked", TRUE)
def test_the_types_of_python_are_those_that_code_knows(asked, tmp_path, monkeypatch):
    name = "types_" + "".join(c for c in asked if c.isalnum())
    (tmp_path / f"{name}.py").write_text(MODEL.replace("ASKED", asked))
    (tmp_path / "elsewhere.py").write_text(ELSEWHERE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "elsewhere", raising=False)
    model = importlib.import_module(name).Model()
    assert model(torch.zeros(5, 4)).shape == (5, 2)
    found = archlint.infer(model, "N 4")
    assert found.exact
    assert found.output(N=5) == (5, 2)
