"""Strides that depend on sizes are deferred until an operator needs them."""

from __future__ import annotations

import torch

from archlint.ops.registry import TensorSpec
from archlint.ops.rules.binary import pointwise
from archlint.ops.rules.reshape import view
from archlint.ops.shapes.sliding_window import followed_layout
from archlint.ops.shapes.strides import DeferredStrides, channels_last_strides, settled_strides
from archlint.symbolic import symbol
from archlint.symbolic.intervals import Box
from archlint.tracing.path import TracedPath

H = symbol("H")


def added(height):
    """A channels-last 2 3 H 5 plus a contiguous 2 3 1 5, on the path of a height."""
    path = TracedPath({"H": height}, Box({"H": (1, None)}))
    dims = (2, 3, H, 5)
    last = TensorSpec(dims, strides=channels_last_strides(dims))
    flat = TensorSpec((2, 3, 1, 5))
    return path, pointwise(path, torch.float32, (None, None), flat, last)


def test_a_sum_does_not_branch():
    path, result = added(7)
    assert isinstance(result.strides, DeferredStrides)
    followed_layout(path, result, (2, 8, H, 5))
    assert not path.events


def test_needed_strides_branch_once():
    for height in (1, 7):
        path, result = added(height)
        real = torch.empty(2, 3, 1, 5) + torch.empty(2, 3, height, 5).to(
            memory_format=torch.channels_last
        )
        strides = settled_strides(path, result)
        ours = real.stride() if strides is None else [_number(s, height) for s in strides]
        assert all(
            n == 1 or a == b for n, a, b in zip(real.shape, ours, real.stride(), strict=True)
        )
        assert path.events
        assert all(e.kind == "branch" for e in path.events)
        count = len(path.events)
        settled_strides(path, result)
        assert len(path.events) == count


def test_a_view_settles():
    path, result = added(1)
    assert view(path, result, 2, -1).dims == (2, 15 * H)
    assert path.events


def test_long_chains_settle_in_between():
    path, result = added(7)
    other = added(7)[1]
    for _ in range(200):
        result = pointwise(path, torch.float32, (None, None), result, other)
    settled_strides(path, result)


def _number(size, height):
    return size if isinstance(size, int) else size.evaluate({"H": height})
