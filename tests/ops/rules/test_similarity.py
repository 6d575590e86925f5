"""Cosine similarity and distances against the real operators."""

from __future__ import annotations

import itertools

import pytest
import torch

from archlint.ops.aliases import spellings
from tests.ops.oracle import T, agree, covers

COSINES = spellings("cosine_similarity")
DISTANCES = spellings("pairwise_distance")
point = {"a": 2, "b": 3, "c": 4}
POINTS = [point, {"a": 1, "b": 3, "c": 1}, {"a": 0, "b": 3, "c": 4}, {"a": 2, "b": 2, "c": 0}]
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
DTYPES = [torch.float16, torch.float32, torch.float64, torch.int64, torch.bool]


@covers(*COSINES)
@pytest.mark.parametrize("function", COSINES, ids=lambda f: f.__name__)
def test_cosine_similarity(function):
    for env, (one, other) in itertools.product(POINTS, PAIRS):
        for dim in (0, 1, -1, 2, -3):
            agree(function, T(*one), T(*other), env=env, other=point, dim=dim)
        agree(function, T(*one), T(*other), env=env, other=point, eps=0.1)
    for one, other in itertools.product(DTYPES, DTYPES):
        agree(function, T("a", "b", dtype=one), T("a", "b", dtype=other), env=point)


@covers(*DISTANCES)
@pytest.mark.parametrize("function", DISTANCES, ids=lambda f: f.__name__)
def test_pairwise_distance(function):
    for env, (one, other) in itertools.product(POINTS, PAIRS):
        for settings in ({}, {"p": 1}, {"keepdim": True}, {"p": 0.0, "eps": 0.1}):
            agree(
                function, T(*one), T(*other), env=env, other=point, may_lack_rule=True, **settings
            )
    for one, other in itertools.product(DTYPES, DTYPES):
        agree(
            function, T("a", "b", dtype=one), T("a", "b", dtype=other), env=point,
            may_lack_rule=True,
        )  # fmt: skip
