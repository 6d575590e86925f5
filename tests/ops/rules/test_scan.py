"""Running totals and orders in every spelling."""

from __future__ import annotations

import inspect
import itertools

import pytest
import torch

import archlint.ops.rules.scan as scan
from archlint.ops.registry import RULES
from tests.ops.oracle import S, T, agree, covers

DTYPES = [torch.bool, torch.uint8, torch.int64, torch.float16, torch.float32, torch.float64]
point = {"a": 2, "b": 3, "c": 4, "k": 2}
POINTS = [point, {"a": 0, "b": 3, "c": 4, "k": 0}, {"a": 2, "b": 0, "c": 1, "k": 1}]
SHAPES = [(), ("a",), ("a", "b", "c")]


def spelled(*names):
    rules = ((f, r) for f, r in RULES.items() if inspect.getmodule(r) is scan)
    return [f for f, r in rules if r.__name__ in names]


def _named(f):
    return getattr(f, "__qualname__", f.__name__)


RUNNING = spelled("cumsum", "cumprod", "logcumsumexp", "cummax")
ORDERS = spelled("sort", "argsort")
CHOSEN = spelled("topk", "kthvalue")


@covers(*RUNNING, *ORDERS)
@pytest.mark.parametrize("function", RUNNING + ORDERS, ids=_named)
def test_dims_and_dtypes(function):
    for shape, env, dim in itertools.product(SHAPES, POINTS, [0, 1, -1, -3, 3]):
        agree(function, T(*shape), env=env, other=point, dim=dim, may_lack_rule=True)
    for dtype in DTYPES:
        agree(function, T("a", "b", dtype=dtype), env=point, dim=1)
        if function in spelled("cumsum", "cumprod"):
            agree(function, T("a", "b"), env=point, dim=1, dtype=dtype, may_lack_rule=True)
    agree(function, T("a", "b", "c", perm=(2, 0, 1)), env=point, dim=1, layout=True)


def test_orders_by_default_along_the_last():
    for function in ORDERS:
        agree(function, T("a", "b"), env=point)
        agree(function, T("a", "b"), env=point, dim=0, descending=True)
        agree(function, T("a", "b"), env=point, dim=0, descending=True, stable=True)


@pytest.mark.parametrize(("low", "high", "n"), [(0, 2, 4), (-3, -1, 4), (-2, 5, 3), (1, 1, 0)])
def test_range_of_a_running_total(low, high, n):
    for value in (low, high):
        x = T(n, dtype=torch.int64, fill=value, values=(low, high))
        agree(torch.cumsum, x, env={}, dim=0)


@covers(*CHOSEN)
@pytest.mark.parametrize("function", CHOSEN, ids=_named)
def test_chosen(function):
    for shape, env, dim in itertools.product(SHAPES, POINTS, [0, 1, -1, 3]):
        for k in (S("k"), 0, 1, 3, -1, 5):
            if shape == () and k == 0:
                continue
            agree(function, T(*shape), k, env=env, other=point, dim=dim)
    for dtype in DTYPES:
        agree(function, T("a", "b", dtype=dtype), 1, env=point)
    agree(function, T("a", "b", "c", perm=(2, 0, 1)), 2, env=point, dim=1, layout=True)
    if function in spelled("kthvalue"):
        agree(function, T("a", "b"), 1, env=point, keepdim=True)
