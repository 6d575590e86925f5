"""Normalizations against the real operators."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from archlint.ops.torch_versions import RMS_NORM_IN_ORDER
from tests.ops.oracle import S, T, agree, covers

sizes = st.fixed_dictionaries(
    {"n": st.integers(0, 3), "c": st.sampled_from([4, 4, 4, 2, 1, 0])}
    | {k: st.sampled_from([0, 1, 1, 2, 3, 7]) for k in "dhw"}
)
INPUTS = st.sampled_from(
    [("n", "c"), ("n", "c", "w"), ("n", "c", "h", "w"), ("n", "c", "d", "h", "w")]
)
pytestmark = [
    pytest.mark.filterwarnings("ignore:Mean of empty slice"),
    pytest.mark.filterwarnings("ignore:Mismatch dtype"),
]


def tensors(data, names, channels):
    """One optional vector per name, now and then of the wrong length."""
    result = {}
    for name in names:
        dims = data.draw(st.sampled_from([None, channels, channels, channels, 3]))
        result[name] = None if dims is None else T(dims, fill=1)
    return result


@covers(F.batch_norm, torch.batch_norm)
@settings(max_examples=200, deadline=None)
@given(data=st.data(), env=sizes, other=sizes, shape=INPUTS, training=st.booleans())
def test_batch_norm(data, env, other, shape, training):
    t = tensors(data, ("running_mean", "running_var", "weight", "bias"), 4)
    common = {"env": env, "other": other, "layout": True, "may_lack_rule": True}
    agree(F.batch_norm, T(*shape), **t, training=training, **common)
    agree(
        torch.batch_norm, T(*shape), t["weight"], t["bias"], t["running_mean"], t["running_var"],
        training, 0.1, 1e-5, True, **common,
    )  # fmt: skip


@covers(F.group_norm, torch.group_norm)
@pytest.mark.parametrize("op", [F.group_norm, torch.group_norm])
@settings(max_examples=150, deadline=None)
@given(data=st.data(), env=sizes, other=sizes, shape=INPUTS)
def test_group_norm(op, data, env, other, shape):
    groups = data.draw(st.sampled_from([1, 2, 4, 3, 0, -1]))
    t = tensors(data, ("weight", "bias"), 4)
    agree(op, T(*shape), groups, **t, env=env, other=other, layout=True)


@covers(F.instance_norm, torch.instance_norm)
@settings(max_examples=200, deadline=None)
@given(data=st.data(), env=sizes, other=sizes, shape=INPUTS, use_input_stats=st.booleans())
def test_instance_norm(data, env, other, shape, use_input_stats):
    t = tensors(data, ("running_mean", "running_var", "weight", "bias"), 4)
    common = {"env": env, "other": other, "layout": True, "may_lack_rule": True}
    agree(F.instance_norm, T(*shape), **t, use_input_stats=use_input_stats, **common)
    agree(
        torch.instance_norm, T(*shape), t["weight"], t["bias"], t["running_mean"],
        t["running_var"], use_input_stats, 0.1, 1e-5, True, **common,
    )  # fmt: skip


def norm_calls(x):
    c = T(4, fill=1)
    return [
        (F.batch_norm, (x, c, c), {}),
        (F.batch_norm, (x, None, None, c, c), {"training": True}),
        (F.group_norm, (x, 2), {}),
        (F.instance_norm, (x,), {}),
    ]


@pytest.mark.parametrize("call", range(4))
@pytest.mark.parametrize("perm", [(0, 3, 1, 2), (0, 3, 2, 1), (1, 0, 2, 3)])
def test_layout(call, perm):
    env = {"n": 2, "h": 3}
    op, args, kwargs = norm_calls(T("n", 4, "h", 5, perm=perm))[call]
    agree(op, *args, **kwargs, env=env, layout=True, may_lack_rule=True)


@pytest.mark.parametrize("call", range(4))
@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.int64])
def test_dtype(call, dtype):
    op, args, kwargs = norm_calls(T("n", 4, "h", 5, dtype=dtype))[call]
    agree(op, *args, **kwargs, env={"n": 2, "h": 3}, may_lack_rule=True)


@pytest.mark.parametrize("shape", [(4,), ()])
def test_low_rank(shape):
    env = {}
    c = T(4, fill=1)
    agree(F.batch_norm, T(*shape), c, c, env=env, may_lack_rule=True)
    agree(F.group_norm, T(*shape), 2, env=env)
    agree(F.instance_norm, T(*shape), env=env)


FLOATS = [torch.float32, torch.float64, torch.float16, torch.bfloat16]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("other", FLOATS)
@pytest.mark.parametrize("n", [0, 2])
def test_mixed_dtypes(dtype, other, n):
    def x(*dims):
        return T(*dims, dtype=dtype)

    def w(size, kind=other):
        return T(size, dtype=kind, fill=1)

    env = {"n": n, "h": 3}
    same = (w(4), w(4), w(4), w(4))
    for parameters in (same, (w(4, dtype), w(4, dtype), w(4), w(4)), (w(4), w(4), None, None)):
        agree(F.batch_norm, x("n", 4, "h"), *parameters, env=env)
    agree(F.instance_norm, x("n", 4, "h"), *same, env=env)
    for bias in (w(4), w(4, dtype), None):
        agree(F.group_norm, x("n", 4, "h"), 2, w(4), bias, env=env)
        agree(F.layer_norm, x("n", "h", 4), (4,), w(4), bias, env=env)


def optional(*dims):
    return st.sampled_from([None, dims, dims])


@covers(F.layer_norm, torch.layer_norm)
@pytest.mark.parametrize("op", [F.layer_norm, torch.layer_norm])
@settings(max_examples=80, deadline=None)
@given(data=st.data(), env=sizes, other=sizes, shape=INPUTS)
def test_layer_norm(op, data, env, other, shape):
    ns = data.draw(st.sampled_from([(3,), (4,), (2, 3), (1, 1), (S("w"),), (S("h"), S("w")), ()]))
    w = data.draw(optional(*(3 if isinstance(s, S) else s for s in ns)))
    b = data.draw(optional(*(3 if isinstance(s, S) else s for s in ns)))
    weight, bias = (None if x is None else T(*x) for x in (w, b))
    agree(op, T(*shape), ns, weight, bias, env=env, other=other, layout=True)


@covers(F.rms_norm, torch.rms_norm)
@pytest.mark.parametrize("op", [F.rms_norm, torch.rms_norm])
@settings(max_examples=60, deadline=None)
@given(data=st.data(), env=sizes, other=sizes, shape=INPUTS)
def test_rms_norm(op, data, env, other, shape):
    ns = data.draw(st.sampled_from([(3,), (4,), (2, 3), (1, 1), (S("w"),), ()]))
    w = data.draw(optional(*(3 if isinstance(s, S) else s for s in ns)))
    weight = None if w is None else T(*w)
    agree(op, T(*shape), ns, weight, env=env, other=other, layout=True)


@settings(max_examples=60, deadline=None)
@given(
    env=sizes, other=sizes,
    perm=st.sampled_from([(0, 2, 1), (1, 0, 2), (0, 3, 1, 2), (0, 3, 2, 1)]),
)  # fmt: skip
def test_rms_norm_of_a_strided_input(env, other, perm):
    x = T(*("n", "h", "w")[: len(perm) - 1], 3, perm=perm)
    for weight in (None, T(3)):
        agree(
            F.rms_norm, x, (3,), weight, env=env, other=other, layout=True,
            may_lack_rule=not RMS_NORM_IN_ORDER,
        )  # fmt: skip


@covers(F.local_response_norm)
@settings(max_examples=80, deadline=None)
@given(env=sizes, other=sizes, shape=INPUTS, size=st.sampled_from([0, 1, 2, 3, 9]))
def test_local_response_norm(env, other, shape, size):
    agree(F.local_response_norm, T(*shape), size, env=env, other=other, layout=True)


@pytest.mark.parametrize("op", [F.layer_norm, F.rms_norm])
@pytest.mark.parametrize("perm", [None, (0, 3, 1, 2), (0, 3, 2, 1), (1, 0, 2, 3)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.int64])
def test_layout_and_dtype(op, perm, dtype):
    x = T("n", 4, "h", 5, perm=perm, dtype=dtype)
    agree(op, x, (5,), env={"n": 2, "h": 3}, layout=True, may_lack_rule=True)


@pytest.mark.parametrize("shape", [(4,), ()])
def test_low_rank_of_layer_norm(shape):
    agree(F.layer_norm, T(*shape), (4,), env={})
    agree(F.layer_norm, T(*shape), 4, env={})
