"""Operators of two tensors or of a tensor and a number, in every spelling."""

from __future__ import annotations

import inspect
import itertools
import operator

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import archlint.ops.rules.binary as arithmetic
from archlint.ops.registry import INPLACE, RULES, TensorSpec
from archlint.symbolic import symbol
from archlint.symbolic.intervals import Box
from archlint.symbolic.rational import Ratio
from tests.ops.oracle import HintPath, S, T, agree, covers

BINARY = [f for f, rule in RULES.items() if inspect.getmodule(rule) is arithmetic]
DTYPES = [torch.bool, torch.uint8, torch.int64, torch.float16, torch.float32, torch.float64]
ONLY_TENSORS = ("copysign", "xlogy")
point = {"a": 2, "b": 3, "c": 4, "d": 2}
other = {"a": 0, "b": 1, "c": 5, "d": 3}


def _named(f):
    return getattr(f, "__qualname__", f.__name__)


def _ones(dtype):
    return lambda shape: torch.ones(shape, dtype=dtype)


@covers(*BINARY)
@pytest.mark.parametrize("function", BINARY, ids=_named)
def test_every_pair_of_dtypes(function):
    for x, y in itertools.product(DTYPES, repeat=2):
        left = T("a", "b", dtype=x, fill=_ones(x))
        for right in (T("b", dtype=y, fill=_ones(y)), T(dtype=y, fill=_ones(y))):
            agree(function, left, right, env=point, other=other, may_lack_rule=True)
        agree(function, T(dtype=x, fill=_ones(x)), T(dtype=y, fill=_ones(y)), env=point)


@pytest.mark.parametrize("function", BINARY, ids=_named)
def test_numbers(function):
    for dtype, number in itertools.product(DTYPES, [True, 2, 2.5, S("b")]):
        x = T("a", "b", dtype=dtype, fill=_ones(dtype))
        agree(function, x, number, env=point, other=other, may_lack_rule=True)


SAMPLE = [f for f in BINARY if f.__name__ in ("add", "mul", "div", "__rsub__", "maximum", "eq")]


@pytest.mark.parametrize("function", SAMPLE, ids=_named)
def test_layout(function):
    layouts = [None, (0, 3, 1, 2), (3, 2, 1, 0), (1, 0, 2, 3)]
    for p, q in itertools.product(layouts, repeat=2):
        left = T("a", "b", "c", "d", perm=p)
        for right in (T("a", "b", "c", "d", perm=q), T(1, "b", 1, "d", perm=q), T("c", 1), T("d")):
            agree(function, left, right, env=point, other=other, layout=True)


shapes = st.lists(st.sampled_from(["a", "b", 1, 2]), max_size=3)


@given(left=shapes, right=shapes, a=st.integers(0, 3), b=st.integers(0, 3))
@settings(max_examples=150)
def test_inplace_keeps_the_shape(left, right, a, b):
    env, other = {"a": a, "b": b}, {"a": b, "b": a}
    for function in (torch.Tensor.add_, torch.Tensor.__imul__, torch.Tensor.lt_):
        assert function in INPLACE
        agree(function, T(*left), T(*right), env=env, other=other)


def test_negative_powers_alpha_and_rounding():
    x = T("a", "b", dtype=torch.int64, fill=_ones(torch.int64))
    for function in (torch.pow, torch.Tensor.__pow__, torch.Tensor.pow_):
        agree(function, x, -1, env=point)
        agree(function, T("a"), -1, env=point)
    for function in (torch.add, torch.sub, torch.Tensor.add_):
        agree(function, x, x, alpha=2, env=point)
        agree(function, T("a"), T("a"), alpha=0.5, env=point)
    for mode, dtype in itertools.product(["floor", "trunc", None], DTYPES):
        y = T("a", dtype=dtype, fill=_ones(dtype))
        for function in (torch.div, torch.Tensor.div_):
            agree(function, y, y, rounding_mode=mode, env=point)


numbers = st.integers(-9, 9)


@given(low=numbers, span=st.integers(0, 9), low2=numbers, span2=st.integers(0, 9))
@settings(max_examples=150)
def test_ranges_of_results(low, span, low2, span2):
    def tensor(low, high):
        column = torch.arange(low, high + 1)
        return T(
            len(column), 1, dtype=torch.int64, values=(low, high), fill=lambda s: column[:, None]
        )

    def row(low, high):
        column = torch.arange(low, high + 1)
        return T(len(column), dtype=torch.int64, values=(low, high), fill=lambda s: column.clone())

    x, y = tensor(low, low + span), row(low2, low2 + span2)
    for function in ["add", "sub", "mul", "maximum", "minimum"]:
        agree(getattr(torch, function), x, y, env={})
    if low2 > 0:
        for function in ["floor_divide", "remainder", "fmod"]:
            agree(getattr(torch, function), x, y, env={})
            agree(getattr(torch, function), x, low2, env={})
        for mode in ("floor", "trunc"):
            agree(torch.div, x, y, rounding_mode=mode, env={})
    for number in (low2, float(low2)):
        for function in (torch.add, torch.mul, torch.Tensor.__rsub__):
            agree(function, x, number, env={})
    agree(torch.pow, x, 2, env={})


def test_symbolic_ranges():
    h = symbol("h")
    path = HintPath({"h": 5}, Box({"h": (1, None)}))
    index = TensorSpec((h,), torch.int64, None, (0, h - 1))
    relative = RULES[torch.sub](path, index, index)
    assert relative.values == (1 - h, h - 1)
    assert RULES[torch.add](path, relative, h - 1).values == (0, 2 * h - 2)
    assert RULES[torch.mul](path, index, 2 * h - 1).values == (0, (h - 1) * (2 * h - 1))
    assert RULES[torch.Tensor.__floordiv__](path, index, 2).values == (0, (h - 1) // 2)
    assert RULES[torch.mul](path, index, Ratio(1, 2)).values == (0, h // 2)
    assert RULES[torch.mul](path, relative, relative).values is None


def test_what_is_no_operand_is_left_to_the_kernel():
    for function, operand in itertools.product([operator.eq, operator.mul], [1j]):
        name = f"__{function.__name__}__"
        agree(getattr(torch.Tensor, name), T("a"), operand, env=point, may_lack_rule=True)


DIVISIONS = [(f, {}) for f in BINARY if f.__name__ in ("floor_divide", "remainder", "fmod")]
DIVISIONS += [(f, {"rounding_mode": mode}) for f in (torch.div, torch.Tensor.div_)
              for mode in ("floor", "trunc")]  # fmt: skip


@pytest.mark.parametrize("dtype", [torch.int64, torch.uint8, torch.float32])
def test_whole_numbers_are_not_divided_by_zero(dtype):
    n = symbol("n")
    for (function, more), divisor in itertools.product(DIVISIONS, (0, n, n - 2, -n, 3)):
        tensor = T("a", "b", dtype=dtype, fill=5)
        given = S(divisor)
        for env in ({"a": 2, "b": 3, "n": 2}, {"a": 2, "b": 0, "n": 2}):
            for one, two in ((env, env | {"n": 0}), (env | {"n": 5}, env)):
                agree(function, tensor, given, env=one, other=two, may_lack_rule=True, **more)


@pytest.mark.parametrize(
    ("values", "caveat"),
    [((1, None), False), ((None, -1), False), ((0, 4), True), (None, True)],
)
def test_a_divisor_that_may_be_zero_is_not_proved(values, caveat):
    path = HintPath({"a": 2})
    numbers = TensorSpec((symbol("a"),), torch.int64)
    RULES[torch.remainder](path, numbers, TensorSpec((symbol("a"),), torch.int64, values=values))
    assert bool(path.caveats) is caveat


def test_whole_numbers_have_no_negative_powers_of_a_size():
    for dtype in (torch.int64, torch.float32):
        for n, other_n in itertools.product(range(4), repeat=2):
            agree(torch.pow, T("a", dtype=dtype, fill=1), S(symbol("n") - 2), env={"a": 2, "n": n},
                  other={"a": 2, "n": other_n})  # fmt: skip
