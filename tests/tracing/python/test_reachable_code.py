"""Functions that a model can call, however its code names them."""

import sys

import pytest
import torchvision
from torch import nn

import archlint
from archlint.models.model_code import ModelCode
from archlint.tracing.python.builtin_calls import modules_to_replace_type
from archlint.tracing.python.reachable_code import reachable_functions

HELPER = """
import functools
def even(h): return type(h) is int and h % 2 == 0
class Rule:
    def __call__(self, h): return even(h)
RULES = {"even": even}
LIST = [even]
RULE = Rule()
AGAIN = functools.lru_cache(even)
class Proxy:
    @property
    def __class__(self): raise RuntimeError("outside of a request")
    def __getattr__(self, name): raise RuntimeError("outside of a request")
PROXY = Proxy()
HALF = functools.partial(even)
def unused(h): return type(h)
"""
MODEL = """
import importlib
import torch
from torch import nn
import helper
from helper import RULES, LIST, RULE, AGAIN, HALF, even
def decorated(function):
    def inner(self, x):
        return x if even(x.shape[-1]) else function(self, x)
    return inner
def by_default(h, rule=even): return rule(h)
def closed(rule):
    return lambda h: rule(h)
CLOSED = closed(even)
class Made:
    def __init__(self, h):
        self.good = even(h)
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.rule, self.table = even, {{"rule": even}}
    def forward(self, x):
        h = x.shape[-1]
        if not ({asks}):
            raise ValueError
        return x
class Base(nn.Module):
    @decorated
    def forward(self, x):
        raise ValueError
class Derived(Base):
    pass
"""
CALLS = {
    "imported": "even(h)",
    "of a module": "helper.even(h)",
    "by a text": "getattr(helper, 'ev' + 'en')(h)",
    "of all names": "globals()['ev' + 'en'](h)",
    "in a dictionary": "RULES['even'](h)",
    "in a list": "LIST[0](h)",
    "an object": "RULE(h)",
    "beside a proxy": "even(h) if helper.PROXY is not None else False",
    "cached": "AGAIN(h)",
    "partial": "HALF(h)",
    "a default": "by_default(h)",
    "closed over": "CLOSED(h)",
    "an attribute": "self.rule(h)",
    "a method of itself": "type(h) is int and h % 2 == 0",
    "what makes an object": "Made(h).good",
    "in a comprehension": "all(even(n) for n in [h])",
}


@pytest.fixture
def models(tmp_path, monkeypatch):
    """Calling it returns a class of a new module whose ``forward`` asks in these words."""
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "helper.py").write_text(HELPER)

    def made(asks, kind="Net"):
        (tmp_path / "reached.py").write_text(MODEL.format(asks=asks))
        monkeypatch.delitem(sys.modules, "reached", raising=False)
        monkeypatch.delitem(sys.modules, "helper", raising=False)
        import reached

        return getattr(reached, kind)()

    yield made
    for name in ("reached", "helper"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize("asks", CALLS.values(), ids=CALLS)
def test_what_is_called_is_reached(models, asks):
    model = models(asks)
    names = {f.__name__ for f in reachable_functions(ModelCode.of(model))}
    assert "forward" in names
    assert ("__init__" in names) == ("globals" in asks or "Made" in asks)  # the model is made
    assert "even" in names or asks.startswith("type")
    assert ("unused" in names) == ("getattr(helper" in asks)
    assert archlint.infer(model, "N H").text == "H % 2 == 0"


def test_decorators_and_bases(models):
    model = models("True", "Derived")
    assert "even" in {f.__name__ for f in reachable_functions(ModelCode.of(model))}
    assert archlint.infer(model, "N H").text == "H % 2 == 0"


def test_libraries_are_followed_as_far_as_they_are_called():
    reached = {f.__module__ for f in reachable_functions(ModelCode.of(torchvision.models.swin_t()))}
    assert "torchvision.models.swin_transformer" in reached
    assert {name.partition(".")[0] for name in reached} == {"torchvision"}  # not NumPy, not PIL
    assert modules_to_replace_type(ModelCode.of(nn.Linear(2, 3))) == []
