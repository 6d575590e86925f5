"""Numbers beyond what a dtype holds: which calls PyTorch refuses."""

from __future__ import annotations

import random
import warnings

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import archlint
from archlint.tracing import converted_numbers
from archlint.tracing.converted_numbers import _error, converts_numbers

LIBRARY = torch.library.Library("archlint_numbers", "DEF")
CALLS = {
    "full": lambda x, v: torch.full((2,), v, dtype=x.dtype),
    "full_like": lambda x, v: torch.full_like(x, v),
    "new_full": lambda x, v: x.new_full((2,), v),
    "fill_": lambda x, v: x.fill_(v),
    "masked_fill": lambda x, v: x.masked_fill(x > 0, v),
    "masked_fill_": lambda x, v: x.masked_fill_(x > 0, value=v),
    "index_fill": lambda x, v: x.index_fill(0, torch.tensor([0]), v),
    "fill_diagonal_": lambda x, v: torch.outer(x, x).fill_diagonal_(v),
    "item": lambda x, v: x.__setitem__(0, v),
    "items": lambda x, v: x.__setitem__([0], v),
    "masked item": lambda x, v: x.__setitem__(x > 0, v),
    "tensor": lambda x, v: torch.tensor([0, v], dtype=x.dtype),
    "new_tensor": lambda x, v: x.new_tensor([v, 0]),
    "pad_sequence": lambda x, v: nn.utils.rnn.pad_sequence([x, x[:0]], padding_value=v),
    "pad": lambda x, v: F.pad(x, (1, 1), value=v),
    "scatter_": lambda x, v: x.scatter_(0, torch.tensor([0]), v),
    "index_add": lambda x, v: x.index_add(0, torch.tensor([0]), x[:1], alpha=v),
    "addmm": lambda x, v: torch.addmm(x[:1], x[None], x[:, None], beta=v),
    "mod_": lambda x, v: x.__imod__(v),
    "rpow": lambda x, v: v**x,
    "elu": lambda x, v: F.elu(x, v),
    "nested": lambda x, v: x.new_tensor([[x.shape[0]], [v]]),
    "scatter": lambda x, v: x.scatter(0, torch.tensor([0]), v),
    "add": lambda x, v: x + v,
    "alpha": lambda x, v: torch.add(x, x, alpha=v),
    "mul": lambda x, v: x * v,
    "div": lambda x, v: x / v,
    "floor div": lambda x, v: x // v,
    "mod": lambda x, v: x % v,
    "pow": lambda x, v: x**v,
    "eq": lambda x, v: x == v,
    "clamp": lambda x, v: x.clamp(max=v),
    "two": lambda x, v: x.clamp(v, v),
    "two named": lambda x, v: torch.addmm(x[:1], x[None], x[:, None], beta=v, alpha=v),
    "where": lambda x, v: torch.where(x > 0, x, v),
    "hardtanh": lambda x, v: F.hardtanh(x, 0, v),
    "threshold": lambda x, v: F.threshold(x, 0, v),
    "addcmul": lambda x, v: torch.addcmul(x, x, x, value=v),
}
DTYPES = (
    *(torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.bool),
    *(torch.float16, torch.bfloat16, torch.float32, torch.float64),
)
NUMBERS = (
    *(-1, 128, 255, 256, 300, 70_000, 2**31, 2**63, -(2**63) - 1),
    *(-1.5, 300.5, 65504.0, 65520.0, -1e9, 3.5e38, -1e39, float("inf"), float("nan")),
)


class Calls(nn.Module):
    """Makes a call with a number, or with the size T, on a tensor of a dtype."""

    def __init__(self, call, dtype, number=None):
        super().__init__()
        self.call, self.dtype, self.number = call, dtype, number

    def forward(self, x):
        y = (torch.zeros_like(x[0, :1]) + 1).to(self.dtype)
        self.call(y, x.shape[1] if self.number is None else self.number)
        return x


def runs(model, t):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            model(torch.zeros(1, t))
        except Exception:
            return False
    return True


@pytest.mark.parametrize("name", CALLS)
def test_a_number_that_a_dtype_may_not_hold(name):
    draw = random.Random(name)
    for dtype, number in draw.sample([(d, n) for d in DTYPES for n in NUMBERS], 8):
        model = Calls(CALLS[name], dtype, number)
        said = archlint.infer(model, "N T").accepts(N=1, T=3)
        assert said in (None, runs(model, 3)), (dtype, number)


@pytest.mark.parametrize("name", CALLS)
def test_a_size_that_a_dtype_may_not_hold(name):
    draw = random.Random(name)
    for dtype in draw.sample(DTYPES, 3):
        model = Calls(CALLS[name], dtype)
        found = archlint.infer(model, "N T")
        for t in (1, 127, 128, 255, 256, 32767, 32768, 65504, 65505, 65520, 70_000):
            assert found.accepts(N=1, T=t) in (None, runs(model, t)), (dtype, t)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("name", ["masked_fill", "clamp", "where", "full_like", "pad"])
def test_the_least_number_of_a_dtype_fits(name, dtype):
    found = archlint.infer(Calls(CALLS[name], dtype, torch.finfo(dtype).min), "N T")
    assert (found.exact, found.text) == (True, "any size")


def test_the_usual_mask_of_half_precision_is_refused_at_every_size():
    model = Calls(CALLS["masked_fill"], torch.float16, -1e9)
    found = archlint.infer(model, "N T")
    assert found.exact
    assert found.text == "no size"
    assert (
        archlint.infer(Calls(CALLS["masked_fill"], torch.float32, -1e9), "N T").text == "any size"
    )


def test_the_numbers_of_a_range_are_its_size_and_no_elements():
    model = Calls(lambda x, v: torch.arange(0, 20 * v, dtype=x.dtype), torch.uint8)
    found = archlint.infer(model, "N T")
    assert (found.exact, found.text) == (True, "any size")


def test_an_operator_of_a_library_shares_nothing_with_one_of_that_name():
    LIBRARY.define("clamp(Tensor input, Scalar min) -> Tensor")
    packet = torch.ops.archlint_numbers.clamp
    assert not converts_numbers(packet)
    assert not converts_numbers(packet.default)

    def clamp(input, min):
        return input

    assert not converts_numbers(clamp)
    for ours in (torch.clamp, torch.Tensor.clamp, torch.Tensor.clamp_, F.pad):
        assert converts_numbers(ours)
    assert converts_numbers(torch.ops.aten.clamp.default)


class Filled(nn.Module):
    def __init__(self, value, dtype):
        super().__init__()
        self.value, self.dtype = value, dtype

    def forward(self, x):
        return x.to(self.dtype).masked_fill(x > 0, self.value)


def test_pytorch_is_asked_once(monkeypatch):
    """Its answer for another dtype, or for another number that is equal, is another answer."""
    asked = []
    converted_numbers._answers.cache_clear()
    monkeypatch.setattr(converted_numbers, "_error", lambda *a: asked.append(1) or _error(*a))
    for again in (False, True):
        asked.clear()
        for dtype in (torch.uint8, torch.float16):
            for value in (-1, -1.0, -300, -70000.0):
                verdict = archlint.check(
                    Filled(value, dtype), input="N", accepts="any size", samples=0
                )
                try:
                    Filled(value, dtype)(torch.ones(2))
                except RuntimeError:
                    assert verdict.word == "broken"
                else:
                    assert verdict.word == "proved"
        assert bool(asked) is not again
