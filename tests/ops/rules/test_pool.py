"""Pools with a window against the real operators."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

import archlint.ops.rules.pool  # noqa: F401
from archlint.symbolic import symbol
from tests.ops.oracle import S, T, agree, covers

nn = torch._C._nn
sizes = st.fixed_dictionaries(
    {"n": st.integers(0, 2), "c": st.sampled_from([2, 2, 2, 2, 1, 1, 1, 0])}
    | {k: st.one_of(st.integers(0, 9), st.integers(4, 20)) for k in "dhw"}
)
SPACE = {1: ("w",), 2: ("h", "w"), 3: ("d", "h", "w")}
MAX = [
    (1, F.max_pool1d), (1, torch.max_pool1d), (1, F.max_pool1d_with_indices),
    (1, torch.max_pool1d_with_indices), (2, F.max_pool2d), (2, torch.max_pool2d),
    (2, F.max_pool2d_with_indices), (2, nn.max_pool2d_with_indices), (3, F.max_pool3d),
    (3, torch.max_pool3d), (3, F.max_pool3d_with_indices), (3, nn.max_pool3d_with_indices),
]  # fmt: skip
AVG = [(1, F.avg_pool1d), (2, F.avg_pool2d), (3, F.avg_pool3d)]
LP = [(1, F.lp_pool1d), (2, F.lp_pool2d), (3, F.lp_pool3d)]


def per_dim(values, n):
    return st.one_of(values, st.tuples(*[values] * n), st.tuples(values).map(list))


def mostly(usual, *others):
    """One of ``usual``, now and then one of ``others``."""
    return st.sampled_from([*usual * (5 * len(others) // len(usual) + 1), *others])


def tensor(data, n):
    batched = data.draw(st.sampled_from([True, True, True, False]))
    return T(*("n", "c", *SPACE[n])[0 if batched else 1 :])


@st.composite
def windows(draw, n):
    return {
        "kernel_size": draw(per_dim(mostly([2, 3, 4, 5], 1, 0), n)),
        "stride": draw(st.one_of(st.none(), per_dim(mostly([1, 2, 3, 6], 0), n))),
        "padding": draw(per_dim(mostly([0, 1], 2, -1), n)),
        "ceil_mode": draw(st.booleans()),
    }


@covers(*(op for _, op in MAX))
@pytest.mark.parametrize(("n", "op"), MAX)
@settings(max_examples=50, deadline=None)
@given(data=st.data(), env=sizes, other=sizes)
def test_max_pool(n, op, data, env, other):
    kwargs = data.draw(windows(n))
    if kwargs["stride"] is None and op not in (F.max_pool1d, F.max_pool2d, F.max_pool3d):
        del kwargs["stride"]
    kwargs["dilation"] = data.draw(per_dim(mostly([1, 1, 2], 3, 0), n))
    if op in (F.max_pool1d, F.max_pool2d, F.max_pool3d):
        kwargs["return_indices"] = data.draw(st.booleans())
    agree(op, tensor(data, n), **kwargs, env=env, other=other, layout=True)


@covers(*(op for _, op in AVG))
@pytest.mark.parametrize(("n", "op"), AVG)
@settings(max_examples=150, deadline=None)
@given(data=st.data(), env=sizes, other=sizes)
def test_avg_pool(n, op, data, env, other):
    kwargs = data.draw(windows(n))
    if kwargs["stride"] is None and n == 1:
        del kwargs["stride"]
    kwargs["count_include_pad"] = data.draw(st.booleans())
    if n > 1:
        kwargs["divisor_override"] = data.draw(mostly([None, 2], 0))
    agree(op, tensor(data, n), **kwargs, env=env, other=other, layout=True)


@covers(*(op for _, op in LP))
@pytest.mark.parametrize(("n", "op"), LP)
@settings(max_examples=60, deadline=None)
@given(data=st.data(), env=sizes, other=sizes)
def test_lp_pool(n, op, data, env, other):
    kwargs = data.draw(windows(n))
    del kwargs["padding"]
    norm = data.draw(mostly([2.0, 1, float("inf")], 0))
    agree(op, tensor(data, n), norm, **kwargs, env=env, other=other, may_lack_rule=True)


H, W = symbol("h"), symbol("w")


@pytest.mark.parametrize("op", [F.avg_pool2d, F.max_pool2d])
@pytest.mark.parametrize("ceil_mode", [False, True])
@settings(max_examples=20, deadline=None)
@given(env=sizes, other=sizes)
def test_kernels_made_from_sizes(op, ceil_mode, env, other):
    for kernel in ((S("h"), S("w")), (S(H // 2), S(W // 3))):
        agree(op, T("n", "c", "h", "w"), kernel, ceil_mode=ceil_mode, env=env, other=other)


@pytest.mark.parametrize(("n", "op"), [*MAX, *AVG])
@pytest.mark.parametrize("padding", [0, 1])
def test_layout(n, op, padding):
    env = {"n": 2, "c": 2, "d": 4, "h": 7, "w": 5}
    x = T("n", "c", *SPACE[n], perm=(0, n + 1, *range(1, n + 1)))
    agree(op, x, 2, padding=padding, env=env, layout=True)


@pytest.mark.parametrize("op", [op for n, op in (*MAX, *AVG) if n == 1])
@settings(max_examples=60, deadline=None)
@given(data=st.data(), env=sizes, other=sizes)
def test_layout_in_one_dimension(op, data, env, other):
    perm = data.draw(st.permutations(range(data.draw(st.integers(2, 3)))))
    x = T(*("n", "c", "w")[-len(perm) :], perm=tuple(perm))
    kwargs = data.draw(windows(1))
    if kwargs["stride"] is None:
        del kwargs["stride"]
    agree(op, x, **kwargs, env=env, other=other, layout=True)
