"""Norms, distances and similarities of vectors against the real operators."""

from __future__ import annotations

import inspect
import itertools
import math

import pytest
import torch

import archlint.ops.rules.distances as distances
from archlint.ops.aliases import spellings
from archlint.ops.registry import RULES
from tests.ops.oracle import T, agree, covers

DTYPES = [torch.bool, torch.int64, torch.float16, torch.float32, torch.float64]
point = {"a": 2, "b": 3, "c": 4}
POINTS = [point, {"a": 0, "b": 3, "c": 4}, {"a": 2, "b": 3, "c": 0}, {"a": 0, "b": 0, "c": 1}]
SHAPES = [(), ("a",), ("a", "b"), ("a", "b", "c")]
ORDERS = [2, 1, 0, 3.5, math.inf, -math.inf, -1]
DIMS = [0, 1, 2, -1, -3, 3, None, (0, 1), [-1], (), (0, -3)]


def spelled(name):
    rules = ((f, r) for f, r in RULES.items() if inspect.getmodule(r) is distances)
    return [f for f, r in rules if r.__name__ == name]


def _named(f):
    return getattr(f, "__qualname__", f.__name__)


NORMS = [*spelled("norm"), *spelled("vector_norm"), *spelled("linalg_norm")]


@covers(*NORMS)
@pytest.mark.parametrize("function", NORMS, ids=_named)
def test_norms(function):
    key = "p" if function in spelled("norm") else "ord"
    for env, shape in itertools.product(POINTS, SHAPES):
        agree(function, T(*shape), env=env, other=point)
        for order, dim in itertools.product(ORDERS, DIMS):
            settings = {key: order, "dim": dim, "keepdim": order == 1}
            agree(function, T(*shape), env=env, other=point, may_lack_rule=True, **settings)
        agree(function, T(*shape), env=env, other=point, dim=-1, keepdim=True)
    for dtype in DTYPES:
        agree(function, T("a", "b", dtype=dtype), env=point, dim=1)
        agree(function, T("a", "b"), env=point, dtype=torch.float64)
    if key == "p":
        agree(function, T("a", "b"), "fro", [0, 1], env=point)


COSINES = spellings("cosine_similarity")
DISTANCES = spellings("pairwise_distance")
PAIR_POINTS = [point, {"a": 1, "b": 3, "c": 1}, {"a": 0, "b": 3, "c": 4}, {"a": 2, "b": 2, "c": 0}]
PAIRS = [
    (("a", "b"), ("a", "b")),
    (("a", "b", "c"), ("a", "b", "c")),
    (("a", "b", "c"), ("b", "c")),
    (("a", "b", "c"), ("a", 1, "c")),
    (("a", "b"), ("c", "b")),
    (("a", 1), (1, "b")),
    (("c",), ("c",)),
    (("c",), ()),
    ((), ()),
]


@covers(*COSINES)
@pytest.mark.parametrize("function", COSINES, ids=lambda f: f.__name__)
def test_cosine_similarity(function):
    for env, (one, other) in itertools.product(PAIR_POINTS, PAIRS):
        for dim in (0, 1, -1, 2, -3):
            agree(function, T(*one), T(*other), env=env, other=point, dim=dim)
        agree(function, T(*one), T(*other), env=env, other=point, eps=0.1)
    for one, other in itertools.product(DTYPES, DTYPES):
        agree(function, T("a", "b", dtype=one), T("a", "b", dtype=other), env=point)


@covers(*DISTANCES)
@pytest.mark.parametrize("function", DISTANCES, ids=lambda f: f.__name__)
def test_pairwise_distance(function):
    for env, (one, other) in itertools.product(PAIR_POINTS, PAIRS):
        for settings in ({}, {"p": 1}, {"keepdim": True}, {"p": 0.0, "eps": 0.1}):
            agree(
                function, T(*one), T(*other), env=env, other=point, may_lack_rule=True, **settings
            )
    for one, other in itertools.product(DTYPES, DTYPES):
        agree(
            function, T("a", "b", dtype=one), T("a", "b", dtype=other), env=point,
            may_lack_rule=True,
        )  # fmt: skip
