"""Masks and triangles, against the real operators."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import archlint.ops.rules.masking  # noqa: F401
from archlint.ops.aliases import spellings
from archlint.symbolic import symbol
from tests.ops.oracle import S, T, agree, covers
from tests.ops.rules.test_view import dim, few, sizes, tensors

Tensor = torch.Tensor
A = symbol("a")
SHAPES = [(), (1,), ("b",), ("a", "b"), ("a", 1), (1, "b"), ("c", "a", "b"), (2, 3)]
DTYPES = [torch.float32, torch.int64, torch.float64, torch.bool, torch.float16]


def operands(dtypes):
    return st.builds(
        lambda dims, dtype, perm: T(
            *dims, dtype=dtype, perm=tuple(range(len(dims)))[::-1] if perm else None
        ),
        st.sampled_from(SHAPES),
        st.sampled_from(dtypes),
        st.booleans(),
    )


@covers(torch.where, Tensor.where)
@few
@given(
    env=sizes,
    other=sizes,
    mask=operands([torch.bool, torch.bool, torch.float32]),
    x=operands(DTYPES) | st.sampled_from([1, 2.5, True]),
    y=operands(DTYPES) | st.sampled_from([1, 2.5, True, S(A)]),
)
def test_where(env, other, mask, x, y):
    agree(torch.where, mask, x, y, env=env, other=other, layout=True)
    if isinstance(x, T):
        agree(Tensor.where, x, mask, y, env=env, other=other, layout=True)


FILLS = spellings("masked_fill", "masked_fill_")


@covers(*FILLS)
@pytest.mark.parametrize("op", FILLS)
@few
@given(
    env=sizes,
    other=sizes,
    x=operands(DTYPES),
    mask=operands([torch.bool, torch.bool, torch.int64]),
    value=st.sampled_from([0, 1.5, float("-inf"), True, T(), T(1), S(A)]),
)
def test_masked_fill(op, env, other, x, mask, value):
    agree(op, x, mask, value, env=env, other=other, layout=True, may_lack_rule=True)


@covers(*spellings("tril", "triu"))
@pytest.mark.parametrize("op", spellings("tril", "triu"))
@few
@given(env=sizes, other=sizes, x=tensors(), k=dim | st.just(S(A)))
def test_triangle(op, env, other, x, k):
    agree(op, x, k, env=env, other=other, layout=True)
    agree(op, x, env=env, other=other)


@covers(*spellings("tril_", "triu_"))
@few
@given(env=sizes, other=sizes, x=tensors(), k=dim | st.just(S(A)))
def test_triangle_in_place(env, other, x, k):
    agree(torch.Tensor.triu_, x, k, env=env, other=other, layout=True)


@pytest.mark.parametrize("op", FILLS)
def test_what_masked_fill_returns_is_contiguous(op):
    turned = {"perm": (1, 0)}
    for mask in (T(dtype=torch.bool), T("a", "b", dtype=torch.bool, **turned)):
        agree(op, T("a", "b", **turned), mask, 0, env={"a": 2, "b": 3}, layout=True)
