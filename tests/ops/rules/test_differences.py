"""torch.gradient against the real operator."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.ops.oracle import T, agree, covers
from tests.ops.rules.test_view import few, sizes

shapes = st.sampled_from([("a", "b"), ("a", 3, "b"), ("a",), (), (2, 3, 4)])
dims = st.sampled_from([None, 0, -1, 1, (0, 1), [1, 0], (0, 0), 3])
spacings = st.sampled_from([1, 0.5, [0.5], [1.0, 2.0], [T("a"), T("b")]])


@covers(torch.gradient)
@few
@given(sizes, sizes, shapes, dims, spacings, st.sampled_from([1, 1, 2, 3]))
def test_gradient(env, other, x, dim, spacing, order):
    kwargs = {} if dim is None else {"dim": dim}
    lacks = isinstance(spacing, list) and isinstance(spacing[0], T)
    kwargs.update(spacing=spacing, edge_order=order)
    agree(torch.gradient, T(*x), env=env, other=other, may_lack_rule=lacks, **kwargs)
