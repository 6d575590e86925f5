"""Questions of identity and type in code that has no file: of notebooks, consoles, and texts."""

from __future__ import annotations

import linecache
import sys
import types

import pytest
import torch

import archlint

SOURCE = """
import builtins
import operator
import torch
from torch import nn

K = int
NAMES = {int: "a", float: "b"}
kind = type
same = operator.is_

def helper(h):
    return type(h) is int

def by_default(h, of=type):
    return of(h) is int

class Model(nn.Module):
    def forward(self, x):
        h = x.shape[2]
        return torch.zeros(1) if ASKED else torch.zeros(2)

    def matched(self, h):
        match h:
            case 4 | 7:
                return True
            case int() if h > 20:
                return True
        return False
"""
TYPES = {
    "is": "type(h) is int",
    "equal": "type(h) == int",
    "a tuple": "type(h) in (int, float)",
    "a name": "type(h) is K",
    "a key": "NAMES.get(type(h)) == 'a'",
    "its name": "type(h).__name__ == 'int'",
    "another name": "kind(h) is int",
    "a default": "by_default(h)",
    "a function": "helper(h)",
    "map": "all(t is int for t in map(type, x.shape))",
    "two": "type(h) is type(3)",
    "a subclass": "issubclass(type(h), int)",
    "a tensor": "type(x) is torch.Tensor",
    "the model": "type(self) is Model",
    "a float": "type(h / 2) is float",
    "a type": "type(type(h)) is type",
    "builtins": "builtins.type(h) is int",
    "symbolic": "not isinstance(h, torch.SymInt)",
    "a lambda": "(lambda v: type(v) is int)(h)",
}
IDENTITY = {
    "number": "h is 7",
    "large": "h is 300",
    "truth": "(h > 5) is True",
    "copy": "x.contiguous() is x",
    "operator": "operator.is_(h, 7)",
    "imported": "same(h, 7)",
    "id": "id(x.contiguous()) == id(x)",
}
OTHERS = {
    "__class__": "h.__class__ is int",
    "isinstance": "isinstance(h, K)",
    "match": "self.matched(h)",
    "in": "h in (4, 7)",
    "the class of x": "x.__class__ == torch.Tensor",
    "None": "h is not None",
}
NEVER = {  # not followed, wherever the code is
    "eval": "eval('h is 7')",
    "eval of a type": "eval('type(h) is int')",
    "hidden": "vars(__builtins__ if K is int else 0)['type'](h) is int",
    "id of a number": "id(h) == id(7)",
}
SIZES = (1, 3, 4, 5, 6, 7, 8, 21, 255, 256, 257, 300)


@pytest.fixture
def model_of(monkeypatch):
    """Calling it runs the source in a module without a file, and returns its model."""

    def made(asked, name, known):
        source = SOURCE.replace("ASKED", asked)
        module = types.ModuleType("__main__")
        vars(module)["__builtins__"] = __import__("builtins")
        monkeypatch.setitem(sys.modules, "__main__", module)
        if known:
            entry = len(source), None, source.splitlines(keepends=True), name
            monkeypatch.setitem(linecache.cache, name, entry)
        else:
            monkeypatch.delitem(linecache.cache, name, raising=False)
        exec(compile(source, name, "exec"), vars(module))
        return module.Model().eval()

    return made


def assert_right(model):
    found = archlint.infer(model, "2 3 T")
    for size in SIZES:
        real = tuple(model(torch.zeros(2, 3, size)).shape)
        if found.exact:
            assert (found.accepts(T=size), found.output(T=size)) == (True, real), size
    return found


@pytest.mark.filterwarnings("ignore::SyntaxWarning")
@pytest.mark.parametrize("asked", TYPES | IDENTITY | OTHERS)
@pytest.mark.parametrize("name", ["<ipython-input-1-f00>", "/tmp/ipykernel_17/123.py"])
def test_of_a_cell_whose_source_is_known(model_of, asked, name):
    found = assert_right(model_of((TYPES | IDENTITY | OTHERS)[asked], f"{name}{asked}", True))
    assert found.exact, found.reasons


@pytest.mark.filterwarnings("ignore::SyntaxWarning")
@pytest.mark.parametrize("asked", TYPES | IDENTITY | OTHERS)
@pytest.mark.parametrize("name", ["<stdin>", "/tmp/ipykernel_17/456.py"])
def test_of_code_without_source_nothing_is_said_that_is_not_known(model_of, asked, name):
    model = model_of((TYPES | IDENTITY | OTHERS)[asked], name, False)
    found = assert_right(model)
    assert found.exact == (asked in OTHERS)
    if asked in TYPES:  # they hold for all sizes
        for output in ("1", "2"):
            verdict = archlint.check(
                model, input="2 3 T", accepts="any T", output=output, samples=0
            )
            assert verdict.word not in ("proved", "broken"), str(verdict)


def test_it_is_tested(model_of):
    model = model_of(TYPES["is"], "<stdin>", False)
    assert archlint.check(model, input="2 3 T", accepts="any T", output="1").word == "tested"
    assert archlint.check(model, input="2 3 T", accepts="any T", output="2").word == "broken"


@pytest.mark.filterwarnings("ignore::SyntaxWarning")
@pytest.mark.parametrize("asked", NEVER)
@pytest.mark.parametrize("known", [True, False])
def test_a_question_that_no_source_shows(model_of, asked, known):
    found = assert_right(model_of(NEVER[asked], f"<ipython-input-2-{asked}>", known))
    assert not found.exact
