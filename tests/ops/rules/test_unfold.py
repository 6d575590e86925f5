"""unfold and fold against the real operators."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

import archlint.ops.rules.unfold  # noqa: F401
from archlint.symbolic import symbol
from tests.ops.oracle import S, T, agree, covers

nn = torch._C._nn
sizes = st.fixed_dictionaries({n: st.integers(0, 9) for n in "nchw"})
H, W = symbol("h"), symbol("w")


def pair(values):
    return st.one_of(values, st.tuples(values, values))


def mostly(usual, *others):
    """One of ``usual``, now and then one of ``others``."""
    return st.sampled_from([*usual * (5 * len(others) // len(usual) + 1), *others])


kernels = pair(mostly([1, 2, 3], 0))
dilations = pair(mostly([1, 2], 0))
paddings = pair(mostly([0, 1, 2], -1))
strides = pair(mostly([1, 2, 3], 0))


def both(value):
    return value if isinstance(value, tuple) else (value, value)


@covers(F.unfold, nn.im2col)
@settings(max_examples=200, deadline=None)
@given(
    env=sizes, other=sizes, kernel=kernels, dilation=dilations, padding=paddings, stride=strides,
    shape=st.sampled_from([("n", "c", "h", "w"), ("c", "h", "w"), ("h", "w")]),
)  # fmt: skip
def test_unfold(env, other, shape, kernel, dilation, padding, stride):
    settings_ = (kernel, dilation, padding, stride)
    agree(F.unfold, T(*shape), *settings_, env=env, other=other, layout=True)
    agree(nn.im2col, T(*shape), *map(both, settings_), env=env, other=other, layout=True)


OUTPUTS = st.sampled_from([(3, 4), 3, (S("h"), S("w")), (S(H * 2), 2), (0, 2)])


@covers(F.fold, nn.col2im)
@settings(max_examples=300, deadline=None)
@given(
    env=sizes, other=sizes, kernel=kernels, dilation=dilations, padding=paddings, stride=strides,
    output=OUTPUTS,
    shape=st.sampled_from(
        [("n", 12, 6), ("n", "c", "h"), (12, 6), ("n", 36, (H - 1) * (W - 1)), (1, "n", 12, 6)]
    ),
)  # fmt: skip
def test_fold(env, other, output, shape, kernel, dilation, padding, stride):
    if shape[-1].__class__ is not int and not isinstance(shape[-1], str):
        env, other = ({k: max(v, 1) for k, v in e.items()} for e in (env, other))
    settings_ = (kernel, dilation, padding, stride)
    agree(F.fold, T(*shape), output, *settings_, env=env, other=other, layout=True)
    agree(nn.col2im, T(*shape), *map(both, (output, *settings_)), env=env, other=other)


@pytest.mark.parametrize("op", [F.fold, nn.col2im])
@settings(max_examples=60, deadline=None)
@given(
    env=sizes, other=sizes, kernel=st.tuples(*[st.integers(1, 3)] * 2),
    padding=st.tuples(*[st.integers(0, 2)] * 2), stride=st.tuples(*[st.integers(1, 3)] * 2),
)  # fmt: skip
def test_fold_what_was_unfolded(op, env, other, kernel, padding, stride):
    rows, columns = (
        (side + 2 * p - k) // s + 1
        for side, k, p, s in zip((H, W), kernel, padding, stride, strict=True)
    )
    x = T("n", symbol("c") * (kernel[0] * kernel[1]), rows * columns)
    if min(e[side] + 2 * p - k for e in (env, other) for side, k, p in
           zip("hw", kernel, padding, strict=True)) < 0:  # fmt: skip
        return
    size = (S("h"), S("w"))
    agree(op, x, size, kernel, (1, 1), padding, stride, env=env, other=other, layout=True)


@pytest.mark.parametrize("dtype", [torch.bool, torch.float64, torch.int64])
def test_dtype(dtype):
    agree(F.unfold, T(2, 3, 4, 5, dtype=dtype), 2, env={}, may_lack_rule=True)
    agree(F.fold, T(2, 12, 6, dtype=dtype), (3, 4), 2, env={}, may_lack_rule=True)


@covers(torch.Tensor.unfold)
@settings(max_examples=200, deadline=None)
@given(
    env=sizes, other=sizes, dimension=st.integers(-4, 3),
    shape=st.sampled_from([("h",), ("n", "h"), ("n", "h", "w"), ()]),
    size=st.sampled_from([0, 1, 2, 3, -1, S("c"), S(H // 2)]),
    step=st.sampled_from([1, 2, 5, 0, S("n")]), strided=st.booleans(),
)  # fmt: skip
def test_unfold_dimension(env, other, shape, dimension, size, step, strided):
    perm = (2, 0, 1) if strided and len(shape) == 3 else None
    x = T(*shape, perm=perm)
    agree(torch.Tensor.unfold, x, dimension, size, step, env=env, other=other, layout=True)
