"""Elements chosen by index tensors, against the real operators."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import archlint.ops.rules.gather  # noqa: F401
from archlint.ops.aliases import methods, spellings
from tests.ops.oracle import T, agree, covers
from tests.ops.rules.test_indexing import ids
from tests.ops.rules.test_view import dim, few, sizes, tensors

Tensor = torch.Tensor
low = st.sampled_from([0, 0, 0, -1, 1])
dtypes = st.sampled_from([torch.int64, torch.int64, torch.int32, torch.float32])
shapes = st.sampled_from([("a", "b"), ("a", 1), ("c", "b"), (2, 2), ("a",), (), (0, "b"), ("d", 1)])


@covers(*spellings("index_select"))
@pytest.mark.parametrize("op", spellings("index_select"))
@few
@given(
    env=sizes,
    other=sizes,
    x=tensors(),
    d=dim,
    dims=st.sampled_from([("b",), (), (2,), (1, 1), (0,)]),
    start=low,
    dtype=dtypes,
)
def test_index_select(op, env, other, x, d, dims, start, dtype):
    index = ids(*dims, low=start, dtype=dtype)
    agree(op, x, d, index, env=env, other=other, layout=True)


@covers(*spellings("gather"))
@pytest.mark.parametrize("op", spellings("gather"))
@few
@given(env=sizes, other=sizes, x=tensors(2), d=dim, dims=shapes, start=low, dtype=dtypes)
def test_gather(op, env, other, x, d, dims, start, dtype):
    index = ids(*dims, low=start, dtype=dtype)
    agree(op, x, d, index, env=env, other=other, layout=True)


SCATTERS = spellings("scatter", "scatter_", "scatter_add", "scatter_add_")


@covers(*SCATTERS)
@pytest.mark.parametrize("op", SCATTERS)
@few
@given(
    env=sizes,
    other=sizes,
    x=tensors(2),
    d=dim,
    dims=shapes,
    start=low,
    dtype=dtypes,
    src=shapes.map(lambda s: T(*s)) | st.just(T("a", "b", dtype=torch.float64)) | st.just(2.0),
)
def test_scatter(op, env, other, x, d, dims, start, dtype, src):
    index = ids(*dims, low=start, dtype=dtype)
    if "add" in op.__name__ and isinstance(src, float):
        src = T("a", "b")
    agree(op, x, d, index, src, env=env, other=other)


REDUCES = [*spellings("scatter_reduce"), *methods("scatter_reduce_")]


@covers(*REDUCES)
@pytest.mark.parametrize("op", REDUCES)
@few
@given(
    env=sizes,
    other=sizes,
    x=tensors(2),
    d=dim,
    dims=shapes,
    start=low,
    src=shapes.map(lambda s: T(*s)) | st.just(T("a", "b", dtype=torch.float64)),
    how=st.sampled_from(["sum", "amax", "mean"]),
    include=st.booleans(),
)
def test_scatter_reduce(op, env, other, x, d, dims, start, src, how, include):
    index = ids(*dims, low=start)
    agree(op, x, d, index, src, how, include_self=include, env=env, other=other)


@pytest.mark.filterwarnings("ignore:The reduce argument:UserWarning")
@covers(*spellings("scatter", "scatter_"))
@few
@given(env=sizes, other=sizes, x=tensors(2), d=dim, dims=shapes, start=low, value=st.booleans())
def test_scatter_with_a_reduction(env, other, x, d, dims, start, value):
    index = ids(*dims, low=start)
    src = {"value": 2.0} if value else {"src": T("a", "b")}
    agree(torch.scatter, x, d, index, **src, reduce="add", env=env, other=other)


@covers(*spellings("take_along_dim"))
@pytest.mark.parametrize("op", spellings("take_along_dim"))
@few
@given(env=sizes, other=sizes, x=tensors(3), d=st.none() | dim, dims=shapes, start=low)
def test_take_along_dim(op, env, other, x, d, dims, start):
    lacks = d is None or not x.dims  # without a dim, memory that is no view of one dimension
    agree(op, x, ids(*dims, low=start), d, env=env, other=other, may_lack_rule=lacks)


@covers(*spellings("take"))
@pytest.mark.parametrize("op", spellings("take"))
@few
@given(env=sizes, other=sizes, x=tensors(2), dims=shapes, start=low, dtype=dtypes)
def test_take(op, env, other, x, dims, start, dtype):
    agree(op, x, ids(*dims, low=start, dtype=dtype), env=env, other=other, layout=True)
