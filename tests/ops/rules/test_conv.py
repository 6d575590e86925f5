"""Convolutions and transposed convolutions against the real operators."""

from __future__ import annotations

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from archlint.ops.registry import TensorSpec
from archlint.ops.rules.conv import conv_transpose
from archlint.symbolic import symbol
from tests.ops.oracle import HintPath, S, T, agree, covers

pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same'")

sizes = st.fixed_dictionaries(
    {"n": st.sampled_from([1, 2, 2, 0]), "c": st.sampled_from([4] * 9 + [3, 1, 0])}
    | {k: st.one_of(st.integers(0, 9), st.integers(2, 20)) for k in "dhw"}
)
SPACE = {1: ("w",), 2: ("h", "w"), 3: ("d", "h", "w")}
CONV = {1: torch.conv1d, 2: torch.conv2d, 3: torch.conv3d}


def per_dim(values, n):
    return st.one_of(values, st.tuples(*[values] * n), st.tuples(values).map(list))


def mostly(usual, *others):
    """One of ``usual``, now and then one of ``others``."""
    return st.sampled_from([*usual * (5 * len(others) // len(usual) + 1), *others])


@st.composite
def settings_of(draw, n):
    groups = draw(mostly([1, 2, 4], 3))
    out = draw(mostly([8, 4], 3))
    return {
        "kernel": draw(st.tuples(*[st.integers(1, 4)] * n)),
        "out": out,
        "bias": draw(mostly([None, out], 5)),
        "per_group": draw(mostly([4 // groups], 3)),
        "groups": groups,
        "batched": draw(mostly([True], False)),
        "stride": draw(per_dim(mostly([1, 2, 3], 0), n)),
        "dilation": draw(per_dim(st.integers(1, 3), n)),
    }


def tensors(n, s, weight):
    dims = ("n", "c", *SPACE[n])[0 if s["batched"] else 1 :]
    bias = None if s["bias"] is None else T(s["bias"])
    return T(*dims), T(*weight, *s["kernel"]), bias


@covers(*CONV.values())
@pytest.mark.parametrize("n", [1, 2, 3])
@settings(max_examples=150, deadline=None)
@given(data=st.data(), env=sizes, other=sizes)
def test_conv(n, data, env, other):
    s = data.draw(settings_of(n))
    padding = data.draw(
        st.one_of(per_dim(mostly([0, 1, 2, 3], -1), n), st.sampled_from(["same", "valid"]))
    )
    args = tensors(n, s, (s["out"], s["per_group"]))
    agree(
        CONV[n], *args, s["stride"], padding, s["dilation"], s["groups"], env=env, other=other,
        layout=True,
    )  # fmt: skip


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("perm", [None, (0, 3, 1, 2), (0, 3, 2, 1)])
@pytest.mark.parametrize("weight_perm", [None, (0, 3, 1, 2)])
def test_layout_2d(dtype, perm, weight_perm):
    env = {"n": 2, "c": 4, "h": 7, "w": 5}
    x = T("n", "c", "h", "w", perm=perm, dtype=dtype)
    weight = T(4, 4, 3, 3, perm=weight_perm, dtype=dtype)
    agree(torch.conv2d, x, weight, env=env, layout=True)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_layout_3d(dtype):
    env = {"n": 2, "c": 4, "d": 5, "h": 7, "w": 5}
    x = T("n", "c", "d", "h", "w", perm=(0, 4, 1, 2, 3), dtype=dtype)
    agree(torch.conv3d, x, T(4, 4, 3, 3, 3, dtype=dtype), env=env, layout=True)


def test_layout_1d():
    env = {"n": 2, "c": 4, "w": 5}
    agree(torch.conv1d, T("n", "c", "w", perm=(0, 2, 1)), T(4, 4, 3), env=env, layout=True)


@pytest.mark.parametrize("shape", [(4,), (4, 5), (1, 1, 4, 5, 5)])
def test_wrong_rank(shape):
    agree(torch.conv2d, T(*shape), T(4, 4, 3, 3), env={})
    agree(torch.conv2d, T(1, 4, 5, 5), T(*shape), env={})


def test_no_input_channels():
    agree(torch.conv2d, T("n", 0, "h", 5), T(6, 0, 3, 3), env={"n": 2, "h": 8}, layout=True)


def test_weights_made_from_the_batch():
    """Dynamic convolutions: one group for each image, weights of N*out channels."""
    n = symbol("n")
    agree(
        torch.conv2d, T(1, n * 4, "h", "w"), T(n * 8, 4, 3, 3), groups=S(n),
        env={"n": 2, "h": 5, "w": 5}, other={"n": 3, "h": 2, "w": 5},
    )  # fmt: skip


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
def test_transposed_layout_2d(dtype, perm, weight_perm):
    env = {"n": 2, "c": 4, "h": 7, "w": 5}
    x = T("n", "c", "h", "w", perm=perm, dtype=dtype)
    weight = T(4, 4, 3, 3, perm=weight_perm, dtype=dtype)
    lacks = perm == (0, 3, 2, 1)
    agree(torch.conv_transpose2d, x, weight, env=env, layout=True, may_lack_rule=lacks)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_transposed_layout_3d(dtype):
    env = {"n": 2, "c": 4, "d": 5, "h": 7, "w": 5}
    x = T("n", "c", "d", "h", "w", perm=(0, 4, 1, 2, 3), dtype=dtype)
    agree(torch.conv_transpose3d, x, T(4, 4, 3, 3, 3, dtype=dtype), env=env, layout=True)


def test_an_empty_transposed_result_is_not_proved():
    path = HintPath({})
    x, weight = TensorSpec((2, 4, 1)), TensorSpec((4, 4, 1))
    conv_transpose(path, 1, x, weight, None, 2, 0, 0, 1, 1)
    assert not path.caveats
    weight = TensorSpec((4, 4, 2))
    conv_transpose(path, 1, x, weight, None, 2, 1, 0, 1, 1)
    assert path.caveats
