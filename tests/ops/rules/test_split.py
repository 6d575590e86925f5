"""Tensors cut into pieces, against the real operators."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import archlint.ops.rules.split  # noqa: F401
from archlint.ops.registry import RULES, NoRule, TensorSpec
from archlint.symbolic import symbol
from archlint.symbolic.intervals import Box
from tests.ops.oracle import HintPath, S, agree, covers
from tests.ops.rules.test_view import dim, few, sizes, tensors

A, B, C, D = map(symbol, "abcd")
Tensor = torch.Tensor

lengths = st.integers(-1, 4) | st.sampled_from([S("a"), S("d"), S(A - B)])
sections = st.lists(lengths, max_size=3) | st.just([S(A - 1), 1]) | st.just((S(B), S(A - B)))


@covers(torch.split, Tensor.split)
@pytest.mark.parametrize("op", [torch.split, Tensor.split])
@few
@given(env=sizes, other=sizes, x=tensors(3), how=lengths | sections, d=dim)
def test_split(op, env, other, x, how, d):
    agree(op, x, how, d, env=env, other=other, layout=True)
    agree(op, x, how, env=env, other=other)


@covers(torch.split_with_sizes, Tensor.split_with_sizes)
@pytest.mark.parametrize("op", [torch.split_with_sizes, Tensor.split_with_sizes])
@few
@given(env=sizes, other=sizes, x=tensors(3), how=sections, d=dim)
def test_split_with_sizes(op, env, other, x, how, d):
    agree(op, x, how, d, env=env, other=other, layout=True)
    agree(op, x, split_sizes=how, dim=d, env=env, other=other)


@covers(torch.chunk, Tensor.chunk)
@pytest.mark.parametrize("op", [torch.chunk, Tensor.chunk])
@few
@given(env=sizes, other=sizes, x=tensors(3), how=st.integers(-1, 7) | st.just(S("d")), d=dim)
def test_chunk(op, env, other, x, how, d):
    agree(op, x, how, d, env=env, other=other, layout=True)
    agree(op, x, chunks=how, env=env, other=other)


bounds = st.lists(st.integers(-4, 5) | st.sampled_from([S("a"), S(B - A)]), max_size=3).map(tuple)


@covers(torch.tensor_split, Tensor.tensor_split)
@pytest.mark.parametrize("op", [torch.tensor_split, Tensor.tensor_split])
@few
@given(env=sizes, other=sizes, x=tensors(3), how=st.integers(-1, 5) | bounds, d=dim)
def test_tensor_split(op, env, other, x, how, d):
    agree(op, x, how, d, env=env, other=other, layout=True)
    name = "sections" if isinstance(how, int) else "indices"
    agree(op, x, **{name: how}, env=env, other=other)


ALONG = [torch.hsplit, torch.vsplit, torch.dsplit, Tensor.hsplit, Tensor.vsplit, Tensor.dsplit]


@covers(*ALONG)
@pytest.mark.parametrize("op", ALONG)
@few
@given(env=sizes, other=sizes, x=tensors(), how=st.integers(-1, 4) | bounds)
def test_hsplit_vsplit_dsplit(op, env, other, x, how):
    agree(op, x, how, env=env, other=other, layout=True)


@covers(torch.unbind, Tensor.unbind)
@pytest.mark.parametrize("op", [torch.unbind, Tensor.unbind])
@few
@given(env=sizes, other=sizes, x=tensors(), d=dim)
def test_unbind(op, env, other, x, d):
    agree(op, x, d, env=env, other=other, layout=True)
    agree(op, x, env=env, other=other)


@covers(Tensor.__len__, Tensor.__iter__)
@few
@given(env=sizes, other=sizes, x=tensors())
def test_len_and_iter(env, other, x):
    agree(Tensor.__len__, x, env=env, other=other)
    rule = RULES[Tensor.__iter__]
    RULES[_listed] = lambda path, spec: list(rule(path, spec))
    try:
        agree(_listed, x, env=env, other=other, layout=True)
    finally:
        del RULES[_listed]


def _listed(x):
    return list(x)


def test_too_many_pieces_are_left_to_the_kernel():
    with pytest.raises(NoRule):
        RULES[Tensor.__len__](HintPath({"a": 100}), TensorSpec((A,)))


def test_a_chunk_that_divides_by_its_form_does_not_branch():
    path = HintPath({"a": 4}, Box({"a": (1, None)}))
    halves = RULES[torch.chunk](path, TensorSpec((2 * A, 3)), 2)
    assert [h.dims for h in halves] == [(A, 3), (A, 3)]
    assert all(formula is True for _, formula, _ in path.events)
