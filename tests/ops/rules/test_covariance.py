"""cov and corrcoef against the real operators."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from archlint.ops.aliases import spellings
from tests.ops.oracle import T, agree, covers
from tests.ops.rules.test_view import few, sizes

shapes = st.sampled_from([("a", "b"), ("a",), (), (1, "b"), (0, "b"), ("a", "b", 2)])


@covers(*spellings("cov", "corrcoef"))
@pytest.mark.parametrize("op", spellings("cov", "corrcoef"))
@pytest.mark.filterwarnings("ignore:.*degrees of freedom")
@few
@given(env=sizes, other=sizes, x=shapes, dtype=st.sampled_from([torch.float32, torch.float64]))
def test_cov(op, env, other, x, dtype):
    agree(op, T(*x, dtype=dtype), env=env, other=other)
