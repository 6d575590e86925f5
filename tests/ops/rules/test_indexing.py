"""Subscripts against the real ones."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import archlint.ops.rules.indexing  # noqa: F401
from archlint.ops.registry import IN_RANGE, RULES, TensorSpec
from archlint.symbolic import symbol
from archlint.symbolic.intervals import Box
from tests.ops.oracle import HintPath, S, T, agree, covers
from tests.ops.rules.test_view import few, sizes, tensors

A, B, C, D = map(symbol, "abcd")
Tensor = torch.Tensor
many = settings(max_examples=200, deadline=None)

bounds = st.none() | st.integers(-5, 5) | st.sampled_from([S("d"), S(A - B), S(-B), 2**63 - 1])
slices = st.builds(slice, bounds, bounds, st.sampled_from([None, None, 1, 2, 3, S("d"), 0]))
numbers = st.integers(-3, 3) | st.sampled_from([S("a"), S(A - 1), S(-B), S(A - C)])
basic = st.one_of(slices, slices, numbers, st.none(), st.just(...))


def ids(*dims, low=0, dtype=torch.int64):
    """An index tensor of the values low, low + 1, ... with its range."""

    def fill(shape):
        n = torch.Size(shape).numel()
        return (torch.arange(n) + low).reshape(shape).to(dtype)

    count = 1
    for d in dims:
        count = count * (symbol(d) if isinstance(d, str) else d)
    return T(*dims, dtype=dtype, fill=fill, values=(low, count - 1 + low))


index_tensors = st.builds(
    lambda dims, low, dtype: ids(*dims, low=low, dtype=dtype),
    st.sampled_from([(), (1,), (2,), ("d",), ("c", "d"), (2, 1), (0,), ("b",)]),
    st.integers(-4, 2),
    st.sampled_from([torch.int64, torch.int64, torch.int64, torch.int32, torch.int16]),
)
advanced = st.one_of(index_tensors, index_tensors, slices, numbers, st.none(), st.just(slice(None)))
lists = st.lists(st.integers(-4, 4) | st.just(S("d")), max_size=3)


@covers(Tensor.__getitem__)
@many
@given(env=sizes, other=sizes, x=tensors(), items=st.lists(basic, max_size=5).map(tuple))
def test_basic(env, other, x, items):
    lacks = sum(i is ... for i in items) > 1
    agree(Tensor.__getitem__, x, items, env=env, other=other, layout=True, may_lack_rule=lacks)
    if len(items) == 1:
        agree(Tensor.__getitem__, x, items[0], env=env, other=other)


@many
@given(env=sizes, other=sizes, x=tensors(), items=st.lists(advanced, max_size=4).map(tuple))
def test_advanced(env, other, x, items):
    agree(Tensor.__getitem__, x, items, env=env, other=other, layout=True)


@few
@given(env=sizes, other=sizes, x=tensors(), item=lists)
def test_list(env, other, x, item):
    agree(Tensor.__getitem__, x, item, env=env, other=other, layout=True)
    agree(Tensor.__getitem__, x, (slice(None), item), env=env, other=other, layout=True)


@pytest.mark.parametrize(
    "index", [True, ([True, False],), T(2, dtype=torch.bool), slice(T(), None)]
)
def test_without_a_rule(index):
    agree(Tensor.__getitem__, T("a", "b"), index, env={"a": 2, "b": 3}, may_lack_rule=True)


@covers(Tensor.__setitem__)
@many
@given(
    env=sizes,
    other=sizes,
    x=tensors(),
    items=st.lists(basic | index_tensors, max_size=3).map(tuple),
    value=tensors() | st.just(1.0) | st.just(T("b", dtype=torch.int64)),
)
def test_setitem(env, other, x, items, value):
    lacks = sum(i is ... for i in items) > 1
    agree(Tensor.__setitem__, x, items, value, env=env, other=other, may_lack_rule=lacks)


def _spec(*dims, **kwargs):
    return TensorSpec(dims, **kwargs)


def test_what_the_region_knows_keeps_sizes_linear():
    path = HintPath({"a": 5, "b": 7}, Box({"a": (2, None), "b": (0, None)}))
    getitem = RULES[Tensor.__getitem__]
    x = _spec(A, B)
    assert getitem(path, x, slice(1, None)).dims == (A - 1, B)
    assert getitem(path, x, slice(None, -1)).dims == (A - 1, B)
    assert getitem(path, x, slice(1, -1)).dims == (A - 2, B)
    assert getitem(path, x, (..., slice(None, None, 2))).dims == (A, (B + 1) // 2)
    assert getitem(path, x, slice(0, 2**63 - 1)).dims == (A, B)
    assert all(formula is True for _, formula, _ in path.events)


def test_unknown_index_values_are_said():
    path = HintPath({"a": 5})
    x = _spec(A)
    getitem = RULES[Tensor.__getitem__]
    assert getitem(path, x, _spec(3, dtype=torch.int64, values=IN_RANGE)).dims == (3,)
    assert not path.caveats
    assert getitem(path, x, _spec(3, dtype=torch.int64)).dims == (3,)
    assert path.caveats
