"""Silent paths: each outcome of the branches, strides on them, and the views that need them."""

from __future__ import annotations

import itertools

import pytest
import torch

from archlint.ops.registry import Refused, TensorSpec
from archlint.ops.rules.binary import pointwise
from archlint.ops.rules.reshape import view
from archlint.ops.shapes.strides import DeferredStrides, channels_last_strides, settled_strides
from archlint.ops.silent_path import MOST, SilentPath, Unanswered, outcomes
from archlint.symbolic import evaluate, symbol
from archlint.symbolic.formula import conj, eq, ge, holds, negate
from archlint.symbolic.intervals import Box
from archlint.tracing.path import TracedPath

H, W = symbol("H"), symbol("W")


def traced_path(h=7, w=5):
    return TracedPath({"H": h, "W": w}, Box({"H": (1, None), "W": (1, None)}))


def test_each_outcome_is_computed_and_no_branch_recorded():
    path = traced_path()
    results = outcomes(path, lambda p: (p.branch(ge(H, 8)), p.branch(ge(W, 8))))
    assert not path.events
    assert len(results) == 4
    for h, w in itertools.product((1, 7, 8, 9), repeat=2):
        env = {"H": h, "W": w}
        assert [o.result for o in results if holds(o.when, env)] == [(h >= 8, w >= 8)]


def test_known_formulas_are_no_branches():
    path = traced_path()
    path.branch(ge(H, 4))

    def compute(p):
        return p.branch(ge(H, 4)), p.branch(ge(W, 9)), p.branch(negate(ge(W, 9)))

    assert {o.result for o in outcomes(path, compute)} == {(True, True, False), (True, False, True)}


def test_a_taken_branch_is_known_as_a_part():
    def compute(p):
        return p.branch(eq(H, 1)), p.known(conj(eq(H, 1), ge(W, 1)))

    assert {o.result for o in outcomes(traced_path(), compute)} == {(True, True), (False, False)}


def test_too_many_outcomes():
    def compute(p):
        return sum(p.branch(ge(H, n)) for n in range(2, MOST + 4))

    assert outcomes(traced_path(), compute) is None


def test_a_claim_that_is_not_known_has_no_outcomes():
    assert outcomes(traced_path(), lambda p: p.claim(ge(H, 2), "at least two")) is None
    assert len(outcomes(traced_path(), lambda p: p.claim(ge(H, 1), "at least one"))) == 1


def test_without_turns_an_unknown_branch_is_unanswered():
    silent = SilentPath(traced_path())
    assert silent.branch(ge(H, 1)) is True
    for record in (
        lambda: silent.branch(ge(H, 8)),
        lambda: silent.claim(ge(H, 8), "at least 8"),
        lambda: silent.unknown("nonzero", 0),
        lambda: silent.count("nonzero", TensorSpec((H,))),
        lambda: silent.unknown_outcome("data"),
        lambda: silent.unproved("data"),
    ):
        with pytest.raises(Unanswered):
            record()


def test_strides_stay_deferred_on_a_silent_path():
    """A rule that is run again for narrower values need not know the strides."""
    path = traced_path()
    result, _ = strided(SilentPath(path), 7)
    assert isinstance(result.strides, DeferredStrides)
    with pytest.raises(Unanswered):
        settled_strides(SilentPath(path), result)
    assert not path.events
    assert settled_strides(path, result) is not None
    assert settled_strides(SilentPath(path), result) == settled_strides(path, result)


def test_strides_settled_on_a_silent_path_are_not_mistaken_for_others():
    """Temporary strides are freed, and their ``id`` is used again, during one computation."""

    def settled_to(silent, n):
        strides = DeferredStrides.of((0,), lambda _: (n,), [])
        return settled_strides(silent, TensorSpec((H,), strides=strides))

    silent = SilentPath(traced_path(), ())
    assert [settled_to(silent, n) for n in range(40)] == [(n,) for n in range(40)]


def strided(path, h):
    """A channels-last 2 3 H 4 plus a contiguous 2 3 1 4: our result and the real one."""
    dims = (2, 3, H, 4)
    last = TensorSpec(dims, strides=channels_last_strides(dims))
    ours = pointwise(path, torch.float32, (None, None), last, TensorSpec((2, 3, 1, 4)))
    real = torch.empty(2, 3, h, 4).to(memory_format=torch.channels_last) + torch.empty(2, 3, 1, 4)
    return ours, real


@pytest.mark.parametrize("height", [1, 2, 7])
@pytest.mark.parametrize("shape", [(2, 3, -1), (2, -1, 4), (6, -1), (-1,), (2, 3, 2, -1, 2)])
def test_a_view_claims_once_for_all_layouts(height, shape):
    """Where the claim holds, the real view does, with the same sizes and strides."""
    path = traced_path(height)
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
    path = traced_path(1)
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
    path = traced_path(14)
    path.claim(eq(H, 7 * (H // 7)), "windows of 7")
    flat = TensorSpec((2, H, 5, 3), strides=(H * 15, 5, 1, H * 5))
    before = len(path.events)
    result = view(path, flat, 2, H // 7, 7, 5, 3)
    assert len(path.events) == before
    real = torch.empty(2, 3, 14, 5).permute(0, 2, 3, 1).view(2, 2, 7, 5, 3)
    assert tuple(evaluate(d, path.env) for d in result.dims) == tuple(real.shape)
    assert tuple(evaluate(s, path.env) for s in result.strides) == real.stride()
