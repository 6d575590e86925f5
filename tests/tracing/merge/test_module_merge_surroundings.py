"""Modules that branch on sizes and count their calls in state that is not of the model's names."""

from __future__ import annotations

import array
import collections
import contextvars
import os
import sys
import threading

import pytest
import torch
from torch import nn

import archlint
from archlint.runtime.process_state import preserve_process_state
from archlint.symbolic import evaluate

np = pytest.importorskip("numpy")

VARIABLE = contextvars.ContextVar("counted", default=0)
LOCAL = threading.local()
NUMBERS = np.zeros(1, dtype=int)
ITEMS = array.array("i", [0])
QUEUE = collections.deque()
NAME = "ARCHLINT_TEST_COUNTED"
ROOT = os.getcwd()


class Slot:
    __slots__ = ("n",)


SLOT = Slot()


def context(module):
    VARIABLE.set(VARIABLE.get() + 1)
    return VARIABLE.get()


def local(module):
    LOCAL.n = getattr(LOCAL, "n", 0) + 1
    return LOCAL.n


def environment(module):
    os.environ[NAME] = str(int(os.environ.get(NAME, "0")) + 1)
    return int(os.environ[NAME])


def numbers(module):
    NUMBERS[0] += 1
    return int(NUMBERS[0])


def own_numbers(module):
    module.numbers[0] += 1
    return int(module.numbers[0])


def items(module):
    ITEMS[0] += 1
    return ITEMS[0]


def queue(module):
    QUEUE.append(1)
    return len(QUEUE)


def slot(module):
    SLOT.n += 1
    return SLOT.n


def dtype(module):
    known = torch.get_default_dtype() is torch.float64
    torch.set_default_dtype(torch.float64)
    return 2 if known else 1


def begin(model):
    VARIABLE.set(0)
    LOCAL.n = SLOT.n = ITEMS[0] = 0
    NUMBERS[0] = model.one.numbers[0] = 0
    QUEUE.clear()
    os.environ[NAME] = "0"
    torch.set_default_dtype(torch.float32)


class Part(nn.Module):
    def __init__(self, count, numbers):
        super().__init__()
        self.count, self.numbers = count, numbers

    def forward(self, x):
        n = self.count(self)
        return x.repeat(n, 1) if x.shape[0] % 3 else x.repeat(n, 1) + 1


class Twice(nn.Module):
    def __init__(self, count):
        super().__init__()
        numbers = np.zeros(1, dtype=int)
        self.one, self.two = Part(count, numbers), Part(count, numbers)

    def forward(self, x):
        begin(self)
        return torch.cat([self.one(x), self.two(x)])


@pytest.fixture(autouse=True)
def _as_it_was(monkeypatch):
    monkeypatch.setenv(NAME, "0")
    yield
    torch.set_default_dtype(torch.float32)


COUNTS = [context, local, environment, numbers, own_numbers, items, queue, slot, dtype]


@pytest.mark.parametrize("count", COUNTS, ids=lambda count: count.__name__)
def test_no_branch_finds_what_another_has_changed(count):
    model = Twice(count).eval()
    found = archlint.infer(model, input="N 4")
    for n in range(1, 8):
        real = tuple(contextvars.copy_context().run(model, torch.zeros(n, 4)).shape)
        assert real == (3 * n, 4)
        path = found.explored.path_at({"N": n})
        if path is not None and path.trace.output is not None:
            assert tuple(evaluate(d, {"N": n}) for d in path.trace.output.dims) == real


class OneSide(nn.Module):
    def __init__(self, put):
        super().__init__()
        self.put = put

    def forward(self, x):
        if x.shape[0] % 3:
            return x + 0
        self.put(True)
        return x + 1


class Later(nn.Module):
    """What it returns depends on what one branch of a module before has set."""

    def __init__(self, get, put):
        super().__init__()
        self.one, self.two = OneSide(put), OneSide(put)
        self.get, self.put = get, put

    def forward(self, x):
        self.put(False)
        y = self.one(x) + self.two(x)
        return y[:1] if self.get() else y


def folder(on):
    sys.path[:] = [*(p for p in sys.path if p != NAME), *([NAME] if on else [])]


SETTINGS = {
    "gradients": (torch.is_grad_enabled, torch.set_grad_enabled),
    "deterministic": (
        torch.are_deterministic_algorithms_enabled, torch.use_deterministic_algorithms,
    ),
    "cudnn": (
        lambda: torch.backends.cudnn.benchmark,
        lambda on: setattr(torch.backends.cudnn, "benchmark", on),
    ),
    "autocast": (
        lambda: torch.is_autocast_enabled("cpu"), lambda on: torch.set_autocast_enabled("cpu", on),
    ),
    "precision": (
        lambda: torch.get_float32_matmul_precision() == "medium",
        lambda on: torch.set_float32_matmul_precision("medium" if on else "highest"),
    ),
    "anomaly": (torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly),
    "threads": (
        lambda: torch.get_num_threads() == 3, lambda on: torch.set_num_threads(3 if on else 1),
    ),
    "recursion": (
        lambda: sys.getrecursionlimit() == 5001,
        lambda on: sys.setrecursionlimit(5001 if on else 5000),
    ),
    "folder": (lambda: os.getcwd() == "/", lambda on: os.chdir("/" if on else ROOT)),
    "import path": (lambda: NAME in sys.path, folder),
}  # fmt: skip


@pytest.mark.parametrize("name", SETTINGS)
def test_no_code_finds_what_another_branch_has_set(name):
    get, put = SETTINGS[name]
    model = Later(get, put).eval()
    found = archlint.infer(model, input="N 4")
    assert found.exact
    with preserve_process_state():
        for n in range(1, 8):
            real = tuple(model(torch.zeros(n, 4)).shape)
            output = found.explored.path_at({"N": n}).trace.output
            assert tuple(evaluate(d, {"N": n}) for d in output.dims) == real


class Changing(nn.Module):
    def __init__(self, change):
        super().__init__()
        self.change = change

    def forward(self, x):
        if x.shape[0] % 3:
            return x + 0
        self.change(self.held[0])
        return x + 1


class ChangedLater(nn.Module):
    """What it returns depends on how one branch of a module before has changed a tensor."""

    def __init__(self, of, change, get):
        super().__init__()
        self.one, self.two = Changing(change), Changing(change)
        self.of, self.get = of, get
        self.weight = self.one.weight = nn.Parameter(torch.zeros(4), requires_grad=False)

    def forward(self, x):
        self.weight.data, self.weight.grad = torch.zeros(4), None
        self.weight.requires_grad_(False)
        held = self.one.held = self.two.held = [self.of(self, x)]
        y = self.one(x) + self.two(x)
        return y[:1] if self.get(held[0]) else y


TENSORS = {
    "weight": lambda m, x: m.weight,
    "made": lambda m, x: torch.zeros(4),
    "input": lambda m, x: x,
}
CHANGES = {
    "data": (lambda t: setattr(t, "data", torch.zeros(5)), lambda t: t.shape[0] == 5),
    "resize": (lambda t: t.resize_(5), lambda t: t.shape[0] == 5),
    "needs": (lambda t: t.requires_grad_(), lambda t: t.requires_grad),
    "attribute": (lambda t: setattr(t, "requires_grad", True), lambda t: t.requires_grad),
    "gradient": (lambda t: setattr(t, "grad", torch.zeros(4)), lambda t: t.grad is not None),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("of", TENSORS)
def test_no_code_finds_how_another_branch_has_changed_a_tensor(of, change):
    model = ChangedLater(TENSORS[of], *CHANGES[change]).eval()
    found = archlint.infer(model, input="N 4")
    for n in range(1, 8):
        with torch.no_grad():
            try:
                real = tuple(model(torch.zeros(n, 4)).shape)
            except RuntimeError:
                real = None
        path = found.explored.path_at({"N": n})
        output = None if path is None else path.trace.output
        if output is not None and found.exact:
            assert tuple(evaluate(d, {"N": n}) for d in output.dims) == real
