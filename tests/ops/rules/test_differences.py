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
@given(sizes, sizes, shapes, dims, spacings, st.sampled_from([1, 1, 2, 3]), st.booleans())
def test_gradient(env, other, x, dim, spacing, order, cut):
    kwargs = {} if dim is None else {"dim": dim}
    lacks = isinstance(spacing, list) and isinstance(spacing[0], T)
    kwargs.update(spacing=spacing, edge_order=order)
    tensor = T(*x, part=2 if cut and x else 1)
    lacks = lacks or cut  # of some sizes, such as 1, the layout has no rule
    agree(torch.gradient, tensor, env=env, other=other, may_lack_rule=lacks, **kwargs)


def test_gradient_of_a_part():
    sizes = {"env": {"a": 4, "b": 5}, "other": {"a": 7, "b": 3}}
    agree(torch.gradient, T("a", "b", part=2), **sizes, dim=0, edge_order=2)
