"""Casts, moves and fillings in place."""

from __future__ import annotations

import inspect
import itertools

import pytest
import torch
from torch import nn

import archlint
import archlint.ops.rules.casts as casts
from archlint.ops.registry import IN_RANGE, RULES, NoRule, TensorSpec
from archlint.symbolic import Expr, symbol
from tests.ops.oracle import HintPath, S, T, agree, covers

DTYPES = [torch.bool, torch.uint8, torch.int64, torch.float16, torch.float32, torch.float64]
point = {"a": 2, "b": 3, "c": 4, "d": 2}
other = {"a": 0, "b": 1, "c": 5, "d": 3}
Tensor = torch.Tensor
SHORT = [
    getattr(Tensor, n)
    for n in ["float", "double", "half", "bfloat16", "long", "int", "short", "char", "byte", "bool"]
]
B = symbol("b")
PARAMETERS = {
    Tensor.normal_: [(), (0,), (0, -1), (3, 0), (0, 1.5), (0, -0.5), (B - 2, 1), (0, B - 2)],
    Tensor.exponential_: [(), (0,), (-1,), (2,), (0.5,), (-0.5,), (B - 2,), (1 - B,)],
    Tensor.uniform_: [(), (1,), (2,), (3, -1), (-2, 0.5), (0, 70_000), (-40_000, 40_000),
                      (-1e39, 0), (3, B), (B - 3, 0), (2 - B,), (0, B - 3)],
}  # fmt: skip
ZERO = [f for f, r in RULES.items() if inspect.getmodule(r) is casts and r.__name__ == "zero_"]
FILL = [f for f, r in RULES.items() if inspect.getmodule(r) is casts and r.__name__ == "fill_"]
DETACH = [f for f, r in RULES.items() if inspect.getmodule(r) is casts and r.__name__ == "detach_"]


@covers(*SHORT, Tensor.cpu, Tensor.type, Tensor.type_as)
@pytest.mark.parametrize("dtype", DTYPES)
def test_short_casts(dtype):
    for perm in (None, (0, 3, 1, 2)):
        x = T(*"abcd", dtype=dtype, perm=perm)
        for function in (*SHORT, Tensor.cpu):
            agree(function, x, env=point, other=other, layout=True)
            for memory_format in (torch.contiguous_format, torch.channels_last):
                agree(function, x, memory_format=memory_format, env=point, other=other, layout=True)
        agree(Tensor.type_as, x, T("a"), env=point, other=other, layout=True)
        agree(Tensor.type, x, torch.float16, env=point, other=other, layout=True)


TO = [
    ((torch.float64,), {}),
    ((torch.float32,), {"copy": True}),
    (("cpu",), {}),
    ((torch.device("cpu"), torch.int64), {}),
    (("cpu", torch.int64, True, True), {}),
    ((torch.float64, True), {}),
    ((T("b", dtype=torch.float64),), {}),
    ((), {"device": "cpu", "dtype": torch.float16}),
    ((), {"dtype": torch.float16, "non_blocking": True}),
    ((), {"memory_format": torch.channels_last}),
    ((), {"memory_format": torch.channels_last_3d}),
    ((), {"memory_format": torch.contiguous_format}),
    ((None, torch.float64), {}),
    (("cpu", None), {}),
]


@covers(Tensor.to)
@pytest.mark.parametrize(("args", "kwargs"), TO)
def test_to(args, kwargs):
    for perm, rank in itertools.product((None, (0, 3, 1, 2)), (4, 3)):
        x = T(*"abcd"[:rank], perm=perm if rank == 4 else None)
        agree(Tensor.to, x, *args, env=point, other=other, layout=True, **kwargs)


def test_no_other_device():
    with pytest.raises(NoRule):
        RULES[Tensor.to](HintPath({}), TensorSpec((2,)), "cuda")


def test_ranges_survive_casts():
    h = symbol("h")
    rule = RULES[Tensor.to]
    path = HintPath({"h": 4})
    x = TensorSpec((h,), torch.int64, None, (0, h - 1))
    assert rule(path, x, torch.float32).values == (0, h - 1)
    assert rule(path, x, torch.int8).values is None
    assert rule(path, TensorSpec((h,), torch.bool), torch.int64).values == (0, 1)
    assert rule(path, TensorSpec((h,), torch.int64, None, IN_RANGE), torch.int32).values is IN_RANGE


@covers(*DETACH, Tensor.requires_grad_)
def test_what_changes_nothing():
    for function in DETACH:
        agree(function, T("a", "b", fill=torch.ones), env=point, other=other)
    for dtype, flag in itertools.product(DTYPES, [(), (True,), (False,)]):
        agree(Tensor.requires_grad_, T("a", dtype=dtype), *flag, env=point, other=other)


@covers(*PARAMETERS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_parameters_of_distributions(dtype):
    for function, cases in PARAMETERS.items():
        for parameters, b in itertools.product(cases, (1, 2, 3, 5, 0)):
            given = [S(p) if isinstance(p, Expr) else p for p in parameters]
            agree(function, T("a", "b", dtype=dtype), *given, env={"a": 2, "b": b}, other=other)


@covers(*ZERO, *FILL, Tensor.copy_)
@pytest.mark.parametrize("dtype", DTYPES)
def test_fill(dtype):
    x = T("a", "b", dtype=dtype)
    for function in ZERO:
        agree(function, x, env=point, other=other)
    for function, value in itertools.product(FILL, [0, 3, True, S("a"), T(), T(1), T("a")]):
        agree(function, x, value, env=point, other=other)
    for source in (T("a", "b"), T("b"), T("a"), T(1, "b"), T("a", 1), T(1, 1, "b"), T()):
        agree(Tensor.copy_, x, source, env=point, other=other)


def test_an_expanded_tensor_cannot_be_written():
    spec = TensorSpec((4, 3), strides=(0, 1))
    with pytest.raises(RuntimeError):
        torch.zeros(3).expand(4, 3).add_(1)
    with pytest.raises(RuntimeError):
        RULES[Tensor.add_](HintPath({}), spec, 1)


class Conjugated(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(torch.complex(x, x))


@covers(torch.view_as_real, torch.is_conj, torch.Tensor.is_conj)
def test_a_conjugate_that_is_not_computed_is_not_proved_to_be_real():
    lazy = [
        lambda x: torch.view_as_real(x.conj()),
        lambda x: torch.view_as_real(x.mH[:1]),
        lambda x: torch.view_as_real(torch.fft.ihfft(x.real)),
        lambda x: x[: 1 + x.conj().is_conj()],
    ]
    for function in lazy:
        found = archlint.infer(Conjugated(function), "H W")
        assert "conjugate view that is not resolved" in str(found.reasons)
    for function in (
        lambda x: torch.view_as_real(x.conj().resolve_conj()),
        lambda x: torch.view_as_real(x * x.conj()),
        lambda x: x[: 1 + x.is_conj()],
    ):
        assert archlint.infer(Conjugated(function), "H W").exact
