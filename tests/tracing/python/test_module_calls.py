"""Every call of a module goes through what replaces it, however ``nn.Module.__call__`` is made."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from archlint.tracing.python.module_calls import replaced_module_call


class Doubles(nn.Module):
    def __call__(self, x, *, times=2):
        return super().__call__(x) * times

    def forward(self, x):
        return x + 1


def enclosing(original):
    def call(self, *args, **kwargs):
        return original(self, *args, **kwargs)

    return call


def with_settings(self, *args, factor=1, **kwargs):
    return ORIGINAL(self, *args, **kwargs) * factor


with_settings.__kwdefaults__ = {"factor": 3}
ORIGINAL = nn.Module.__call__
X = torch.ones(1)


def names_of(calls):
    def wrap(original):
        def call(module, *args, **kwargs):
            calls.append((type(module).__name__, kwargs))
            return original(module, *args, **kwargs)

        return call

    return wrap


@pytest.fixture(params=["PyTorch's", "a closure", "with a default"])
def factor(request, monkeypatch):
    """``nn.Module.__call__``, as a library may have replaced it; what it multiplies outputs by."""
    if request.param == "a closure":
        monkeypatch.setattr(nn.Module, "__call__", enclosing(ORIGINAL))
    if request.param == "with a default":
        monkeypatch.setattr(nn.Module, "__call__", with_settings)
    return 3 if request.param == "with a default" else 1


def test_calls_are_seen_and_the_function_is_as_before(factor):
    before, code = nn.Module.__call__, nn.Module.__call__.__code__
    calls = []
    with replaced_module_call(names_of(calls)):
        assert nn.Sequential(nn.Identity())(X) == X * factor**2
        assert Doubles()(X, times=5) == (X + 1) * factor * 5
        nn.Module.__call__(nn.Identity(), input=X)
    assert calls == [
        ("Sequential", {}), ("Identity", {}), ("Doubles", {}), ("Identity", {"input": X}),
    ]  # fmt: skip
    nn.Identity()(X)
    assert len(calls) == 4
    assert (nn.Module.__call__, nn.Module.__call__.__code__) == (before, code)


def test_a_second_replacement_lies_around_the_first(factor):
    outer, inner = [], []
    with replaced_module_call(names_of(inner)):
        with replaced_module_call(names_of(outer)):
            nn.Identity()(X)
        nn.ReLU()(X)
    assert ([n for n, _ in outer], [n for n, _ in inner]) == (["Identity"], ["Identity", "ReLU"])


@pytest.mark.parametrize("replaces", [False, True])
def test_it_is_as_before_after_an_error_and_after_code_that_replaced_it(factor, replaces):
    before, code = nn.Module.__call__, nn.Module.__call__.__code__

    def run():
        with replaced_module_call(names_of([])):
            if replaces:
                nn.Module.__call__ = enclosing(before)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run()
    assert (nn.Module.__call__, nn.Module.__call__.__code__) == (before, code)
