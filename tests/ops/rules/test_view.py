"""Dimensions reordered, added, dropped or cut, against the real operators."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import archlint.ops.rules.view  # noqa: F401
from archlint.symbolic import symbol
from tests.ops.oracle import S, T, agree, covers

A, B, C, D = map(symbol, "abcd")
sizes = st.fixed_dictionaries({n: st.integers(0, 4) | st.just(12) for n in "abcd"})
few = settings(max_examples=50, deadline=None)
dim = st.integers(-4, 4)
Tensor = torch.Tensor
PERMS = {0: None, 1: None, 2: (1, 0), 3: (2, 0, 1), 4: (0, 2, 3, 1)}


@st.composite
def tensors(draw, most=4):
    ndim = draw(st.integers(0, most))
    dims = [draw(st.sampled_from([n, n, 1])) for n in "abcd"[:ndim]]
    return T(*dims, perm=draw(st.sampled_from([None, PERMS[ndim]])))


@covers(torch.squeeze, Tensor.squeeze)
@pytest.mark.parametrize("op", [torch.squeeze, Tensor.squeeze])
@few
@given(env=sizes, other=sizes, x=tensors(), d=dim | st.lists(dim, max_size=3).map(tuple))
def test_squeeze(op, env, other, x, d):
    agree(op, x, d, env=env, other=other, layout=True)
    agree(op, x, dim=d, env=env, other=other)
    agree(op, x, env=env, other=other, layout=True)


@covers(torch.unsqueeze, Tensor.unsqueeze)
@pytest.mark.parametrize("op", [torch.unsqueeze, Tensor.unsqueeze])
@few
@given(env=sizes, other=sizes, x=tensors(), d=dim)
def test_unsqueeze(op, env, other, x, d):
    agree(op, x, d, env=env, other=other, layout=True)


@covers(torch.permute, Tensor.permute)
@few
@given(env=sizes, other=sizes, x=tensors(), order=st.permutations(range(4)), cut=dim)
def test_permute(env, other, x, order, cut):
    order = tuple(d for d in order if d < len(x.dims)) if cut else tuple(order)
    agree(torch.permute, x, order, env=env, other=other, layout=True)
    agree(Tensor.permute, x, dims=tuple(d - len(x.dims) for d in order), env=env, other=other)
    if order:
        agree(Tensor.permute, x, *order, env=env, other=other)


TRANSPOSES = [
    *(torch.transpose, torch.swapaxes, torch.swapdims),
    *(Tensor.transpose, Tensor.swapaxes, Tensor.swapdims),
]


@covers(*TRANSPOSES)
@pytest.mark.parametrize("op", TRANSPOSES)
@few
@given(env=sizes, other=sizes, x=tensors(), d0=dim, d1=dim)
def test_transpose(op, env, other, x, d0, d1):
    agree(op, x, d0, d1, env=env, other=other, layout=True)
    if "axes" in str(op):
        agree(op, x, axis0=d0, axis1=d1, env=env, other=other)
    else:
        agree(op, x, dim0=d0, dim1=d1, env=env, other=other)


FLIPPED = [
    *(torch.t, Tensor.t, Tensor.T.__get__, Tensor.mT.__get__, Tensor.mH.__get__),
    *(Tensor.H.__get__, torch.adjoint, Tensor.adjoint),
]


@covers(*FLIPPED)
@pytest.mark.parametrize("op", FLIPPED)
@pytest.mark.filterwarnings("ignore")
@few
@given(env=sizes, other=sizes, x=tensors())
def test_transposed_properties(op, env, other, x):
    agree(op, x, env=env, other=other, layout=True, may_lack_rule=len(x.dims) < 2)


@covers(torch.movedim, torch.moveaxis, Tensor.movedim, Tensor.moveaxis)
@pytest.mark.parametrize("op", [torch.movedim, torch.moveaxis, Tensor.movedim, Tensor.moveaxis])
@few
@given(
    env=sizes,
    x=tensors(),
    source=dim | st.lists(dim, max_size=3).map(tuple),
    target=dim | st.lists(dim, max_size=3).map(tuple),
)
def test_movedim(op, env, x, source, target):
    if isinstance(source, int) != isinstance(target, int):
        source, target = (source, target) if isinstance(source, tuple) else (target, source)
        target = (target,)
    agree(op, x, source, target, env=env, layout=True)


index = st.integers(-5, 5) | st.sampled_from([S("d"), S(A - 1), S(-B), S(A - C)])


@covers(torch.select, Tensor.select)
@pytest.mark.parametrize("op", [torch.select, Tensor.select])
@few
@given(env=sizes, other=sizes, x=tensors(), d=dim, i=index)
def test_select(op, env, other, x, d, i):
    agree(op, x, d, i, env=env, other=other, layout=True)


@covers(torch.narrow, Tensor.narrow)
@pytest.mark.parametrize("op", [torch.narrow, Tensor.narrow])
@few
@given(env=sizes, other=sizes, x=tensors(), d=dim, start=index, length=index)
def test_narrow(op, env, other, x, d, start, length):
    agree(op, x, d, start, length, env=env, other=other, layout=True)


@covers(torch.diagonal, Tensor.diagonal)
@pytest.mark.parametrize("op", [torch.diagonal, Tensor.diagonal])
@few
@given(env=sizes, other=sizes, x=tensors(), offset=index, d0=dim, d1=dim)
def test_diagonal(op, env, other, x, offset, d0, d1):
    agree(op, x, offset, d0, d1, env=env, other=other, layout=True)


@covers(torch.detach, Tensor.detach)
@pytest.mark.parametrize("op", [torch.detach, Tensor.detach])
@given(env=sizes, x=tensors())
@few
def test_detach(op, env, x):
    agree(op, x, env=env, layout=True)


@covers(torch.atleast_1d, torch.atleast_2d, torch.atleast_3d)
@pytest.mark.parametrize("op", [torch.atleast_1d, torch.atleast_2d, torch.atleast_3d])
@few
@given(env=sizes, other=sizes, xs=st.lists(tensors(), max_size=3))
def test_atleast(op, env, other, xs):
    if xs:
        agree(op, *xs, env=env, other=other, layout=True)
    agree(op, tuple(xs), env=env, other=other)
