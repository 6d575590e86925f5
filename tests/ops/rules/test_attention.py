"""Attention: shapes, masks, grouped heads."""

from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import archlint
import archlint.ops.rules.attention
from archlint.symbolic.intervals import Box
from tests.ops.oracle import T, agree, covers

sdpa = torch.nn.functional.scaled_dot_product_attention
names = "nhlsef"
# Between these versions the real operator ends the process if there are no heads.
NO_HEADS_CRASH = (2, 7) <= tuple(map(int, torch.__version__.split(".")[:2])) < (2, 13)
point = {"n": 2, "h": 3, "l": 4, "s": 6, "e": 5, "f": 7}
some = st.fixed_dictionaries({n: st.integers(0, 4) for n in names})
full = st.fixed_dictionaries({n: st.integers(1, 4) for n in names})
QUERIES = [("l", "e"), ("h", "l", "e"), ("n", "h", "l", "e"), (2, "n", "h", "l", "e"), ("e",)]
KEYS = [("s", "e"), ("h", "s", "e"), ("n", "h", "s", "e"), ("n", 1, "s", "e"), ("n", "h", "s", "f")]
VALUES = [*KEYS, ("n", "h", "l", "e")]
MASKS = [
    None,
    ("l", "s"),
    ("s",),
    (1, "s"),
    ("n", 1, 1, "s"),
    ("h", "l", "s"),
    ("n", "h", "l", "s"),
]


@covers(sdpa)
@given(
    query=st.sampled_from(QUERIES),
    key=st.sampled_from(KEYS),
    value=st.sampled_from(VALUES),
    mask=st.sampled_from(MASKS),
    env=st.one_of(some, full, full),
    other=full,
)
@settings(max_examples=250)
def test_shapes(query, key, value, mask, env, other):
    assume(not NO_HEADS_CRASH or (env["h"] and other["h"]))
    args = [T(*query), T(*key), T(*value)]
    if mask is not None:
        args.append(T(*mask))
    agree(sdpa, *args, env=env, other=other, may_lack_rule=True)


@given(env=some, other=some, bad=st.sampled_from(["n", "h", "l", "s", "e"]))
@settings(max_examples=100)
def test_the_usual_call(env, other, bad):
    assume(not NO_HEADS_CRASH or (env["h"] and other["h"]))
    x = T("n", "h", "l", "e"), T("n", "h", "s", "e"), T("n", "h", "s", "e")
    agree(sdpa, *x, env=env, other=other, layout=True)
    agree(sdpa, *x, is_causal=True, dropout_p=0.1, env=env, other=other, layout=True)
    mask = T("l", "s", dtype=torch.bool)
    agree(sdpa, *x, mask, scale=2.0, env=env, other=other, layout=True, may_lack_rule=True)


def test_layout():
    orders = [None, (0, 2, 1, 3), (0, 1, 3, 2)]
    for q, k, v in itertools.product(orders, repeat=3):
        shapes = ("n", "h", "l", "e"), ("n", "h", "s", "e"), ("n", "h", "s", "e")
        x = [T(*shape, perm=p) for shape, p in zip(shapes, (q, k, v), strict=True)]
        for env in (point, {**point, "l": 1}, {**point, "s": 0}, {**point, "h": 1, "e": 1}):
            agree(sdpa, *x, env=env, other=point, layout=True)
            mask = T("l", "s")
            agree(sdpa, *x, mask, env=env, other=point, layout=True, may_lack_rule=True)
            agree(sdpa, *x, dropout_p=0.1, env=env, other=point, layout=True)
    x = T("n", "h", "l", "e", perm=(0, 2, 1, 3))
    agree(sdpa, x, T("n", "h", "s", "e"), T("n", "h", "s", "f"), env=point, layout=True)
    agree(sdpa, x, T(1, "h", "s", "e"), T(1, "h", "s", "e"), env=point, layout=True)


def test_layout_of_three_dimensions():
    orders = [None, (1, 0, 2), (0, 2, 1), (2, 1, 0)]
    for q, k, v in itertools.product(orders, repeat=3):
        shapes = ("h", "l", "e"), ("h", "s", "e"), ("h", "s", "e")
        x = [T(*shape, perm=p) for shape, p in zip(shapes, (q, k, v), strict=True)]
        for env in (point, {**point, "l": 1}, {**point, "h": 1, "e": 1}):
            agree(sdpa, *x, env=env, other=point, layout=True)
            mask = T("l", "s")
            agree(sdpa, *x, mask, env=env, other=point, layout=True, may_lack_rule=True)


def test_dtypes():
    dtypes = [torch.bool, torch.int64, torch.float16, torch.float32, torch.float64]
    for a, b in itertools.product(dtypes, repeat=2):
        agree(sdpa, T("l", "e", dtype=a), T("s", "e", dtype=b), T("s", "e", dtype=b), env=point)
        mask = T("l", "s", dtype=b)
        agree(sdpa, T("l", "e", dtype=a), *[T("s", "e", dtype=a)] * 2, mask, env=point)


def test_grouped_heads():
    box = Box(dict.fromkeys("gk", (1, None)))
    for heads, groups, others in itertools.product(range(1, 5), range(1, 4), range(1, 4)):
        env = {**point, "h": heads, "g": groups, "k": others}
        for lead in (("n",), ()):
            x = T(*lead, "h", "l", "e"), T(*lead, "g", "s", "e"), T(*lead, "k", "s", "e")
            agree(
                sdpa,
                *x,
                enable_gqa=True,
                env=env,
                other={**env, "h": 6},
                box=box,
                may_lack_rule=True,
            )
    agree(sdpa, T("l", "e"), T("s", "e"), T("s", "e"), enable_gqa=True, env=point)


def test_lengths_of_key_and_value_that_differ():
    """A fused kernel of the CPU does not compare them."""
    for lead in (("n", "h"), ("h",), ()):
        tensors = T(*lead, "l", "e"), T(*lead, "s", "e"), T(*lead, "l", "e")
        for lengths in ({"l": 1, "s": 2}, {"l": 3, "s": 2}, {"l": 2, "s": 2}):
            env = {"n": 1, "h": 2, "e": 4, **lengths}
            agree(sdpa, *tensors, env=env, other={**env, "s": 1}, may_lack_rule=True)
    unfused = T("n", "h", "l", 4), T("n", "h", "s", 4), T("n", "h", "l", 3)
    env = {"n": 1, "h": 2, "l": 3, "s": 2}
    agree(sdpa, *unfused, env=env, other={**env, "s": 3})


def _heads(x, transposed):
    heads = x.unflatten(-1, (2, 4)).transpose(1, 2)
    return heads if transposed else heads.contiguous()


def _flex(transposed, back, **settings):
    class Attention(torch.nn.Module):
        def forward(self, x, y):
            flex = pytest.importorskip("torch.nn.attention.flex_attention").flex_attention
            q, k, v = _heads(x, transposed), _heads(y, transposed), _heads(y * 2, transposed)
            out = flex(q, k, v, **settings)
            return back(out)

    return Attention()


FLEX = [
    (True, lambda out: out.transpose(1, 2).flatten(2), {}),
    (True, lambda out: out.transpose(1, 2).view(out.shape[0], -1, 8), {"scale": 0.5}),
    (True, lambda out: out.view(-1, 4), {}),
    (False, lambda out: out.view(-1, 4), {}),
    (False, lambda out: out.transpose(1, 2).view(out.shape[0], -1), {}),
    (True, lambda out: out[:, :, 2], {}),
    (True, lambda out: out, {"score_mod": lambda score, b, h, i, j: score + i - j}),
]


@pytest.mark.parametrize(("transposed", "back", "settings"), FLEX)
def test_flex_attention(transposed, back, settings, monkeypatch):
    home = pytest.importorskip("torch.nn.attention.flex_attention")
    switch = "_FLEX_ATTENTION_DISABLE_COMPILE_DEBUG"
    if not hasattr(home, switch):
        pytest.skip("this version of PyTorch always compiles it")
    monkeypatch.setattr(home, switch, True)
    model = _flex(transposed, back, **settings)
    found = archlint.infer(model, {"x": "N L 8", "y": "M S 8"})
    assert found.exact or "score_mod" in settings, found.reasons
    for n, m, length, s in [(1, 1, 2, 2), (2, 2, 4, 6), (2, 2, 6, 2), (1, 2, 2, 4), (2, 2, 3, 2)]:
        point = {"N": n, "M": m, "L": length, "S": s}
        try:
            real = tuple(model(torch.rand(n, length, 8), torch.rand(m, s, 8)).shape)
        except (RuntimeError, ValueError, IndexError):
            real = None
        assert found.accepts(**point) in (real is not None, None)
        if found.exact:
            assert found.output(**point) == real
