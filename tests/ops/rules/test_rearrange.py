"""Copies in another order or several times, against the real operators."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import archlint.ops.rules.rearrange  # noqa: F401
from archlint.symbolic import symbol
from tests.ops.oracle import S, T, agree, covers
from tests.ops.rules.test_view import dim, few, sizes, tensors

A, B, C, D = map(symbol, "abcd")
Tensor = torch.Tensor
some = settings(max_examples=50, deadline=None)


@covers(Tensor.contiguous, torch.clone, Tensor.clone)
@few
@given(
    env=sizes,
    other=sizes,
    x=tensors(),
    form=st.sampled_from([torch.contiguous_format, torch.channels_last, torch.channels_last_3d]),
)
def test_contiguous_and_clone(env, other, x, form):
    agree(Tensor.contiguous, x, env=env, other=other, layout=True)
    for op in (torch.clone, Tensor.clone):
        agree(op, x, env=env, other=other, layout=True)
    for op in (torch.clone, Tensor.clone, Tensor.contiguous):
        lacks = {"layout": form is torch.contiguous_format, "may_lack_rule": True}
        agree(op, x, memory_format=form, env=env, other=other, **lacks)


class Forgetful(dict):
    """A memo for copies of several tensors, none of which is another's."""

    def __setitem__(self, key, value):
        pass


@covers(Tensor.__deepcopy__)
@few
@given(env=sizes, other=sizes, x=tensors())
def test_deepcopy(env, other, x):
    agree(Tensor.__deepcopy__, x, Forgetful(), env=env, other=other, layout=True)


@covers(torch.flip, Tensor.flip, torch.fliplr, Tensor.fliplr, torch.flipud, Tensor.flipud)
@pytest.mark.parametrize("family", [torch, Tensor])
@few
@given(env=sizes, other=sizes, x=tensors(), dims=st.lists(dim, max_size=3))
def test_flip(family, env, other, x, dims):
    agree(family.flip, x, tuple(dims), env=env, other=other, layout=True)
    agree(family.flip, x, dims=dims, env=env, other=other)
    agree(family.fliplr, x, env=env, other=other, layout=True)
    agree(family.flipud, x, env=env, other=other, layout=True)
    if dims and family is Tensor:
        agree(Tensor.flip, x, *dims, env=env, other=other)


@covers(torch.rot90, Tensor.rot90)
@pytest.mark.parametrize("op", [torch.rot90, Tensor.rot90])
@few
@given(env=sizes, other=sizes, x=tensors(), k=dim, dims=st.lists(dim, min_size=1, max_size=3))
def test_rot90(op, env, other, x, k, dims):
    agree(op, x, k, dims, env=env, other=other, layout=True)
    agree(op, x, env=env, other=other, layout=True)


@covers(torch.roll, Tensor.roll)
@pytest.mark.parametrize("op", [torch.roll, Tensor.roll])
@few
@given(
    env=sizes,
    other=sizes,
    x=tensors(),
    shifts=dim | st.lists(dim, max_size=2) | st.just((S("a"), S(-B))),
    dims=dim | st.lists(dim, max_size=2),
)
def test_roll(op, env, other, x, shifts, dims):
    agree(op, x, shifts, dims, env=env, other=other, layout=True)
    agree(op, x, shifts, env=env, other=other, layout=True)


times = st.lists(st.sampled_from([-1, 0, 1, 2, S("a"), S("d"), S(A - B)]), max_size=4).map(tuple)


@covers(Tensor.repeat, Tensor.tile, torch.tile)
@few
@given(env=sizes, other=sizes, x=tensors(3), repeats=times)
def test_repeat_and_tile(env, other, x, repeats):
    agree(torch.tile, x, repeats, env=env, other=other, layout=True)
    agree(torch.tile, x, dims=repeats, env=env, other=other)
    for op in (Tensor.repeat, Tensor.tile):
        agree(op, x, repeats, env=env, other=other, layout=True)
        if repeats:
            agree(op, x, *repeats, env=env, other=other, layout=True)


@covers(torch.repeat_interleave, Tensor.repeat_interleave)
@pytest.mark.parametrize("op", [torch.repeat_interleave, Tensor.repeat_interleave])
@few
@given(
    env=sizes,
    other=sizes,
    x=tensors(),
    repeats=st.sampled_from([-1, 0, 1, 3, S("a"), S(A - B)]),
    d=dim | st.none(),
)
def test_repeat_interleave(op, env, other, x, repeats, d):
    agree(op, x, repeats, d, env=env, other=other, layout=True)
    agree(op, x, repeats, dim=d, env=env, other=other)
    for count in (A * 3, B):
        agree(op, x, repeats, dim=d, output_size=S(count), env=env, other=other)


@pytest.mark.parametrize("op", [torch.repeat_interleave, Tensor.repeat_interleave])
@few
@given(
    env=sizes,
    other=sizes,
    x=tensors(),
    d=dim | st.none(),
    dims=st.sampled_from([("a",), ("b",), (), (1,), ("a", "b"), (A * B,)]),
    number=st.sampled_from([0, 1, 3, -1]),
    dtype=st.sampled_from([torch.int64, torch.int64, torch.int32, torch.float32]),
)
def test_repeat_interleave_by_a_tensor(op, env, other, x, d, dims, number, dtype):
    values = (number, number)
    repeats = T(*dims, dtype=dtype, fill=number, values=values)
    agree(op, x, repeats, d, env=env, other=other)
