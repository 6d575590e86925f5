"""Elements chosen by index tensors, against the real operators."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import archlint.ops.rules.gather  # noqa: F401
from archlint.ops.aliases import spellings
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


@covers(*spellings("take"))
@pytest.mark.parametrize("op", spellings("take"))
@few
@given(env=sizes, other=sizes, x=tensors(2), dims=shapes, start=low, dtype=dtypes)
def test_take(op, env, other, x, dims, start, dtype):
    agree(op, x, ids(*dims, low=start, dtype=dtype), env=env, other=other, layout=True)
