"""Code that is replaced by other code of the same name, between two questions of one process."""

from __future__ import annotations

import importlib.util
import sys

import pytest
import torch

import archlint
from archlint.models.held_names import HeldNames
from archlint.symbolic import evaluate

MODULE = """
import torch
from torch import nn

def helper(x):
    return x * 2

class Model(nn.Module):
    def forward(self, x):
        return helper(x)

class Method(nn.Module):
    def forward(self, x):
        return self.step(x)

    def step(self, x):
        return x * 2
"""
OTHER = """
import torch

def rows(x):
    return torch.stack([x[:, t] * 2 for t in range(x.shape[1])], 1)

def same(x):
    n = x.shape[1]
    return x[:, :1] if n is x.shape[2] + 3 else x

def counted(x, calls=[]):
    calls.append(1)
    return x[:, : len(calls)]
"""


@pytest.fixture(name="modules")
def _modules(tmp_path, monkeypatch):
    loaded = []
    for name, text in (("replaced_code", MODULE), ("other_code", OTHER)):
        file = tmp_path / f"{name}.py"
        file.write_text(text)
        spec = importlib.util.spec_from_file_location(name, file)
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, module)
        spec.loader.exec_module(module)
        loaded.append(module)
    return loaded


def sizes(found, n, t):
    path = found.explored.path_at({"N": n, "T": t})
    return tuple(evaluate(d, {"N": n, "T": t}) for d in path.trace.output.dims)


@pytest.mark.parametrize("kind", ["Model", "Method"])
@pytest.mark.parametrize("name", ["rows", "same", "counted"])
def test_code_that_is_replaced_is_followed(modules, kind, name):
    module, other = modules
    model = getattr(module, kind)()
    assert archlint.infer(model, "N T 4").exact
    new = getattr(other, name)
    if kind == "Model":
        module.helper = new
    else:
        module.Method.step = lambda self, x: new(x)
    found = archlint.infer(model, "N T 4")
    assert found.exact
    assert not other.counted.__defaults__[0]
    for n, t in ((1, 5), (2, 7), (2, 130)):
        other.counted.__defaults__[0].clear()
        assert sizes(found, n, t) == tuple(model(torch.zeros(n, t, 4)).shape)


def test_names_that_are_bound_to_other_code():
    def one():
        return 1

    def two():
        return 2

    space = {"f": one, "n": 1}
    names = HeldNames([space])
    space["n"] = 2
    assert not names.changed()
    space["f"] = two
    assert names.changed()
    names = HeldNames([space])
    del space["f"]
    space["g"] = two
    assert HeldNames([space]).changed() is False
    space["h"] = 3
    assert names.changed()


def test_code_of_libraries_is_taken_not_to_change():
    space = {"__file__": torch.__file__, "f": len}
    names = HeldNames([space])
    space["f"] = max
    assert not names.changed()
    space["g"] = max
    assert names.changed()
