"""Dropout in every spelling."""

from __future__ import annotations

import inspect
import itertools

import pytest
import torch

import archlint.ops.rules.dropout as dropout
from archlint.ops.registry import RULES
from tests.ops.oracle import T, agree, covers

FUNCTIONS = [f for f, rule in RULES.items() if inspect.getmodule(rule) is dropout]
point = {"a": 2, "b": 3, "c": 4, "d": 2}
other = {"a": 0, "b": 1, "c": 5, "d": 3}


@covers(*FUNCTIONS)
@pytest.mark.filterwarnings("ignore:dropout.d")
@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__qualname__)
def test_dropout(function):
    for rank, p, training in itertools.product(range(6), (0.0, 0.5, 1.0, 1.5, -0.5), (True, False)):
        x = T(*"abcda"[:rank])
        agree(function, x, p, training, env=point, other=other)
    for training in (True, False):
        agree(function, T(*"abc", dtype=torch.int64), 0.5, training, env=point, may_lack_rule=True)
        x = T(*"abcd", perm=(0, 3, 1, 2))
        agree(function, x, 0.5, training, env=point, other=other, layout=True)


@pytest.mark.filterwarnings("ignore:dropout.d")
@pytest.mark.parametrize("function", [f for f in FUNCTIONS if inspect.isfunction(f)])
def test_defaults_and_inplace(function):
    agree(function, T(*"abc"), env=point, other=other)
    agree(function, T(*"abc"), 0.5, training=True, inplace=True, env=point, other=other)
    agree(function, T("a"), 0.5, training=True, inplace=True, env=point, other=other)
