"""Reductions in every spelling."""

from __future__ import annotations

import inspect
import itertools

import pytest
import torch

import archlint.ops.rules.reduce as reduce
from archlint.ops.registry import RULES
from tests.ops.oracle import T, agree, covers

DTYPES = [torch.bool, torch.uint8, torch.int64, torch.float16, torch.float32, torch.float64]
point = {"a": 2, "b": 3, "c": 4}
POINTS = [point, {"a": 0, "b": 3, "c": 4}, {"a": 2, "b": 3, "c": 0}, {"a": 0, "b": 0, "c": 1}]
SHAPES = [(), ("a",), ("a", "b"), ("a", "b", "c")]
MANY = [(0, 1), [-1], (), (0, -3), (0, 2, 1), (5,)]
ONE = [0, 1, 2, -1, -3, 3, None]
pytestmark = pytest.mark.filterwarnings("ignore:(std|var).*degrees of freedom")


def spelled(*names):
    rules = ((f, r) for f, r in RULES.items() if inspect.getmodule(r) is reduce)
    return [f for f, r in rules if r.__name__ in names]


def _named(f):
    return getattr(f, "__qualname__", f.__name__)


SEVERAL = spelled(
    *[
        "sum",
        "nansum",
        "mean",
        "nanmean",
        "amax",
        "amin",
        "all",
        "any",
        "count_nonzero",
        "logsumexp",
    ]
)
SINGLE = spelled(*["prod", "max", "min", "median", "mode", "aminmax", "argmax"])
SPREAD = spelled("std", "std_mean")
TRUTHS = spelled("_is_all_true", "_is_any_true")


@covers(*SEVERAL, *SINGLE, *SPREAD)
@pytest.mark.parametrize("function", SEVERAL + SINGLE + SPREAD, ids=_named)
def test_dims(function):
    dims = ONE + (MANY if function in SEVERAL + SPREAD else [])
    for shape, env in itertools.product(SHAPES, POINTS):
        if "logsumexp" not in function.__name__:
            agree(function, T(*shape), env=env, other=point)
        for dim, keepdim in itertools.product(dims, ({}, {"keepdim": True})):
            if "count_nonzero" in function.__name__ and keepdim:
                continue
            if dim is None and function not in SEVERAL + SPREAD + spelled("argmax"):
                continue
            if dim in (None, ()) and "logsumexp" in function.__name__:
                continue
            agree(function, T(*shape), env=env, other=point, dim=dim, **keepdim)


@pytest.mark.parametrize("function", SEVERAL + SINGLE + SPREAD, ids=_named)
def test_dtypes(function):
    for dtype, dims in itertools.product(DTYPES, [{}, {"dim": 1}]):
        if dims or "logsumexp" not in function.__name__:
            x = T("a", "b", dtype=dtype)
            agree(function, x, env=point, may_lack_rule=True, **dims)
    if function in spelled("sum", "nansum", "mean", "nanmean", "prod"):
        for dtype, to in itertools.product(DTYPES, DTYPES):
            agree(function, T("a", "b", dtype=dtype), dtype=to, env=point, may_lack_rule=True)


@pytest.mark.parametrize("function", SEVERAL + SINGLE + SPREAD, ids=_named)
def test_results_are_contiguous(function):
    x = T("a", "b", "c", perm=(2, 0, 1))
    for dim in (0, 1, 2):
        agree(function, x, env=point, other=POINTS[3], dim=dim, layout=True)


@covers(*TRUTHS)
@pytest.mark.parametrize("function", TRUTHS, ids=_named)
def test_truths(function):
    for shape, env in itertools.product(SHAPES, POINTS):
        agree(function, T(*shape, dtype=torch.bool), env=env, other=point)
    agree(function, T("a", dtype=torch.int64), env=point)


@pytest.mark.parametrize("function", spelled("max", "min"), ids=_named)
def test_of_two_tensors(function):
    for other in (T("b"), T("a", 1), T("c")):
        agree(function, T("a", "b"), other, env=point, other=POINTS[3])


@pytest.mark.parametrize("function", SPREAD, ids=_named)
def test_spread_settings(function):
    for args in ((0,), (0, True), (0, False, True), (True,), (False,), ((0, 1), False, True)):
        agree(function, T("a", "b"), *args, env=point, other=POINTS[3])
    for settings in ({"correction": 0}, {"correction": 1, "keepdim": True}, {"unbiased": False}):
        agree(function, T("a", "b"), 1, env=point, other=POINTS[3], **settings)


def test_places_stay_in_range():
    x = T("a", "b", fill=torch.rand)
    for function in spelled("max", "argmax", "median", "mode"):
        agree(function, x, env=point, dim=1)
    agree(torch.sum, T(3, 4, dtype=torch.int64, fill=2, values=(0, 2)), env={})
    agree(torch.sum, T(3, 4, dtype=torch.bool, fill=True), env={}, dim=1)
