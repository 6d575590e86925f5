"""Tensors put together, against the real operators."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import archlint.ops.rules.concat  # noqa: F401
from archlint.symbolic import symbol
from tests.ops.oracle import T, agree, covers
from tests.ops.rules.test_view import dim, few, sizes

A, B, C, D = map(symbol, "abcd")
DTYPES = [torch.float32, torch.float32, torch.int64, torch.float16, torch.bool]


@st.composite
def alike(draw):
    """Tensors that often fit together."""
    shape = draw(st.sampled_from([("a", "b"), ("a", "b", "c"), ("a",), (), ("a", "b", "c", "d")]))
    tensors = []
    for _ in range(draw(st.integers(0, 3))):
        dims = list(shape)
        if draw(st.booleans()) and dims:
            dims[draw(st.integers(0, len(dims) - 1))] = draw(st.sampled_from(["a", "d", A + 1, 3]))
        if draw(st.integers(0, 5)) == 0:
            dims = draw(st.sampled_from([("d",), (0,), (), (1, "b")]))
        order = (0, 2, 3, 1) if len(dims) == 4 else tuple(range(len(dims)))[::-1]
        perm = draw(st.sampled_from([None, order]))
        tensors.append(T(*dims, perm=perm, dtype=draw(st.sampled_from(DTYPES))))
    return tensors


@covers(torch.cat, torch.concat, torch.concatenate)
@pytest.mark.parametrize("op", [torch.cat, torch.concat, torch.concatenate])
@few
@given(env=sizes, other=sizes, xs=alike(), d=dim)
def test_cat(op, env, other, xs, d):
    agree(op, xs, d, env=env, other=other, layout=True)
    agree(op, tuple(xs), dim=d, env=env, other=other)


@few
@given(order=st.sampled_from([(0, 3, 1, 2), (0, 2, 1, 3), None]), env=sizes, other=sizes)
def test_cat_keeps_channels_last(order, env, other):
    xs = [T("a", 3, "c", "d", perm=order), T("a", 5, "c", "d", perm=order)]
    agree(torch.cat, xs, 1, env=env, other=other, layout=True)


STACKS = [torch.stack, torch.hstack, torch.vstack, torch.row_stack, torch.dstack]


@covers(*STACKS, torch.column_stack)
@pytest.mark.parametrize("op", [*STACKS, torch.column_stack])
@few
@given(env=sizes, other=sizes, xs=alike(), d=dim)
def test_stacks(op, env, other, xs, d):
    agree(op, xs, env=env, other=other, layout=True)
    if op is torch.stack:
        agree(op, xs, d, env=env, other=other, layout=True)
        agree(op, tuple(xs), dim=d, env=env, other=other)


@covers(torch.broadcast_tensors)
@few
@given(
    env=sizes,
    other=sizes,
    shapes=st.lists(
        st.sampled_from([(), (1,), ("a",), ("b", "a"), (1, "a"), ("c", 1), ("d", "b", 1)]),
        min_size=1,
        max_size=3,
    ),
)
def test_broadcast_tensors(env, other, shapes):
    agree(torch.broadcast_tensors, *(T(*s) for s in shapes), env=env, other=other, layout=True)


@covers(torch.meshgrid)
@pytest.mark.filterwarnings("ignore")
@few
@given(
    env=sizes,
    other=sizes,
    xs=st.lists(st.sampled_from([T("a"), T("b"), T(), T(1), T("a", "b"), T("c")]), max_size=3),
    indexing=st.sampled_from([None, "ij", "xy", "no"]),
)
def test_meshgrid(env, other, xs, indexing):
    how = {"indexing": indexing} if indexing else {}
    agree(torch.meshgrid, *xs, **how, env=env, other=other, layout=True)
    agree(torch.meshgrid, xs, **how, env=env, other=other)


def test_ranges_are_joined():
    ids = [T("a", dtype=torch.int64, values=(0, A - 1), fill=_count), T(1, dtype=torch.int64)]
    ids[1].values = (0, 0)
    agree(torch.cat, ids, env={"a": 3}, other={"a": 8})


def _count(shape):
    return torch.arange(shape[0])


@pytest.mark.parametrize("hint", [0, 1])
def test_without_elements_no_dimension_is_wrong(hint):
    agree(torch.cat, [T("a"), T(0)], 7, env={"a": hint}, other={"a": 1 - hint})


@pytest.mark.parametrize("op", [torch.vstack, torch.cat])
def test_tensors_of_several_dimensions_do_not_go_together(op):
    agree(op, [T("a", "b"), T("a", "b", "c")], env={"a": 2, "b": 3, "c": 4})
    agree(op, [T("a", "b", "c"), T("a", "b")], env={"a": 2, "b": 3, "c": 4})
