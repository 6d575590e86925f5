"""Layers that are answered without their code make the calls that their code makes."""

import copy
import sys

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.overrides import TorchFunctionMode

import archlint
from archlint.engine.python_contracts import input_of
from archlint.symbolic.intervals import Box
from archlint.tracing.path import TracedPath
from archlint.tracing.python import layer_calls
from archlint.tracing.tensors.specs import with_specs
from archlint.tracing.tracer import trace

BOX = Box({"N": (1, None), "H": (8, None), "W": (8, None)})
SIZES = {"N": 2, "H": 16, "W": 17}

LAYERS = {
    "N 4 H W": [
        lambda: nn.Conv2d(4, 8, 3),
        lambda: nn.Conv2d(4, 8, (3, 1), 2, (1, 0), 2, 2, bias=False),
        lambda: nn.Conv2d(4, 8, 3, padding="same"),
        lambda: nn.Conv2d(4, 8, 3, padding=1, padding_mode="reflect"),
        lambda: nn.Conv2d(3, 8, 3),
        lambda: nn.BatchNorm2d(4),
        lambda: nn.BatchNorm2d(4, affine=False, momentum=None, eps=0.1),
        lambda: nn.BatchNorm2d(4, track_running_stats=False),
        lambda: nn.BatchNorm1d(4),
        lambda: nn.Conv1d(4, 4, 3),
        *(lambda k=k, i=i: k(inplace=i) for k in (nn.ReLU, nn.ReLU6, nn.SiLU) for i in (0, True)),
        lambda: nn.Hardswish(),
        lambda: nn.Hardsigmoid(inplace=True),
        nn.Sigmoid,
        nn.GELU,
        lambda: nn.GELU("tanh"),
        lambda: nn.Dropout(0.3),
        lambda: nn.AdaptiveAvgPool2d(1),
        lambda: nn.AdaptiveAvgPool2d((None, 3)),
        lambda: nn.utils.parametrizations.weight_norm(nn.Conv2d(4, 8, 3)),
    ],
    "N 4 W": [lambda: nn.Conv1d(4, 8, 3, 2), lambda: nn.BatchNorm1d(4)],
    "N 4 H W 5": [lambda: nn.Conv3d(4, 8, 3), lambda: nn.BatchNorm3d(4)],
    "N H 6": [
        lambda: nn.Linear(6, 3),
        lambda: nn.Linear(6, 3, bias=False),
        lambda: nn.Linear(5, 3),
        lambda: nn.LayerNorm(6),
        lambda: nn.LayerNorm([6], elementwise_affine=False),
        lambda: nn.LayerNorm(6, bias=False, eps=0.1),
    ],
}
CASES = [(shape, make) for shape, layers in LAYERS.items() for make in layers]


class Model(nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.body = nn.Sequential(layer)

    def forward(self, x):
        return self.body(x)


def traced(model, shape, mode="eval"):
    model.train(mode == "train")
    return trace(model, input_of(shape), SIZES, BOX, path=TracedPath(SIZES, BOX))


def record(model, found):
    """The calls with all that is noted of them, the events, and how the run ended."""
    calls = [
        (c.func, repr(with_specs(c).args), repr(with_specs(c).kwargs), repr(c.result), c.module,
         c.source, c.how)
        for c in found.calls
    ]  # fmt: skip
    names = {id(t): name for name, t in (*model.named_parameters(), *model.named_buffers())}
    tensors = [[names.get(id(a)) for a in (*c.args, *c.kwargs.values())] for c in found.calls]
    events = [(e.kind, str(e.formula), e.held, e.text, e.call) for e in found.path.events]
    end = found.outcome, found.error, found.source, found.module, repr(found.output)
    return calls, tensors, events, end, [m[:3] for m in found.log.modules]


@pytest.mark.parametrize("mode", ["eval", "train"])
@pytest.mark.parametrize(("shape", "make"), CASES)
def test_as_their_code_calls(shape, make, mode, monkeypatch):
    model = Model(make())
    answered = []
    original = layer_calls.answered_by
    monkeypatch.setattr(
        "archlint.tracing.python.layer_calls.answered_by",
        lambda handler, call: answered.append(call) or original(handler, call),
    )
    again = copy.deepcopy(model)
    at_once = record(model, traced(model, shape, mode))
    monkeypatch.setattr("archlint.tracing.python.layer_calls.operator_call", lambda *a: None)
    assert record(again, traced(again, shape, mode)) == at_once
    plain = isinstance(model.body[0], tuple(layer_calls._LAYERS))
    assert bool(answered) <= plain


@pytest.mark.parametrize("kind", layer_calls._LAYERS)
def test_each_kind_is_among_the_cases_and_is_answered(kind, monkeypatch):
    answered = []
    original = layer_calls.answered_by
    monkeypatch.setattr(
        "archlint.tracing.python.layer_calls.answered_by",
        lambda handler, call: answered.append(call) or original(handler, call),
    )
    for shape, make in CASES:
        layer = make()
        if type(layer) is kind:
            traced(Model(layer), shape)
    assert answered


def example(shape):
    return torch.zeros([int(size) if size.isdigit() else 9 for size in shape.split()])


def accepts(layer, shape):
    try:
        layer.eval()(example(shape))
    except (RuntimeError, ValueError):
        return False
    return True


def methods_called(layer, shape):
    """The methods of the layer that a call of it looks up on the layer itself."""
    names = set()

    def note(frame, event, argument):
        if event == "call" and frame.f_locals.get("self") is layer:
            names.add(frame.f_code.co_name)

    x = example(shape)
    sys.setprofile(note)
    try:
        layer(x)
    finally:
        sys.setprofile(None)
    by_class = {"_wrapped_call_impl"}  # which `__call__` is
    return {n for n in names - by_class if hasattr(type(layer), n) and not n.startswith("__")}


@pytest.mark.parametrize("kind", layer_calls._LAYERS)
def test_a_method_that_a_layer_has_of_its_own_is_called(kind):
    shape, make = next((s, m) for s, m in CASES if type(m()) is kind and accepts(m(), s))
    called = []
    for name in sorted(methods_called(make().eval(), shape)):
        layer = make().eval()
        method = getattr(layer, name)
        setattr(layer, name, lambda *a, m=method, n=name: called.append(n) or m(*a))
        traced(Model(layer), shape)
        assert name in called


class Doubling(TorchFunctionMode):
    def __torch_function__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        return torch.cat([result, result], 1) if func is F.relu else result


class InMode(nn.Module):
    def __init__(self):
        super().__init__()
        self.act = nn.ReLU()

    def forward(self, x):
        with Doubling():
            return self.act(x)


class Patched(nn.Module):
    def __init__(self, change):
        super().__init__()
        self.act, self.change = nn.ReLU(), change

    def forward(self, x):
        self.change(self.act)
        return self.act(x)


def twice(x, *args, **kwargs):
    return torch.cat([x, x], 1)


@pytest.mark.parametrize(
    "change",
    [
        lambda m: setattr(m, "forward", twice),
        lambda m: m.register_forward_hook(lambda m, args, y: torch.cat([y, y], 1)),
        lambda m: m.register_forward_pre_hook(lambda m, args: (torch.cat([args[0]] * 2, 1),)),
    ],
)
def test_what_replaces_the_code_is_followed(change):
    assert (
        archlint.check(Patched(change), "N 4", accepts="any size", output="N 8", samples=2).word
        == "proved"
    )


def test_a_hook_of_all_modules_is_followed():
    def hook(m, args, output):
        return twice(output) if type(m) is nn.ReLU else None

    handle = nn.modules.module.register_module_forward_hook(hook)
    try:
        found = archlint.check(Model(nn.ReLU()), "N 4", accepts="any size", output="N 8", samples=2)
    finally:
        handle.remove()
    assert found.word == "proved"


def test_another_mode_is_followed():
    assert (
        archlint.check(InMode(), "N 4", accepts="any size", output="N 8", samples=2).word
        == "proved"
    )


def of_module(self, x):
    return self[0](x) if isinstance(self, nn.Sequential) else twice(x)


@pytest.mark.parametrize(
    ("owner", "name", "new"),
    [
        (F, "relu", twice),
        (nn.ReLU, "forward", of_module),
        (nn.Module, "_call_impl", of_module),
        (nn.Module, "__call__", of_module),
    ],
)
def test_a_replaced_class_or_function_is_followed(owner, name, new, monkeypatch):
    model, words = nn.Sequential(nn.ReLU()), {"accepts": "any size", "samples": 2}
    assert archlint.check(model, "N 4", output="N 4", **words).word == "proved"
    assert layer_calls._is_torchs(getattr(owner, name))
    monkeypatch.setattr(owner, name, new)
    assert not layer_calls._is_torchs(getattr(owner, name))
    assert archlint.check(model, "N 4", output="N 8", **words).word == "proved"


@pytest.mark.parametrize(
    ("make", "name"), [(nn.GELU, "approximate"), (nn.ReLU, "inplace"), (nn.ReLU, "_forward_hooks")]
)
def test_a_layer_of_an_old_file_raises_what_its_code_raises(make, name):
    layer = make()
    del vars(layer)[name]
    found = traced(Model(layer), "N 4")
    assert found.outcome == "raised"
    assert f"AttributeError: {make.__name__!r} object has no attribute {name!r}" in found.error


def test_the_layer_that_refuses_is_named():
    found = traced(Model(nn.Conv2d(3, 8, 3)), "N 4 H W")
    assert (found.outcome, found.module) == ("refused", "body.0")
