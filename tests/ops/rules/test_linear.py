"""Linear layers, bilinear layers and embeddings against the real operators."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

import archlint.ops.rules.linear  # noqa: F401
from archlint.ops.registry import IN_RANGE, RULES, NoRule, Refused, TensorSpec
from archlint.ops.rules.linear import embedding, one_hot
from archlint.symbolic import symbol
from tests.ops.oracle import HintPath, S, T, agree, covers

sizes = st.fixed_dictionaries(
    {"n": st.integers(0, 4), "c": st.sampled_from([4, 4, 4, 5, 0])}
    | {n: st.sampled_from([4, 4, 0, 1, 3]) for n in "hw"}
)
N, C = symbol("n"), symbol("c")


@covers(F.linear)
@settings(max_examples=200, deadline=None)
@given(
    env=sizes, other=sizes,
    shape=st.sampled_from([("n", "c"), ("c",), ("n", 4), ("n", "h", "c"), ("n", "h", "w", 5), ()]),
    weight=st.sampled_from([(3, 4), (1, 5), (0, 4), (3, "c"), (3, "c"), (4,), (2, 3, 4)]),
    bias=st.sampled_from([None, None, 3, 3, 1, 4, 0]),
)  # fmt: skip
def test_linear(env, other, shape, weight, bias):
    b = None if bias is None else T(bias)
    agree(F.linear, T(*shape), T(*weight), b, env=env, other=other, layout=True, may_lack_rule=True)


@covers(F.linear)
@given(env=sizes, other=sizes)
def test_linear_after_flatten(env, other):
    agree(F.linear, T("n", C * symbol("h")), T(5, 12), T(5), env=env, other=other)


@pytest.mark.parametrize("perm", [(0, 2, 1), (1, 0, 2)])
def test_linear_strided(perm):
    env = {"n": 2, "h": 3}
    agree(F.linear, T("n", "h", 4, perm=perm), T(5, 4), T(5), env=env, layout=True)


@covers(F.bilinear)
@settings(max_examples=80, deadline=None)
@given(
    env=sizes, other=sizes, lead=st.sampled_from([("n",), ("n", "h"), ()]),
    second=st.sampled_from([None, None, None, ("n",), (), ("n", "h"), ("h",)]),
    bias=st.sampled_from([None, 2, 1]),
)  # fmt: skip
def test_bilinear(env, other, lead, second, bias):
    b = None if bias is None else T(bias)
    second = lead if second is None else second
    agree(
        F.bilinear, T(*lead, "c"), T(*second, "w"), T(2, "c", 4), b, env=env, other=other,
        layout=True,
    )  # fmt: skip


def positions(shape):
    """0, 1, … along the last dimension, as ``arange`` makes them."""
    return torch.arange(shape[-1]).expand(shape).contiguous() if shape else torch.zeros(()).long()


@covers(F.embedding, torch.embedding)
@settings(max_examples=80, deadline=None)
@given(
    env=sizes, other=sizes, shape=st.sampled_from([("n", "w"), ("w",)]),
    table=st.sampled_from([(4, 3), ("h", 2), (4,)]), dtype=st.sampled_from([torch.int64]),
    padding=st.sampled_from([None, 0, 3, -1, 5]),
)  # fmt: skip
def test_embedding(env, other, shape, table, dtype, padding):
    ids = T(*shape, dtype=dtype, fill=positions, values=(0, symbol("w") - 1))
    agree(F.embedding, ids, T(*table), padding, env=env, other=other, layout=True)
    agree(torch.embedding, T(*table), ids, env=env, other=other, layout=True)


@pytest.mark.parametrize("dtype", [torch.int32, torch.int8, torch.float32])
def test_embedding_dtype(dtype):
    agree(F.embedding, T("n", dtype=dtype, values=(0, 0)), T(4, 3), env={"n": 2})


@covers(F.embedding_bag)
@settings(max_examples=60, deadline=None)
@given(env=sizes, other=sizes, mode=st.sampled_from(["sum", "mean", "max"]))
def test_embedding_bag(env, other, mode):
    ids = T("n", "w", dtype=torch.int64, fill=positions, values=(0, symbol("w") - 1))
    agree(F.embedding_bag, ids, T(4, 3), mode=mode, env=env, other=other)


@covers(F.one_hot)
@settings(max_examples=60, deadline=None)
@given(
    env=sizes, other=sizes, classes=st.sampled_from([S("c"), 3, 0]),
    shape=st.sampled_from([("n", "w"), ("w",)]),
)  # fmt: skip
def test_one_hot(env, other, classes, shape):
    ids = T(*shape, dtype=torch.int64, fill=positions, values=(0, symbol("w") - 1))
    agree(F.one_hot, ids, classes, env=env, other=other)


def test_unknown_indices_are_said():
    path = HintPath({})
    ids = TensorSpec((N,), torch.int64)
    embedding(path, ids, TensorSpec((4, 3)))
    one_hot(path, ids, 3)
    assert len(path.caveats) == 2


def test_indices_assumed_valid_claim_nothing():
    path = HintPath({})
    embedding(path, TensorSpec((N,), torch.int64, values=IN_RANGE), TensorSpec((4, 3)))
    assert not path.caveats
    assert not path.events


DTYPES = [torch.float32, torch.float64, torch.float16, torch.bfloat16]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("other", DTYPES)
def test_mixed_dtypes_are_refused(dtype, other):
    x, w = T("n", 4, dtype=dtype), T(3, 4, dtype=other)
    for bias in (None, T(3, dtype=dtype), T(3, dtype=other)):
        agree(F.linear, x, w, bias, env={"n": 2}, other={"n": 0})
    agree(F.bilinear, x, x, T(3, 4, 4, dtype=other), env={"n": 2})


def test_under_autocast_mixed_dtypes_have_no_rule():
    path, x, w = HintPath({}), T(2, 4).spec({}), T(3, 4, dtype=torch.bfloat16).spec({})
    with torch.autocast("cpu"), pytest.raises(NoRule):
        RULES[F.linear](path, x, w)
    with pytest.raises(Refused, match="of one dtype, gets float32 and bfloat16"):
        RULES[F.linear](path, x, w)
