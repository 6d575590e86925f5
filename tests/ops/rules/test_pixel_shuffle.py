"""pixel_shuffle, pixel_unshuffle and channel_shuffle against the real operators."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import archlint.ops.rules.pixel_shuffle  # noqa: F401
from tests.ops.oracle import T, agree, covers

sizes = st.fixed_dictionaries({n: st.integers(0, 9) for n in "nchw"})
ranks = st.sampled_from(
    [("n", "c", "h", "w"), ("c", "h", "w"), (2, "n", "c", "h", "w"), ("h", "w")]
)


@covers(torch.pixel_shuffle)
@given(env=sizes, other=sizes, shape=ranks, factor=st.integers(-1, 4))
def test_pixel_shuffle(env, other, shape, factor):
    agree(torch.pixel_shuffle, T(*shape), factor, env=env, other=other, layout=True)


@covers(torch.pixel_unshuffle)
@given(env=sizes, other=sizes, shape=ranks, factor=st.integers(-1, 4))
def test_pixel_unshuffle(env, other, shape, factor):
    agree(torch.pixel_unshuffle, T(*shape), factor, env=env, other=other, layout=True)


@covers(torch.channel_shuffle)
@given(env=sizes, other=sizes, shape=ranks, groups=st.integers(-1, 4))
def test_channel_shuffle(env, other, shape, groups):
    agree(torch.channel_shuffle, T(*shape), groups, env=env, other=other, layout=True)


@pytest.mark.parametrize("op", [torch.pixel_shuffle, torch.pixel_unshuffle, torch.channel_shuffle])
@pytest.mark.parametrize("perm", [(0, 3, 1, 2), (0, 3, 2, 1), (1, 0, 2, 3), (0, 2, 1, 3)])
def test_layout(op, perm):
    x = T(2, 8, "h", "w", perm=perm)
    agree(op, x, 2, env={"h": 4, "w": 6}, layout=True, may_lack_rule=perm == (0, 3, 2, 1))
