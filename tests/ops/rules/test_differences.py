"""torch.gradient against the real operator."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ops.oracle import T, agree, covers
from tests.ops.rules.test_view import sizes

shapes = st.sampled_from(
    [
        *(T("a", "b"), T("a", 3, "b"), T("a"), T(), T(2, 3, 4), T("a", "b", part=2)),
        *(T("a", "b", 3, "c", perm=(0, 3, 1, 2)), T("c", "a", 2, "b", perm=(0, 1, 3, 2))),
        T("a", "b", perm=(1, 0)),
    ]
)
dims = st.sampled_from([None, 0, -1, 1, (0, 1), [1, 0], (0, 0), 3])
spacings = st.sampled_from([1, 0.5, [0.5], [1.0, 2.0], [T("a"), T("b")], [T("a")], [T("a", "b")]])


@covers(torch.gradient)
@settings(max_examples=100, deadline=None)
@given(sizes, sizes, shapes, dims, spacings, st.sampled_from([1, 1, 2, 3]))
def test_gradient(env, other, x, dim, spacing, order):
    kwargs = {} if dim is None else {"dim": dim}
    kwargs.update(spacing=spacing, edge_order=order)
    agree(torch.gradient, x, env=env, other=other, layout=True, **kwargs)
