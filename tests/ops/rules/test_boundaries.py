"""``searchsorted`` and ``bucketize`` against the real operators."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import archlint
from archlint.ops.aliases import spellings
from tests.ops.oracle import T, agree, covers
from tests.ops.rules.test_view import few, sizes

shapes = st.sampled_from([("a",), ("a", "b"), ("b", "a"), (2, "a", "b"), (3,), (), ("a", "a")])
orders = st.sampled_from([False, True])


def drawn(dims, dtype, turned=False):
    return T(*dims, dtype=dtype, perm=tuple(range(len(dims)))[::-1] if turned else None)


@pytest.mark.filterwarnings("ignore:torch.searchsorted")  # of its speed
@covers(*spellings("searchsorted", "bucketize"))
@few
@given(sizes, sizes, shapes, shapes, orders, st.sampled_from([torch.float32, torch.int64]), orders)
def test_between_boundaries(env, other, boundaries, values, turned, dtype, flag):
    at = {"env": env, "other": other, "layout": True, "may_lack_rule": dtype is torch.int64}
    least, x = drawn(boundaries, torch.float32), drawn(values, dtype, turned)
    agree(torch.searchsorted, least, x, right=flag, out_int32=flag, **at)
    agree(torch.bucketize, x, least, right=flag, **at)


def test_a_bucket_is_a_row_of_a_table_with_one_row_more():
    class Pitch(nn.Module):
        def __init__(self, rows):
            super().__init__()
            self.register_buffer("bins", torch.linspace(0, 1, 7))
            self.table = nn.Embedding(rows, 4)

        def forward(self, x):
            return self.table(torch.bucketize(x, self.bins))

    found = archlint.infer(Pitch(8), "N T")
    assert (found.text, found.exact, found.output(N=2, T=3)) == ("any size", True, (2, 3, 4))
    assert not archlint.infer(Pitch(7), "N T").exact
