"""Matrix functions against the real ones."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from archlint.ops.aliases import spellings
from archlint.symbolic import symbol
from tests.ops.oracle import S, T, agree, covers
from tests.ops.rules.test_view import few, sizes

matrices = st.sampled_from([("a", "a"), ("a", "b"), ("c", "a", "a"), (2, "a", 3), ("a",), ()])
dtypes = st.sampled_from([torch.float32, torch.float64])
ORDERS = ["fro", "nuc", 1, -1, 2, -2, math.inf, -math.inf, 3, 0]


def positive(shape):
    """As nearly an identity as the shape allows."""
    eye = torch.eye(*shape[-2:]) if len(shape) > 1 else torch.ones(shape)
    return eye.expand(shape)


@covers(torch.linalg.cholesky, torch.linalg.cholesky_ex)
@pytest.mark.parametrize("op", [torch.linalg.cholesky, torch.linalg.cholesky_ex])
@few
@given(env=sizes, other=sizes, x=matrices)
def test_cholesky(op, env, other, x):
    agree(op, T(*x, fill=positive), env=env, other=other, layout=True)


@covers(torch.linalg.lstsq)
@few
@given(
    env=sizes,
    other=sizes,
    x=st.sampled_from([("a", "b"), ("c", "a", "b"), ("a", 3), ("a",)]),
    y=st.sampled_from([("a", "b"), ("c", "a", 2), ("a",), ("c", "a"), (3, 1), ()]),
    driver=st.sampled_from([None, "gelsy", "gels"]),
)
def test_lstsq(env, other, x, y, driver):
    at = {"env": env, "other": other, "may_lack_rule": True}
    agree(torch.linalg.lstsq, T(*x), T(*y), driver=driver, **at)
    agree(torch.linalg.lstsq, T(*x, perm=tuple(range(len(x)))[::-1]), T(*y), **at)


@covers(torch.linalg.matrix_norm)
@pytest.mark.parametrize("order", ORDERS)
@few
@given(
    env=sizes,
    other=sizes,
    x=st.sampled_from([("a", "b"), ("a", "b", "c"), (2, "a", 3), ("a",)]),
    dim=st.sampled_from([(-2, -1), (-1, -2), (0, 1), (0, 0), (2, 0), (0,)]),
    keepdim=st.booleans(),
)
def test_matrix_norm(order, env, other, x, dim, keepdim):
    agree(torch.linalg.matrix_norm, T(*x), order, dim, keepdim, env=env, other=other)


@covers(*spellings("pdist"))
@few
@given(sizes, sizes, matrices, st.sampled_from([0.0, 1.0, 2.0, math.inf, -1.0]), dtypes)
def test_pdist(env, other, x, p, dtype):
    agree(torch.pdist, T(*x, dtype=dtype), p, env=env, other=other)


@covers(*spellings("kron"))
@few
@given(sizes, sizes, matrices, matrices, st.sampled_from([torch.float32, torch.int64, torch.bool]))
def test_kron(env, other, x, y, dtype):
    agree(torch.kron, T(*x), T(*y, dtype=dtype), env=env, other=other, layout=True)


chains = st.lists(
    st.sampled_from([("a", "b"), ("b", "a"), ("b",), ("a", "a"), (2, 2), (2,), ("a", 1, "b")]),
    min_size=1,
    max_size=4,
)


@covers(torch.linalg.multi_dot)
@few
@given(sizes, sizes, chains)
def test_multi_dot(env, other, shapes):
    tensors = [T(*x) for x in shapes]
    agree(torch.linalg.multi_dot, tensors, env=env, other=other, layout=True)


numbers = st.sampled_from([None, S("b"), 0, 1, 3, S(symbol("b") - 2)])


@covers(torch.vander, torch.linalg.vander)
@few
@given(sizes, sizes, st.sampled_from([("a",), (3,), ("a", "b"), ()]), numbers, st.booleans())
def test_vander(env, other, x, number, increasing):
    agree(torch.vander, T(*x), number, increasing, env=env, other=other, layout=True)
    agree(torch.linalg.vander, T(*x), N=number, env=env, other=other, may_lack_rule=not x)


@pytest.mark.parametrize("dtype", [torch.int64, torch.int32, torch.bool, torch.float64])
def test_vander_of_other_dtypes(dtype):
    point = {"a": 3}
    for op in (torch.linalg.vander, torch.vander):
        agree(op, T("a", dtype=dtype), env=point, may_lack_rule=dtype is torch.bool)
