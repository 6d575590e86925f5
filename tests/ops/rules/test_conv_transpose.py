"""Transposed convolutions against the real operators."""

from __future__ import annotations

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import archlint.ops.rules.conv_transpose  # noqa: F401
from archlint.ops.registry import TensorSpec
from archlint.ops.rules.conv_transpose import conv_transpose
from tests.ops.oracle import HintPath, T, agree, covers
from tests.ops.rules.test_conv import SPACE, mostly, per_dim, settings_of, sizes, tensors

TRANSPOSED = {1: torch.conv_transpose1d, 2: torch.conv_transpose2d, 3: torch.conv_transpose3d}


def returns_nothing(n, env, s, padding, extra):
    """Whether a side of the result is 0: then PyTorch's answer depends on the kernel it picks."""

    def each(value):
        value = value if isinstance(value, (tuple, list)) else (value,)
        return value * n if len(value) == 1 else value

    return any(
        (env[side] - 1) * stride - 2 * p + d * (k - 1) + e + 1 == 0
        for side, k, stride, p, d, e in zip(
            SPACE[n], s["kernel"], *map(each, (s["stride"], padding, s["dilation"], extra)),
            strict=True,
        )
    )  # fmt: skip


@covers(*TRANSPOSED.values())
@pytest.mark.parametrize("n", [1, 2, 3])
@settings(max_examples=150, deadline=None)
@given(data=st.data(), env=sizes, other=sizes)
def test_conv_transpose(n, data, env, other):
    s = data.draw(settings_of(n))
    padding = data.draw(per_dim(mostly([0, 1, 2], -1), n))
    extra = data.draw(per_dim(mostly([0, 1, 2], -1), n))
    s["bias"] = s["bias"] and s["per_group"] * s["groups"] + s["bias"] - s["out"]
    args = tensors(n, s, (4, s["per_group"]))
    for e in (env, other):
        some = e["n"] or not s["batched"]
        assume(not (some and returns_nothing(n, e, s, padding, extra)))
    agree(
        TRANSPOSED[n], *args, stride=s["stride"], padding=padding, output_padding=extra,
        groups=s["groups"], dilation=s["dilation"], env=env, other=other, layout=True,
    )  # fmt: skip


@covers(torch.convolution)
@pytest.mark.parametrize("transposed", [False, True])
@settings(max_examples=40, deadline=None)
@given(env=sizes, other=sizes)
def test_convolution(transposed, env, other):
    agree(
        torch.convolution, T("n", "c", "h", "w"), T(4, 4, 3, 2), None, (2, 1), (1, 0), (1, 2),
        transposed, (1, 0), 1, env=env, other=other,
    )  # fmt: skip


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("perm", [None, (0, 3, 1, 2), (0, 3, 2, 1)])
@pytest.mark.parametrize("weight_perm", [None, (0, 3, 1, 2)])
def test_layout_2d(dtype, perm, weight_perm):
    env = {"n": 2, "c": 4, "h": 7, "w": 5}
    x = T("n", "c", "h", "w", perm=perm, dtype=dtype)
    weight = T(4, 4, 3, 3, perm=weight_perm, dtype=dtype)
    lacks = perm == (0, 3, 2, 1)
    agree(torch.conv_transpose2d, x, weight, env=env, layout=True, may_lack_rule=lacks)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_layout_3d(dtype):
    env = {"n": 2, "c": 4, "d": 5, "h": 7, "w": 5}
    x = T("n", "c", "d", "h", "w", perm=(0, 4, 1, 2, 3), dtype=dtype)
    agree(torch.conv_transpose3d, x, T(4, 4, 3, 3, 3, dtype=dtype), env=env, layout=True)


def test_an_empty_result_is_said_to_be_unproved():
    path = HintPath({})
    x, weight = TensorSpec((2, 4, 1)), TensorSpec((4, 4, 1))
    conv_transpose(path, 1, x, weight, None, 2, 0, 0, 1, 1)
    assert not path.caveats
    weight = TensorSpec((4, 4, 2))
    conv_transpose(path, 1, x, weight, None, 2, 1, 0, 1, 1)
    assert path.caveats
