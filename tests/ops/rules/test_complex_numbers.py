"""Complex tensors from their parts, against the real operators."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from archlint.ops.aliases import spellings
from archlint.symbolic import symbol
from tests.ops.oracle import T, agree, covers
from tests.ops.rules.test_view import few, sizes

A = symbol("a")
reals = st.sampled_from([torch.float32, torch.float32, torch.float64, torch.int64])
shapes = st.sampled_from([("a", "b"), ("b",), ("a", 1), (), ("a", "b", 2)])
pairs = st.sampled_from(
    [
        *(T("a", "b", 2), T(2), T("a"), T(), T("b", A + 1), T("a", 2, dtype=torch.float64)),
        *(T("a", "b", 2, perm=(1, 0, 2)), T("a", 2, perm=(1, 0)), T("a", "b", 2, part=3)),
        *(T("a", "b", 2, part=2), T("a", 2, "b", 2, perm=(0, 2, 1, 3)), T(3, "a", 2, part=5)),
        T("a", 2, dtype=torch.int32),
    ]
)


@covers(*spellings("complex", "polar"))
@few
@given(st.sampled_from([torch.complex, torch.polar]), sizes, sizes, shapes, shapes, reals)
def test_of_parts(op, env, other, x, y, dtype):
    turned = T(*y, dtype=dtype, perm=tuple(range(len(y)))[::-1])
    agree(op, T(*x), turned, env=env, other=other, layout=True, may_lack_rule=True)


@covers(*spellings("view_as_complex"))
@few
@given(sizes, sizes, pairs)
def test_view_as_complex(env, other, x):
    agree(torch.view_as_complex, x, env=env, other=other, layout=True, may_lack_rule=True)
