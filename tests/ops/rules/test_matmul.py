"""Products of matrices and vectors in every spelling."""

from __future__ import annotations

import inspect
import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import archlint.ops.rules.matmul as matmul
from archlint.ops.registry import RULES
from tests.ops.oracle import T, agree, covers

DTYPES = [torch.bool, torch.int64, torch.float32, torch.float64]
sizes = st.fixed_dictionaries({n: st.integers(0, 3) for n in "abcde"})
point = {"a": 2, "b": 3, "c": 4, "d": 2, "e": 5}


def spelled(name):
    return [f for f, r in RULES.items() if inspect.getmodule(r) is matmul and r.__name__ == name]


MATMUL = spelled("matmul") + spelled("rmatmul")
LEFT = [(), ("a",), ("a", "b"), ("c", "a", "b"), (1, "a", "b"), ("d", "c", "a", "b")]
RIGHT = [(), ("b",), ("b", "e"), ("a", "b"), ("c", "b", "e"), ("d", 1, "b", "e"), ("d", "b", "e")]


@covers(*MATMUL)
@given(left=st.sampled_from(LEFT), right=st.sampled_from(RIGHT), env=sizes, other=sizes)
@settings(max_examples=300)
def test_matmul(left, right, env, other):
    for function in MATMUL:
        x, y = T(*left), T(*right)
        args = (y, x) if "rmatmul" in function.__name__ else (x, y)
        agree(function, *args, env=env, other=other, layout=True)


@pytest.mark.parametrize("function", MATMUL, ids=lambda f: f.__qualname__)
def test_matmul_of_views(function):
    other = {**point, "c": 1, "b": 1}
    for right in (T("c", "b", "e", perm=(0, 2, 1)), T("b", "e", perm=(1, 0))):
        for left in (T("c", "a", "b", perm=(1, 0, 2)), T("a", "b", perm=(1, 0))):
            args = (right, left) if "rmatmul" in function.__name__ else (left, right)
            agree(function, *args, env=point, other=other, layout=True)


TWO = {
    "mm": [("a", "b"), ("b", "c")],
    "bmm": [("a", "b", "c"), ("a", "c", "d")],
    "mv": [("a", "b"), ("b",)],
    "dot": [("a",), ("a",)],
    "outer": [("a",), ("b",)],
}
SHAPES = [(), ("a",), ("b",), ("a", "b"), ("b", "c"), ("a", "b", "c"), ("a", "c", "d")]


@covers(*(f for name in TWO for f in spelled(name)))
@pytest.mark.parametrize("name", TWO)
def test_products_of_two(name):
    left, right = TWO[name]
    for function in spelled(name):
        for env in (point, {**point, "b": 0}, {**point, "a": 0}, {**point, "c": 1}):
            agree(function, T(*left), T(*right), env=env, other=point, layout=True)
            for x, y in itertools.product(SHAPES, repeat=2):
                agree(function, T(*x), T(*y), env=env, other=point, may_lack_rule=True)
        for a, b in itertools.product(DTYPES, repeat=2):
            agree(function, T(*left, dtype=a), T(*right, dtype=b), env=point)


THREE = {
    "addmm": [("a", "c"), ("a", "b"), ("b", "c")],
    "baddbmm": [("a", "b", "d"), ("a", "b", "c"), ("a", "c", "d")],
    "addbmm": [("b", "d"), ("a", "b", "c"), ("a", "c", "d")],
}
INTO = {"addmm_": "addmm", "baddbmm_": "baddbmm"}


@covers(*(f for name in THREE for f in spelled(name)), *spelled("added_into"))
@pytest.mark.parametrize("name", [*THREE, *INTO])
def test_products_added(name):
    bias, left, right = THREE[INTO.get(name, name)]
    functions = spelled(name) if name in THREE else [getattr(torch.Tensor, name)]
    biases = [bias, (), bias[1:], (1,) * len(bias), ("e",), (1, *bias), ("c",)]
    for function, shape in itertools.product(functions, biases):
        for env in (point, {**point, "b": 0}, {**point, "a": 0}, {**point, "c": 1, "e": 1}):
            agree(function, T(*shape), T(*left), T(*right), env=env, other=point)
    for function in functions:
        agree(function, T(*bias), T(*left), T(*right), beta=0.5, alpha=2, env=point)
        for d in DTYPES:
            agree(function, T(*bias, dtype=d), T(*left), T(*right), env=point)


@covers(torch.tensordot)
def test_tensordot():
    x, y = T("a", "b", "c"), T("b", "c", "d")
    envs = [point, {**point, "b": 0}, {**point, "c": 1}, {**point, "a": 0}]
    for dims in (0, 1, 2, 3, 4, -1, ([1, 2], [0, 1]), ([-1], [1]), ([1], [0, 1]), ([1, 1], [0, 0])):
        for env in envs:
            agree(torch.tensordot, x, y, dims=dims, env=env, other=point, layout=True)
            agree(torch.tensordot, x, T("e", 1, "d"), dims=dims, env=env, other=point)
    agree(torch.tensordot, T("a", dtype=torch.int64), T("a"), dims=1, env=point)
