"""Copies with a view overwritten, against the real operators."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import archlint.ops.rules.view_writes  # noqa: F401
from archlint.ops.aliases import spellings
from tests.ops.oracle import T, agree, covers
from tests.ops.rules.test_indexing import numbers, slices
from tests.ops.rules.test_view import dim, few, sizes, tensors

sources = st.lists(st.sampled_from(["a", "b", "c", 1, 2]), max_size=3).map(lambda d: T(*d))
selected = st.sampled_from([("b", "c"), ("a", "c"), ("a", "b"), ("b",), ("a",), (), (1,)])


@covers(*spellings("select_scatter"))
@pytest.mark.parametrize("op", spellings("select_scatter"))
@few
@given(sizes, sizes, tensors(3), selected.map(lambda d: T(*d)) | sources, dim, numbers)
def test_select_scatter(op, env, other, x, src, d, index):
    agree(op, x, src, d, index, env=env, other=other, layout=True)


@covers(*spellings("slice_scatter"))
@pytest.mark.parametrize("op", spellings("slice_scatter"))
@few
@given(sizes, sizes, tensors(3), st.booleans(), sources, dim, slices)
def test_slice_scatter(op, env, other, x, whole, src, d, cut):
    source = T(*x.dims) if whole else src
    arguments = (d, cut.start, cut.stop, 1 if cut.step is None else cut.step)
    agree(op, x, source, *arguments, env=env, other=other, layout=True)
    agree(op, x, source, d, env=env, other=other)


@covers(*spellings("diagonal_scatter"))
@pytest.mark.parametrize("op", spellings("diagonal_scatter"))
@few
@given(sizes, sizes, tensors(3), sources, st.sampled_from([0, 0, 1, -1, 3]), dim, dim)
def test_diagonal_scatter(op, env, other, x, src, offset, d0, d1):
    agree(op, x, src, offset, d0, d1, env=env, other=other, layout=True)
    agree(op, x, src, env=env, other=other)
