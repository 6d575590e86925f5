"""pixel_shuffle and pixel_unshuffle against the real operators."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

import archlint.ops.pixel  # noqa: F401
from tests.ops.oracle import T, agree, covers

sizes = st.fixed_dictionaries({n: st.integers(0, 9) for n in "nchw"})


@covers(torch.pixel_shuffle)
@given(env=sizes, other=sizes, factor=st.integers(-1, 4))
def test_pixel_shuffle(env, other, factor):
    agree(torch.pixel_shuffle, T("n", "c", "h", "w"), factor, env=env, other=other)


@covers(torch.pixel_unshuffle)
@given(env=sizes, other=sizes, factor=st.integers(-1, 4))
def test_pixel_unshuffle(env, other, factor):
    agree(torch.pixel_unshuffle, T("n", "c", "h", "w"), factor, env=env, other=other)
