"""Padding against the real operators."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

import archlint.ops.rules.pad  # noqa: F401
from archlint.symbolic import mod, symbol
from archlint.symbolic.intervals import Box
from tests.ops.oracle import S, T, agree, covers

sizes = st.fixed_dictionaries({n: st.integers(0, 7) for n in "ncdhw"})
SHAPES = st.sampled_from(
    [("w",), ("h", "w"), ("c", "h", "w"), ("n", "c", "h", "w"), ("n", "c", "d", "h", "w")]
)
H, W = symbol("h"), symbol("w")


@covers(F.pad, torch._C._nn.pad, torch.constant_pad_nd)
@settings(max_examples=200, deadline=None)
@given(env=sizes, other=sizes, shape=SHAPES, pads=st.lists(st.integers(-4, 4), max_size=7))
def test_constant(env, other, shape, pads):
    for op in (F.pad, torch._C._nn.pad, torch.constant_pad_nd):
        agree(op, T(*shape), pads, env=env, other=other, layout=True)


SYMBOLIC = [S(-W), S(W), S(H - W), S(mod(7 - mod(W, 7), 7)), 0, 1]


@settings(max_examples=150, deadline=None)
@given(
    env=sizes, other=sizes, shape=SHAPES,
    pads=st.lists(st.sampled_from(SYMBOLIC), min_size=2, max_size=4),
)  # fmt: skip
def test_constant_by_sizes(env, other, shape, pads):
    box = Box(dict.fromkeys("ncdhw", (0, None)))
    agree(F.pad, T(*shape), tuple(pads), env=env, other=other, box=box)


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
@settings(max_examples=150, deadline=None)
@given(
    env=sizes, other=sizes, shape=SHAPES,
    pads=st.sampled_from([2, 2, 4, 4, 6, 3, 0]).flatmap(
        lambda n: st.lists(st.integers(0, 4), min_size=n, max_size=n)
    ),
)  # fmt: skip
def test_bent(mode, env, other, shape, pads):
    agree(F.pad, T(*shape), pads, mode, env=env, other=other, layout=True)


@settings(max_examples=150, deadline=None)
@given(
    env=sizes, other=sizes, shape=SHAPES,
    pads=st.sampled_from([2, 4, 4, 6]).flatmap(
        lambda n: st.lists(st.integers(-4, 2), min_size=n, max_size=n)
    ),
)  # fmt: skip
def test_reflected_and_cropped(env, other, shape, pads):
    at = {"env": env, "other": other, "may_lack_rule": True}
    agree(F.pad, T(*shape), pads, "reflect", layout=True, **at)


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
@settings(max_examples=40, deadline=None)
@given(env=sizes, other=sizes)
def test_bent_by_sizes(mode, env, other):
    box = Box(dict.fromkeys("ncdhw", (0, None)))
    pads = (0, S("h"), 1, S(W // 2))
    agree(F.pad, T("n", "c", "h", "w"), pads, mode, env=env, other=other, box=box)


@pytest.mark.parametrize("kwargs", [{"mode": "x"}, {"mode": "reflect", "value": 1.0}])
def test_refuses(kwargs):
    agree(F.pad, T(1, 2, 3), (1, 1), **kwargs, env={})


@pytest.mark.parametrize("mode", ["constant", "reflect", "replicate", "circular"])
@pytest.mark.parametrize("pads", [(1, 1), (1, 1, 1, 1), (0, 0, 0, 0), (-1, 0), (1, 1, 1, 1, 1, 1)])
@pytest.mark.parametrize("perm", [(0, 2, 1), (0, 3, 1, 2), (0, 3, 2, 1), (0, 4, 1, 2, 3)])
def test_layout(mode, pads, perm):
    dims = ("n", "c", "d", "h", "w")[: len(perm)]
    env = {"n": 2, "c": 3, "d": 4, "h": 5, "w": 6}
    agree(F.pad, T(*dims, perm=perm), pads, mode, env=env, layout=True, may_lack_rule=True)


CROPS = st.sampled_from([0, 0, 1, -1, S(W - 4), S(4 - W), S(W % 2)])
filled = st.fixed_dictionaries({k: st.sampled_from([1, 1, 2, 3, 5]) for k in "nchw"})


@settings(max_examples=150)
@given(
    env=filled,
    other=filled,
    pads=st.lists(CROPS, min_size=2, max_size=4).filter(lambda p: len(p) % 2 == 0),
    perm=st.sampled_from([(0, 3, 1, 2), (0, 3, 2, 1), (1, 0, 2, 3), (0, 2, 3, 1)]),
    part=st.sampled_from([1, 2]),
)
def test_layout_of_what_may_crop(env, other, pads, perm, part):
    x = T("n", "c", "h", "w", perm=perm, part=part)
    agree(F.pad, x, pads, env=env, other=other, layout=True)


def test_values():
    ids = T("w", dtype=torch.int64, fill=lambda s: torch.arange(*s) + 3, values=(3, W + 2))
    agree(F.pad, ids, (1, 2), env={"w": 4}, other={"w": 1})
    agree(F.pad, ids, (1, 2), "constant", 50, env={"w": 4}, other={"w": 1})
