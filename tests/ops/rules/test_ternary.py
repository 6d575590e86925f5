"""Pointwise operators of three tensors against the real ones."""

from __future__ import annotations

import inspect
import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import archlint.ops.rules.ternary as ternary
from archlint.ops.registry import INPLACE, RULES
from tests.ops.oracle import S, T, agree, covers

THREE = [f for f, rule in RULES.items() if inspect.getmodule(rule) is ternary]
BOTH = [torch.addcmul, torch.addcdiv, torch.lerp, torch.Tensor.addcmul_, torch.Tensor.lerp_]
dims = st.lists(st.sampled_from(["a", "b", 1, 2]), max_size=3)
sizes = st.fixed_dictionaries({"a": st.integers(0, 3), "b": st.integers(0, 3)})
point, other = {"a": 2, "b": 3, "c": 4, "d": 2}, {"a": 0, "b": 1, "c": 5, "d": 3}


@covers(*THREE)
@pytest.mark.parametrize("function", THREE)
@settings(max_examples=60)
@given(shapes=st.tuples(dims, dims, dims), env=sizes, other=sizes)
def test_broadcast(function, shapes, env, other):
    agree(function, *(T(*s) for s in shapes), env=env, other=other, layout=True)


@pytest.mark.parametrize("function", BOTH)
def test_dtypes(function):
    dtypes = [torch.bool, torch.int64, torch.float16, torch.float32, torch.float64]
    for three in itertools.product(dtypes, repeat=3):
        tensors = [T("a", "b", dtype=d, fill=lambda s, d=d: torch.ones(s, dtype=d)) for d in three]
        agree(function, *tensors, env=point, may_lack_rule=True)


def test_numbers():
    x = T("a", "b")
    for weight in (0.5, 2, S("a")):
        agree(torch.lerp, x, T("b"), weight, env=point, other=other)
        agree(torch.Tensor.lerp_, x, T("b"), weight, env=point, other=other)
        agree(torch.addcmul, x, T("b"), T(1), value=weight, env=point, other=other)


@pytest.mark.parametrize("function", BOTH)
def test_layout(function):
    layouts = [None, (0, 3, 1, 2), (3, 2, 1, 0)]
    for perms in itertools.product(layouts, repeat=3):
        full = [T("a", "b", "c", "d", perm=p) for p in perms]
        agree(function, *full, env=point, other=other, layout=True)
        agree(function, full[0], T(1, "b", 1, "d", perm=perms[1]), T("d"), env=point, layout=True)


def test_in_place():
    assert {torch.Tensor.addcmul_, torch.Tensor.addcdiv_, torch.Tensor.lerp_} <= INPLACE
