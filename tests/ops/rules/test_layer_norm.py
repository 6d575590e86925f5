"""Layer, RMS and local response norm against the real operators."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

import archlint.ops.rules.layer_norm as layer_norm
from tests.ops.oracle import S, T, agree, covers
from tests.ops.rules.test_batch_norm import INPUTS, sizes

pytestmark = pytest.mark.filterwarnings("ignore:Mismatch dtype")


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
            may_lack_rule=not layer_norm._RMS_NORM_IN_ORDER,
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
def test_low_rank(shape):
    agree(F.layer_norm, T(*shape), (4,), env={})
    agree(F.layer_norm, T(*shape), 4, env={})
