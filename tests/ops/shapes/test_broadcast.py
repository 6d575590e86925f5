"""Broadcasting of sizes, against the real addition."""

from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import archlint.ops.rules.binary  # noqa: F401
from archlint.ops.registry import Refused
from archlint.ops.shapes.broadcast import broadcast, broadcast_onto
from archlint.symbolic import symbol
from archlint.symbolic.formula import holds
from archlint.symbolic.intervals import Box
from tests.ops.oracle import HintPath, T, agree

SMALL = st.sampled_from([0, 1, 2, 3])
names = st.sampled_from(["a", "b", 1, 2, symbol("a") // 2 * 2])
shapes = st.lists(names, max_size=3).map(tuple)
points = st.fixed_dictionaries({"a": SMALL, "b": SMALL})


@given(shapes, shapes, points, points)
@settings(max_examples=300)
def test_agrees_with_addition(left, right, env, other):
    agree(torch.add, T(*left), T(*right), env=env, other=other)


@given(shapes, shapes, points, points)
@settings(max_examples=200)
def test_with_sizes_known_to_be_two_or_more(left, right, env, other):
    env, other = ({k: v + 2 for k, v in e.items()} for e in (env, other))
    box = Box({"a": (2, None), "b": (2, None)})
    agree(torch.add, T(*left), T(*right), env=env, other=other, box=box)


def test_known_unequal_to_one_needs_no_branch():
    path = HintPath({"a": 3, "b": 1}, Box({"a": (2, None)}))
    assert broadcast(path, (symbol("a"),), (symbol("b"),)) == (symbol("a"),)
    assert [kind for kind, _, _ in path.events] == ["claim"]


def test_the_claim_names_the_sizes():
    path = HintPath({"h": 5})
    with pytest.raises(Refused, match="sizes 4 and h at dimension 1 equal, or one of them 1"):
        broadcast(path, (2, 4), (symbol("h"),))


@pytest.mark.parametrize("rank", [0, 1, 2])
def test_onto_is_expand(rank):
    for env in ({"a": a, "b": b} for a, b in itertools.product(range(4), repeat=2)):
        dims = tuple(map(symbol, "ab"))[:rank]
        for target in ((symbol("b"), symbol("a")), (symbol("a"),), ()):
            path = HintPath(env)
            sizes = [tuple(env[str(s)] for s in d) for d in (dims, target)]
            try:
                torch.zeros(sizes[1]).add_(torch.zeros(sizes[0]))
                fits = True
            except RuntimeError:
                fits = False
            try:
                broadcast_onto(path, dims, target)
                ours = all(holds(f, env) for _, f, _ in path.events)
            except Refused:
                ours = False
            assert ours == fits, (dims, target, env)
