"""Questions answered on all their branches at once, and views that are decided that way."""

from __future__ import annotations

import itertools

import pytest
import torch

from archlint.ops.registry import Refused, TensorSpec
from archlint.ops.rules.binary import pointwise
from archlint.ops.rules.reshape import view
from archlint.ops.shapes.fork import MOST, outcomes
from archlint.ops.shapes.strides import channels_last_strides, settled_strides
from archlint.symbolic import evaluate, symbol
from archlint.symbolic.formula import conj, eq, ge, holds, negate
from archlint.symbolic.intervals import Box
from archlint.tracing.path import TracedPath

H, W = symbol("H"), symbol("W")


def walked(h=7, w=5):
    return TracedPath({"H": h, "W": w}, Box({"H": (1, None), "W": (1, None)}))


def test_every_branch_is_answered_and_none_is_recorded():
    path = walked()
    found = outcomes(path, lambda p: (p.branch(ge(H, 8)), p.branch(ge(W, 8))))
    assert not path.events
    assert len(found) == 4
    for h, w in itertools.product((1, 7, 8, 9), repeat=2):
        env = {"H": h, "W": w}
        assert [o.result for o in found if holds(o.when, env)] == [(h >= 8, w >= 8)]


def test_what_is_known_is_not_asked_again():
    path = walked()
    path.branch(ge(H, 4))

    def ask(p):
        return p.branch(ge(H, 4)), p.branch(ge(W, 9)), p.branch(negate(ge(W, 9)))

    assert {o.result for o in outcomes(path, ask)} == {(True, True, False), (True, False, True)}


def test_a_part_that_was_answered_counts():
    def ask(p):
        return p.branch(eq(H, 1)), p.known(conj(eq(H, 1), ge(W, 1)))

    assert {o.result for o in outcomes(walked(), ask)} == {(True, True), (False, False)}


def test_too_many_answers_are_none():
    def ask(p):
        return sum(p.branch(ge(H, n)) for n in range(2, MOST + 4))

    assert outcomes(walked(), ask) is None


def test_a_claim_is_no_answer():
    assert outcomes(walked(), lambda p: p.claim(ge(H, 2), "at least two")) is None
    assert len(outcomes(walked(), lambda p: p.claim(ge(H, 1), "at least one"))) == 1


def strided(path, h):
    """A channels-last 2 3 H 4 plus a contiguous one of the height 1."""
    dims = (2, 3, H, 4)
    last = TensorSpec(dims, strides=channels_last_strides(dims))
    ours = pointwise(path, torch.float32, (None, None), last, TensorSpec((2, 3, 1, 4)))
    real = torch.empty(2, 3, h, 4).to(memory_format=torch.channels_last) + torch.empty(2, 3, 1, 4)
    return ours, real


@pytest.mark.parametrize("height", [1, 2, 7])
@pytest.mark.parametrize("shape", [(2, 3, -1), (2, -1, 4), (6, -1), (-1,), (2, 3, 2, -1, 2)])
def test_a_view_claims_once_for_all_layouts(height, shape):
    """Where the claim holds, the real view does, with the same sizes and strides."""
    path = walked(height)
    ours, real = strided(path, height)
    try:
        there = real.view(shape)
    except RuntimeError:
        with pytest.raises(Refused):
            view(path, ours, *shape)
        return
    result = view(path, ours, *shape)
    assert all(e.kind == "claim" for e in path.events)
    assert tuple(evaluate(d, path.env) for d in result.dims) == tuple(there.shape)
    strides = settled_strides(path, result)
    if strides is not None:
        mine = [evaluate(s, path.env) for s in strides]
        pairs = zip(there.shape, mine, there.stride(), strict=True)
        assert all(n == 1 or a == b for n, a, b in pairs)


def test_the_claim_is_right_at_every_height():
    path = walked(1)
    ours, _ = strided(path, 1)
    view(path, ours, 2, 3, -1)
    claims = conj(*(e.formula for e in path.events))
    for height in range(1, 6):
        try:
            strided(path, height)[1].view(2, 3, -1)
        except RuntimeError:
            accepted = False
        else:
            accepted = True
        assert holds(claims, {"H": height, "W": 1}) is accepted


def test_a_view_in_equal_sizes_needs_no_branch():
    path = walked(14)
    path.claim(eq(H, 7 * (H // 7)), "windows of 7")
    flat = TensorSpec((2, H, 5, 3), strides=(H * 15, 5, 1, H * 5))
    before = len(path.events)
    result = view(path, flat, 2, H // 7, 7, 5, 3)
    assert len(path.events) == before
    real = torch.empty(2, 3, 14, 5).permute(0, 2, 3, 1).view(2, 2, 7, 5, 3)
    assert tuple(evaluate(d, path.env) for d in result.dims) == tuple(real.shape)
    assert tuple(evaluate(s, path.env) for s in result.strides) == real.stride()
