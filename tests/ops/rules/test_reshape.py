"""view, reshape, flatten, expand and friends against the real operators."""

from __future__ import annotations

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import archlint.ops.rules.reshape  # noqa: F401
from archlint.ops.registry import RULES, TensorSpec
from archlint.ops.rules.view import permute
from archlint.symbolic import symbol
from archlint.symbolic.intervals import Box
from tests.ops.oracle import HintPath, S, T, agree, covers

A, B, C, D = map(symbol, "abcd")
sizes = st.fixed_dictionaries({n: st.integers(0, 5) | st.just(12) for n in "abcd"})
few = settings(max_examples=60, deadline=None)
Tensor = torch.Tensor

SHAPES = [
    (-1,),
    ("a", -1),
    ("a", "b", "c"),
    (A * B, "c"),
    ("c", A * B),
    ("a", B * C),
    ("a", 2, "c", -1),
    (-1, 6),
    (-1, 0),
    (-1, "d"),
    ("d", "d"),
    (2, -1, -1),
    (-2, 6),
    (A - 1, -1),
    (A - B, "c"),
    ("a", 1, "b", 1, "c"),
    (),
]


@pytest.mark.parametrize(
    "op", [Tensor.view, Tensor.reshape, torch.reshape], ids=["view", "reshape", "torch.reshape"]
)
@pytest.mark.parametrize("perm", [None, (0, 2, 1), (2, 1, 0)])
@covers(Tensor.view, Tensor.reshape, torch.reshape)
@few
@given(env=sizes, other=sizes, shape=st.sampled_from(SHAPES), star=st.booleans())
def test_view_and_reshape(op, perm, env, other, shape, star):
    args = [S(s) if not isinstance(s, int) else s for s in shape]
    if op is torch.reshape or not star or not args:
        args = [tuple(args)]
    agree(op, T("a", "b", "c", perm=perm), *args, env=env, other=other, layout=True)


@pytest.mark.parametrize("perm", [(0, 2, 3, 1), (0, 1, 3, 2), (1, 0, 2, 3)])
@pytest.mark.parametrize("op", [Tensor.view, Tensor.reshape])
@few
@given(
    env=sizes,
    other=sizes,
    shape=st.sampled_from(
        [("a", B * C, "d"), ("a", "b", C * D), (A * B, C * D), (A * B * C, "d"), (-1,), (-1, C * D)]
    ),
)
def test_merging_dimensions_of_a_strided_tensor(op, perm, env, other, shape):
    x = T("a", "b", "c", "d", perm=perm)
    shape = tuple(S(s) if not isinstance(s, int) else s for s in shape)
    agree(op, x, shape, env=env, other=other, layout=True)


def test_a_reshape_branches_only_when_its_layout_is_asked_for():
    path = HintPath({"a": 3, "b": 2, "c": 2}, Box(dict.fromkeys("abc", (1, None))))
    spec = T("a", "b", "c", perm=(0, 2, 1)).spec(None)
    assert spec.strides is not None
    out = RULES[Tensor.reshape](path, spec, A, B * C)
    assert not [e for e in path.events if e[0] == "branch"]
    RULES[Tensor.view](path, out, -1)
    assert [e for e in path.events if e[0] == "branch"]


@few
@given(env=sizes, other=sizes)
def test_views_of_a_reshape_that_may_be_a_copy(env, other):
    def real(x):
        return x.reshape(-1, x.shape[2]).permute(1, 0).view(-1)

    def rule(path, x):
        y = RULES[Tensor.reshape](path, x, -1, x.dims[2])
        return RULES[Tensor.view](path, permute(path, y, 1, 0), -1)

    RULES[real] = rule
    try:
        agree(real, T("a", "b", "c", perm=(1, 0, 2)), env=env, other=other, layout=True)
    finally:
        del RULES[real]


@covers(Tensor.view_as, Tensor.reshape_as)
@pytest.mark.parametrize("op", [Tensor.view_as, Tensor.reshape_as])
@pytest.mark.parametrize("perm", [None, (1, 0)])
@few
@given(env=sizes, other=sizes)
def test_as_another(op, perm, env, other):
    agree(op, T("a", "b", perm=perm), T("b", "a"), env=env, other=other, layout=True)
    agree(op, T("a", 6, perm=perm), T("b", "c"), env=env, other=other, layout=True)


@covers(torch.flatten, Tensor.flatten)
@pytest.mark.parametrize("op", [torch.flatten, Tensor.flatten])
@few
@given(
    env=sizes,
    other=sizes,
    ndim=st.integers(0, 4),
    start=st.integers(-4, 4),
    end=st.integers(-4, 4),
    perm=st.booleans(),
)
def test_flatten(op, env, other, ndim, start, end, perm):
    order = (0, 2, 1, 3) if perm and ndim == 4 else None
    agree(op, T(*"abcd"[:ndim], perm=order), start, end, env=env, other=other, layout=True)
    agree(op, T(*"abcd"[:ndim]), env=env, other=other)


@covers(torch.ravel, Tensor.ravel)
@pytest.mark.parametrize("op", [torch.ravel, Tensor.ravel])
@pytest.mark.parametrize("perm", [None, (1, 0)])
@few
@given(env=sizes)
def test_ravel(op, perm, env):
    agree(op, T("a", "b", perm=perm), env=env, layout=True)
    agree(op, T(), env=env)


@covers(torch.unflatten, Tensor.unflatten)
@pytest.mark.parametrize("op", [torch.unflatten, Tensor.unflatten])
@few
@given(
    env=sizes,
    other=sizes,
    dim=st.integers(-4, 3),
    split=st.sampled_from([(2, -1), ("a", "b"), (-1,), (), (-1, -1), (3, -2), ("d", -1), (0, -1)]),
    perm=st.sampled_from([None, (1, 0, 2), (2, 0, 1)]),
)
def test_unflatten(op, env, other, dim, split, perm):
    split = tuple(S(s) if isinstance(s, str) else s for s in split)
    agree(op, T(A * B, "b", "c", perm=perm), dim, split, env=env, other=other, layout=True)


@covers(torch.broadcast_to, Tensor.broadcast_to, Tensor.expand, Tensor.expand_as)
@pytest.mark.parametrize("op", [torch.broadcast_to, Tensor.broadcast_to, Tensor.expand])
@few
@given(
    env=sizes,
    other=sizes,
    dims=st.sampled_from([("a", "b"), (1, "b"), ("a", 1), (), ("b",), (1,)]),
    target=st.sampled_from(
        [
            *[("a", "b"), ("c", "a", "b"), (-1, "b"), (-1, -1), ("c", -1), (-2,), (0, "b")],
            *[(A - B, -1), (-1, "a", "b"), (1,), ("c",), (3, 1), ()],
        ]
    ),
)
def test_expand(op, env, other, dims, target):
    assume(dims or (-1 not in target and -2 not in target))  # gives a tensor of size -1
    target = tuple(S(s) if not isinstance(s, int) else s for s in target)
    agree(op, T(*dims), target, env=env, other=other, layout=True)
    if op is Tensor.expand and target:
        agree(op, T(*dims), *target, env=env, other=other, layout=True)


@few
@given(env=sizes, other=sizes)
def test_expand_as(env, other):
    agree(Tensor.expand_as, T("a", 1, perm=(1, 0)), T("c", "a", "b"), env=env, other=other)
    agree(Tensor.expand_as, T("a", "d"), T("c", "a", "b"), env=env, other=other, layout=True)


def test_known_sizes_leave_no_branch_behind():
    path = HintPath({"a": 3, "b": 2, "c": 2}, Box(dict.fromkeys("abc", (1, None))))
    spec = TensorSpec((A, 16, B, C))
    out = RULES[Tensor.view](path, spec, A, 4, 4, -1)
    assert out.dims == (A, 4, 4, B * C)
    flat = RULES[torch.flatten](path, out, 1)
    RULES[Tensor.view](path, flat, A, B, -1)
    assert not path.events or all(kind == "claim" for kind, *_ in path.events)
