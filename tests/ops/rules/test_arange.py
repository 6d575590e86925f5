"""Tensors that count."""

from __future__ import annotations

import itertools

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import archlint
import archlint.ops.rules.arange
from archlint.ops.registry import RULES
from archlint.symbolic import symbol
from archlint.symbolic.intervals import Box
from archlint.symbolic.rational import Ratio
from tests.ops.oracle import HintPath, S, T, agree, covers

numbers = st.integers(-6, 9)
env = st.fixed_dictionaries({"a": numbers, "b": numbers, "s": st.integers(-3, 3)})
DTYPES = [None, torch.int64, torch.int32, torch.float32, torch.float64]


@covers(torch.arange)
@given(env=env, other=env, dtype=st.sampled_from(DTYPES))
@settings(max_examples=80)
def test_arange_of_whole_numbers(env, other, dtype):
    for args in ((S("a"),), (S("a"), S("b")), (S("a"), S("b"), S("s")), (S("a"), 9, 2), (True,)):
        agree(torch.arange, *args, dtype=dtype, env=env, other=other)
    agree(torch.arange, end=S("a"), env=env, other=other)
    agree(torch.arange, start=S("a"), end=S("b"), step=2, env=env, other=other)
    agree(torch.arange, S("a"), S("b"), step=3, env=env, other=other)
    agree(torch.arange, S("a"), end=S("b"), env=env, other=other, may_lack_rule=True)
    agree(torch.arange, S("b"), S("a"), -2, env=env, other=other)


# Between these versions the real operator ends the process for whole numbers by part of a step.
PART_STEP_CRASH = (2, 7) <= tuple(map(int, torch.__version__.split(".")[:2])) < (2, 13)
fractions = st.sampled_from([0.5, 1.0, 1.5, 0.25, 0.1, 2.0, -1.0, -0.5, -2.5, -0.1])


@given(env=env, other=env, start=fractions, step=fractions)
@settings(max_examples=100)
def test_arange_of_fractions(env, other, start, step):
    for args in ((S("a"), S("b"), step), (start, S("b")), (start, S("b"), step), (0.0, S("a"), 1)):
        agree(torch.arange, *args, env=env, other=other, may_lack_rule=True)
        if PART_STEP_CRASH and abs(args[-1] if len(args) == 3 else 1) < 1:
            continue
        agree(torch.arange, *args, dtype=torch.int64, env=env, other=other, may_lack_rule=True)


def test_arange_of_a_ratio():
    h = symbol("h")
    for n in range(1, 9):
        path = HintPath({"h": n}, Box({"h": (1, None)}))
        assert len(torch.arange(n / 2)) == RULES[torch.arange](path, Ratio(h, 2)).dims[0].evaluate(
            path.env
        )
        assert len(torch.arange(0, n / 3)) == RULES[torch.arange](path, 0, Ratio(h, 3, True)).dims[
            0
        ].evaluate(path.env)


def test_range_of_arange():
    h = symbol("h")
    path = HintPath({"h": 5}, Box({"h": (1, None)}))
    assert RULES[torch.arange](path, h).values == (0, h - 1)
    assert RULES[torch.arange](path, 1, h + 1).values == (1, h)
    counted = RULES[torch.arange](path, 0, h, 1.0)
    assert (counted.values, counted.loose) == ((0, h - 1), False)
    assert RULES[torch.arange](path, 0, h, 0.5).loose  # the last element is below h
    assert RULES[torch.arange](path, h - 1, -1, -1.0).values == (0, h - 1)


@covers(torch.linspace, torch.eye, torch.randperm, torch.tril_indices, torch.triu_indices)
@given(env=env, other=env)
@settings(max_examples=25)
def test_the_rest(env, other):
    for dtype, (start, end) in itertools.product(DTYPES, [(0, S("a")), (S("b"), -1.5), (2, 2)]):
        agree(torch.linspace, start, end, S("b"), dtype=dtype, env=env, other=other)
        agree(torch.linspace, start, end, steps=S("b"), dtype=dtype, env=env, other=other)
    agree(torch.eye, S("a"), env=env, other=other)
    agree(torch.eye, S("a"), S("b"), dtype=torch.int64, env=env, other=other)
    agree(torch.randperm, S("a"), env=env, other=other)
    for function, offset in itertools.product(
        (torch.tril_indices, torch.triu_indices), (-3, -1, 0, 1, 2, 5)
    ):
        agree(function, S("a"), S("a"), offset, env=env, other=other)
        agree(function, S("a"), S("b"), offset, env=env, other=other)


def test_the_tensor_marker_is_used():
    agree(torch.linspace, T(), 1.0, 3, env={}, may_lack_rule=True)


def test_one_step_of_linspace_is_the_start_alone():
    class Reads(nn.Module):
        def forward(self, x):
            return torch.zeros(4, 2)[torch.linspace(0, 4, x.shape[0]).long()]

    found = archlint.infer(Reads(), "H")
    for h in range(1, 9):
        try:
            Reads()(torch.zeros(h))
            runs = True
        except IndexError:
            runs = False
        assert runs is (h == 1)
        assert found.accepts(H=h) in (runs, None)
