"""Which line of a stack is reported: the user's own, or one of the package that has the model."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import archlint
from archlint.runtime.user_frames import LONGEST, summary, user_line

LIBRARY = """
import torch
from torch import nn

def deepest(x):
    raise ValueError("no")

def helper(x):
    return deepest(x)

class Layer(nn.Module):
    def forward(self, x):
        return helper(x)

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = Layer()
    def forward(self, x):
        return self.layer(x)
"""


def library(name):
    """A package of that name that seems to be installed."""
    scope = {"__name__": f"{name}.parts"}
    exec(compile(LIBRARY, f"/lib/site-packages/{name}/parts.py", "exec"), scope)
    return scope


class Calls(nn.Module):
    def __init__(self, call):
        super().__init__()
        self.call = call

    def forward(self, x):
        return self.call(x)


CALLS = Calls.forward.__code__.co_firstlineno + 1
ONE, OTHER = library("one"), library("other")


exec(
    compile(
        "class Mixed(Net):\n    def forward(self, x):\n        return other(x)",
        "/lib/site-packages/one/mixed.py",
        "exec",
    ),
    scope := {"Net": ONE["Net"], "other": OTHER["helper"], "__name__": "one.mixed"},
)


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (Calls(ONE["helper"]), f"test_user_frames.py:{CALLS}"),  # the user's, not the library's
        (Calls(ONE["Layer"]()), f"test_user_frames.py:{CALLS}"),
        (Calls(ONE["Net"]()), "one/parts.py:6"),  # the model is the library's
        (ONE["Net"](), "one/parts.py:6"),
        (ONE["Layer"](), "one/parts.py:13"),
        (scope["Mixed"](), "one/mixed.py:3"),  # it only calls the other library
        (ONE["helper"], "one/parts.py:6"),
    ],
    ids=["function", "layer", "net", "bare_net", "bare_layer", "mixed", "bare_function"],
)
def test_the_line_is_the_users_or_that_of_the_models_package(call, line):
    with pytest.raises(ValueError, match="no") as caught:
        call(torch.zeros(1))
    frames = caught.value.with_traceback(caught.value.__traceback__.tb_next)  # without this test
    assert user_line(frames).endswith(line)


class Wants(nn.Module):
    """Raises before it calls any operator."""

    def __init__(self, divisor):
        super().__init__()
        self.divisor = divisor

    def forward(self, x):
        if x.shape[-1] % self.divisor:
            raise ValueError(f"width {x.shape[-1]}")
        return x


class Nested(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Sequential(nn.ReLU(), Wants(8))

    def forward(self, x):
        return self.inner(x)


class After(nn.Module):
    """A layer returned when the model's own code raises."""

    def __init__(self):
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1))

    def forward(self, x):
        y = self.first(x)
        if y.shape[-1] % 8:
            raise AssertionError
        return y


CONV = nn.Conv2d(3, 3, 3, padding=1)


@pytest.mark.parametrize(
    ("model", "module"),
    [
        (nn.Sequential(CONV, Wants(8), CONV), "1"),
        (nn.Sequential(Wants(8), CONV), "0"),
        (nn.Sequential(CONV, Nested(), CONV), "1.inner.1"),
        (After(), ""),
        (nn.Sequential(After()), "0"),
    ],
)
@pytest.mark.parametrize("samples", [0, 4])
def test_the_place_is_the_module_whose_code_raised(model, module, samples):
    verdict = archlint.check(model.eval(), "N 3 H W", accepts="any size", samples=samples)
    assert (verdict.word, verdict.at.module) == ("broken", module)
    assert verdict.at.op == ""  # no operator refuses
    refused = archlint.infer(model, "N 3 H W").entry().refusals
    assert {r.at for r in refused} == {module}


def test_instance_norm_in_eval_is_not_said_to_train():
    model = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.InstanceNorm2d(4)).eval()
    verdict = archlint.check(model, "N 3 H W", accepts="any size")
    assert verdict.at.module == "1"
    assert "spatial element" in verdict.details["needs"]
    assert "training" not in verdict.details["needs"]


class NoText(Exception):
    def __str__(self):
        raise RuntimeError("no text")

    __repr__ = __str__


class EndsWhenRead(NoText):
    def __str__(self):
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("no"), "ValueError: no"),
        (ValueError("first\nsecond"), "ValueError: first"),
        (ValueError(), "ValueError"),
        (ValueError(" \n "), "ValueError"),
        (NoText(), "NoText: (its text cannot be read)"),
        (EndsWhenRead(), "EndsWhenRead: (its text cannot be read)"),
        (ValueError("z" * (1 << 24)), f"ValueError: {'z' * LONGEST}…"),
        (type("Z" * (1 << 12), (Exception,), {})(), f"{'Z' * LONGEST}…"),
    ],
)
def test_an_exception_has_a_short_summary_whatever_its_text(error, text):
    assert summary(error) == text
