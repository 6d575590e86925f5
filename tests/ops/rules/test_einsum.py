"""Einsum: sizes and layouts of many equations."""

from __future__ import annotations

import itertools
import string
from unittest import mock

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import archlint
from archlint.ops.registry import RULES, NoRule
from archlint.ops.rules import einsum as rules
from archlint.ops.shapes.strides import settled_strides
from tests.ops.oracle import HintPath, T, agree, covers

EQUATIONS = [
    "ij,jk->ik",
    "ij,jk",
    "ij,kj->ik",
    "bij,bjk->bik",
    "bhid,bhjd->bhij",
    "bhij,bhjd->bhid",
    "bthd,bshd->bhts",
    "bhts,bshd->bthd",
    "nchw,kc->nkhw",
    "nctv,vw->nctw",
    "ij,ij->",
    "ij,ij->ij",
    "i,j->ij",
    "ij,kl->ikjl",
    "bi,bj->bij",
    "ij,jk->ki",
    "bij,bkj->bki",
    "ij->ji",
    "ij->i",
    "ij->j",
    "ij->",
    "ii->i",
    "ii",
    "iij->ij",
    "iij->ji",
    "ijk->ki",
    "ij->ij",
    "bhwc,hkc->bhwk",
    "bhwc,wkc->bhwk",
    "xy,yz,zw->xw",
    "ij,jk->ijk",
    "ij,j->ij",
    "ij,j->i",
    "ij,j",
    "ii,ij->j",
]
sizes = st.integers(0, 3)


def _operands(equation):
    return equation.partition("->")[0].split(",")


@covers(torch.einsum)
@pytest.mark.parametrize("equation", EQUATIONS)
@given(data=st.data())
@settings(max_examples=12)
def test_equal_sizes(equation, data):
    letters = sorted(set(equation) & set(string.ascii_lowercase))
    points = st.fixed_dictionaries({letter: st.integers(0, 4) for letter in letters})
    env, other = data.draw(points), data.draw(points)
    operands = [T(*part) for part in _operands(equation)]
    agree(torch.einsum, equation, *operands, env=env, other=other, layout=True, may_lack_rule=True)


@pytest.mark.parametrize("equation", [e for e in EQUATIONS if e.count(",") == 1])
@given(data=st.data())
@settings(max_examples=12)
def test_sizes_that_may_differ(equation, data):
    operands, points = [], [{}, {}]
    dtype = data.draw(st.sampled_from([torch.float32, torch.complex64]))
    for i, part in enumerate(_operands(equation)):
        names = [f"{letter}{i}" for letter in part]
        operands.append(T(*names, dtype=dtype))
        for point in points:
            point.update({n: data.draw(st.sampled_from([0, 1, 2, 2, 2])) for n in names})
    agree(
        torch.einsum, equation, *operands, env=points[0], other=points[1], layout=True,
        may_lack_rule=True,
    )  # fmt: skip


@pytest.mark.parametrize(
    "equation",
    ["...ij,...jk->...ik", "...ij,jk", "b...d,dk->b...k", "...,...", "...i->...", "i...->i"],
)
@given(
    left=st.integers(0, 4), right=st.integers(0, 4), env=st.lists(sizes, min_size=10, max_size=10)
)
@settings(max_examples=25)
def test_ellipsis(equation, left, right, env):
    points = dict(zip("abcde", env[:5], strict=True)), dict(zip("abcde", env[5:], strict=True))
    operands = [T(*"abcde"[:left]), T(*"bcade"[:right])][: equation.count(",") + 1]
    agree(
        torch.einsum, equation, *operands, env=points[0], other=points[1], layout=True,
        may_lack_rule=True,
    )  # fmt: skip


def test_spellings_and_mistakes():
    env = {"a": 2, "b": 3, "c": 4}
    x, y = T("a", "b"), T("b", "c")
    agree(torch.einsum, x, [0, 1], y, [1, 2], [0, 2], env=env, layout=True)
    agree(torch.einsum, x, [0, 1], y, [1, 2], env=env, layout=True)
    agree(torch.einsum, x, [Ellipsis, 1], y, [1, 2], [Ellipsis, 2], env=env, layout=True)
    agree(torch.einsum, "i j , j k -> i k", x, y, env=env, layout=True)
    agree(torch.einsum, "ij,jk->ik", [x, y], env=env, layout=True)
    for equation in ("ij,jk->iz", "ij,jk->ii", "ij->i", "ijk,jk->i", "i,jk->k", "ij,jk,kl->il"):
        agree(torch.einsum, equation, x, y, env=env)
    for a, b in itertools.product([torch.bool, torch.int64, torch.float32], repeat=2):
        left, right = T("a", "b", dtype=a), T("b", "c", dtype=b)
        agree(torch.einsum, "ij,jk->ik", left, right, env=env, may_lack_rule=True)
        agree(torch.einsum, "ij,jk->ijk", left, right, env=env, may_lack_rule=True)


def test_views():
    env = {"a": 2, "b": 3, "c": 4, "d": 5}
    for equation in (
        "abcd,cd->abd",
        "abcd,ed->abce",
        "abcd,abed->abce",
        "abcd->adcb",
        "abcd,c->abcd",
    ):
        parts = _operands(equation)
        first = T(*"abcd", perm=(0, 2, 1, 3))
        rest = [T(*part.replace("e", "b")) for part in parts[1:]]
        agree(torch.einsum, equation, first, *rest, env=env, layout=True, may_lack_rule=True)


@given(data=st.data())
@settings(max_examples=60)
def test_how_products_lie_in_memory(data):
    """Which operand comes first depends on the output, on sizes of 1 and on PyTorch's version."""
    shared, left, right = (
        data.draw(st.sampled_from(("", a, a + b))) for a, b in ("bc", "im", "kl")
    )
    orders = (shared + left + "j", shared + right + "j", shared + left + right)
    first, second, target = ("".join(data.draw(st.permutations(labels))) for labels in orders)
    points = [{n: data.draw(st.sampled_from([1, 2, 3])) for n in orders[2]} for _ in range(2)]
    agree(
        torch.einsum, f"{first},{second}->{target}", T(*first), T(*second),
        env=points[0] | {"j": 4}, other=points[1] | {"j": 4}, layout=True,
    )  # fmt: skip


THREE = ["xy,yz,zw->xw", "...de,...nd,...n->...ne", "nde,nd,n->ne", "i,i,i->", "ab,b,cb"]


@pytest.mark.parametrize("equation", THREE)
@given(data=st.data())
@settings(max_examples=25)
def test_of_more_operands_opt_einsum_chooses_the_order(equation, data):
    """PyTorch itself multiplies from the left here: the shapes are the same."""
    operands, points = [], [{}, {}]
    dtype = data.draw(st.sampled_from([torch.float32, torch.complex64]))
    for i, part in enumerate(_operands(equation)):
        names = [f"{letter}{i}" for letter in part.replace("...", "p")]
        operands.append(T(*names, dtype=dtype))
        for point in points:
            base = data.draw(st.sampled_from([2, 2, 3]))
            point.update({n: data.draw(st.sampled_from([base, 2, 2, 1])) for n in names})
    with mock.patch.object(rules, "_order_is_chosen", return_value=True):
        agree(torch.einsum, equation, *operands, env=points[0], other=points[1])


def test_how_such_a_result_lies_in_memory_is_not_known():
    path = HintPath({"n": 2, "d": 3, "e": 4})
    operands = [T(*part).spec(None) for part in ("nde", "nd", "n")]
    with mock.patch.object(rules, "_order_is_chosen", return_value=True):
        result = RULES[torch.einsum](path, "nde,nd,n->ne", *operands)
    with pytest.raises(NoRule, match="memory layout"):
        settled_strides(path, result)


class TalkingHeads(torch.nn.Module):
    def forward(self, x):
        mixed = torch.einsum("bhij,hg->bgij", x, torch.ones(2, 2))
        out = torch.einsum("bhij,bhjd->bhid", mixed, x.transpose(2, 3))
        return out.reshape(out.shape[0], -1)


class Swapped(torch.nn.Module):
    """A product that can be viewed only where PyTorch multiplies the right operand first."""

    def forward(self, x):
        return torch.einsum("nchw,kc->knhw", x, torch.ones(3, 2)).view(3, -1)


@pytest.mark.parametrize("model", [TalkingHeads(), Swapped()], ids=lambda m: type(m).__name__)
def test_models_that_read_the_layout(model):
    found = archlint.infer(model, "N 2 H W")
    assert found.exact
    for n, h, w in itertools.product((1, 2), (1, 2, 3), (1, 2, 3)):
        try:
            real = tuple(model(torch.rand(n, 2, h, w)).shape)
        except RuntimeError:
            real = None
        assert found.output(N=n, H=h, W=w) == real
