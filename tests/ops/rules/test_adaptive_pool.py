"""Adaptive pools against the real operators."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

import archlint.ops.rules.adaptive_pool  # noqa: F401
from archlint.symbolic import symbol
from tests.ops.oracle import S, T, agree, covers

nn = torch._C._nn
sizes = st.fixed_dictionaries(
    {"n": st.integers(0, 2), "c": st.sampled_from([2, 2, 1, 0])}
    | {k: st.one_of(st.integers(0, 9), st.integers(10, 20)) for k in "dhw"}
)
SPACE = {1: ("w",), 2: ("h", "w"), 3: ("d", "h", "w")}
POOLS = [
    (1, F.adaptive_avg_pool1d), (2, F.adaptive_avg_pool2d), (2, nn.adaptive_avg_pool2d),
    (3, F.adaptive_avg_pool3d), (3, nn.adaptive_avg_pool3d), (1, F.adaptive_max_pool1d),
    (2, F.adaptive_max_pool2d), (3, F.adaptive_max_pool3d),
    (1, F.adaptive_max_pool1d_with_indices), (2, F.adaptive_max_pool2d_with_indices),
    (3, F.adaptive_max_pool3d_with_indices), (1, torch.adaptive_max_pool1d),
    (2, nn.adaptive_max_pool2d), (3, nn.adaptive_max_pool3d),
]  # fmt: skip


def output_sizes(op, n):
    size = st.sampled_from([1, 1, 2, 3, 7, 0, -1, S("h"), S(symbol("w") // 2)])
    if op.__name__.startswith("adaptive_") and op.__module__ == "torch._C._nn":
        return st.tuples(*[size] * n)
    if n == 1:
        return st.one_of(size, st.tuples(size))
    return st.one_of(size, st.tuples(*[st.one_of(st.none(), size)] * n), st.just((2, 2)))


@covers(*(op for _, op in POOLS))
@pytest.mark.parametrize(("n", "op"), POOLS)
@settings(max_examples=60, deadline=None)
@given(data=st.data(), env=sizes, other=sizes)
def test_adaptive_pool(n, op, data, env, other):
    output_size = data.draw(output_sizes(op, n))
    dims = ("n", "c", *SPACE[n])[data.draw(st.sampled_from([0, 0, 0, 1])) :]
    agree(op, T(*dims), output_size, env=env, other=other, layout=True)


@pytest.mark.parametrize("output_size", [1, 2])
@pytest.mark.parametrize(("n", "op"), POOLS)
def test_layout(n, op, output_size):
    env = {"n": 2, "c": 2, "d": 4, "h": 7, "w": 5}
    x = T("n", "c", *SPACE[n], perm=(0, n + 1, *range(1, n + 1)))
    agree(op, x, (output_size,) * n, env=env, layout=True)


@pytest.mark.parametrize("shape", [(), (4,), (5, 5), (1, 1, 4, 5, 5)])
@pytest.mark.parametrize("output_size", [1, 2, (1, 1), (2, None)])
@pytest.mark.parametrize("op", [F.adaptive_avg_pool2d, F.adaptive_max_pool2d])
def test_wrong_rank(op, shape, output_size):
    agree(op, T(*shape), output_size, env={}, layout=True)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.int64])
@pytest.mark.parametrize(("n", "op"), POOLS)
def test_dtype(n, op, dtype):
    env = {"n": 2, "c": 2, "d": 4, "h": 7, "w": 5}
    agree(op, T("n", "c", *SPACE[n], dtype=dtype), (2,) * n, env=env, may_lack_rule=True)
