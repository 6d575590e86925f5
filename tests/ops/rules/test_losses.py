"""Losses of class indices against the real ones; others run as kernels that do not check them."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import archlint
from archlint.ops.aliases import spellings
from archlint.ops.traits import Unchecked, traits_of
from archlint.symbolic import symbol
from tests.ops.oracle import T, agree, covers
from tests.ops.rules.test_indexing import ids
from tests.ops.rules.test_view import few, sizes


class Loss(nn.Module):
    def __init__(self, function, target):
        super().__init__()
        self.function = function
        self.register_buffer("target", target)

    def forward(self, x):
        return self.function(x, self.target)


class Two(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x, n):
        return self.function(x, n)


B = symbol("b")
targets = st.sampled_from(
    [("a",), ("b",), (), ("a", "c"), ("a", "c", "d"), (2,), ("a", "b"), ("a", 1)]
)
inputs = st.sampled_from(
    [("b",), ("a", "b"), ("a", 3), ("a", "b", "c"), ("a", "b", "c", "d"), ("a", "b", 1), ()]
)
weights = st.sampled_from([None, None, ("b",), (3,)])


@covers(*spellings("nll_loss_nd", "cross_entropy_loss"))
@pytest.mark.parametrize("op", spellings("nll_loss_nd", "cross_entropy_loss"))
@settings(max_examples=150, deadline=None)
@given(sizes, sizes, inputs, targets, st.sampled_from([0, 0, 0, -1]), weights, st.integers(0, 2))
def test_loss(op, env, other, x, target, start, weight, reduction):
    def none(env):  # without classes the kernel answers
        at = x[min(len(x), 2) - 1] if x else 1
        return (env[at] if isinstance(at, str) else at) == 0

    target = ids(*target, low=start)
    lacks = none(env) or none(other) or (len(x) == 1) == bool(target.dims) or x == target.dims
    weight = None if weight is None else T(*weight)
    agree(op, T(*x), target, weight, reduction, env=env, other=other, may_lack_rule=lacks)


@few
@given(sizes, sizes, inputs, inputs, weights, st.integers(0, 2), st.sampled_from([0.0, 0.1]))
def test_cross_entropy_with_probabilities(env, other, x, target, weight, reduction, smoothing):
    weight = None if weight is None else T(*weight)
    lacks = len(x) != len(target) or 0 in env.values() or 0 in other.values()
    for ignored in (-100, 1):
        agree(
            torch._C._nn.cross_entropy_loss,
            *(T(*x), T(*target), weight, reduction, ignored, smoothing),
            env=env,
            other=other,
            may_lack_rule=True if lacks or x != target else not x,
        )


@pytest.mark.parametrize(
    ("values", "accepted", "exact"),
    [
        ([0, 4], "C >= 5", True),
        ([0, -100], "C >= 1", False),  # the other may be anywhere below 0 too
        ([-100, -100], "any size", True),
        ([0, -1], "no size", True),
    ],
)
def test_class_indices(values, accepted, exact):
    found = archlint.infer(Loss(F.cross_entropy, torch.tensor(values)), "2 C")
    assert found.exact is exact, found
    if exact:
        assert found.text == accepted


@pytest.mark.parametrize("ignored", [-1, 0, 1, 3, 4, 5])
def test_the_index_that_is_ignored_is_at_an_end_of_the_range(ignored):
    class Ignoring(torch.nn.Module):
        def forward(self, scores, classes):
            return F.cross_entropy(scores, classes, ignore_index=ignored)

    for below in (4, 5):
        classes = {"shape": "N", "dtype": "int64", "below": below}
        found = archlint.infer(Ignoring(), {"scores": "N 4", "classes": classes})
        others = [c for c in range(below) if c != ignored]
        assert found.exact
        assert found.accepts(N=3) is all(c < 4 for c in others)


@covers(torch._C._nn.multi_margin_loss)
@few
@given(sizes, sizes, inputs, targets, st.sampled_from([0, 0, -1]), st.integers(0, 2))
def test_multi_margin(env, other, x, target, start, reduction):
    args = (T(*x), ids(*target, low=start), 1, 1.0, None, reduction)
    op = torch._C._nn.multi_margin_loss
    agree(op, *args, env=env, other=other, may_lack_rule=not x)


def lengths(dims, value):
    return T(*dims, dtype=torch.int64, fill=value, values=(value, value))


@covers(torch.ctc_loss)
@settings(max_examples=150, deadline=None)
@given(
    sizes,
    sizes,
    st.sampled_from([("d", "b", "c"), ("d", "b", "c"), ("d", "c"), ("c",)]),
    st.sampled_from([("b", "a"), ("b", "a"), (B * 2,), ("a",), ("a", "b", "c")]),
    st.tuples(st.sampled_from([("b",), (1,), ()]), st.sampled_from([1, 3, 0, -1])),
    st.tuples(st.sampled_from([("b",), (1,), ()]), st.sampled_from([2, 1, 0, -1])),
    st.tuples(st.sampled_from([0, 0, 1, -1]), st.integers(0, 2)),
)
def test_ctc(env, other, scores, targets, inputs, labels, settings):
    args = T(*targets, dtype=torch.int64, values=(0, 0)), lengths(*inputs), lengths(*labels)
    lacks = not all({**env, **other}.values())
    agree(torch.ctc_loss, T(*scores), *args, *settings, env=env, other=other, may_lack_rule=lacks)


def test_lengths_that_are_not_known_are_not_proved():
    model = Two(lambda x, n: F.ctc_loss(x, torch.zeros(2, 3, dtype=torch.long), n, n))
    found = archlint.infer(model, {"x": "T 2 5", "n": {"shape": "2", "dtype": "int64", "below": 4}})
    assert "tensor values determine whether input_lengths are in range" in str(found.reasons)


@pytest.mark.parametrize("function", [F.cosine_embedding_loss, F.margin_ranking_loss])
def test_losses_whose_target_is_no_index(function):
    class Pair(nn.Module):
        def forward(self, x):
            return function(x, x, torch.ones(x.shape[0]))

    assert archlint.infer(Pair(), "N C").exact


def test_a_target_that_may_be_out_of_range_is_not_proved():
    model = Loss(F.multilabel_margin_loss, torch.tensor([[0, 4, -1], [0, 1, -1]]))
    with pytest.raises(RuntimeError, match="out of range"):
        model(torch.ones(2, 3))
    found = archlint.infer(model, "2 C")
    assert not found.exact
    assert "indices are not checked" in str(found.reasons)


def test_a_loss_without_indices_is_exact():
    assert archlint.infer(Loss(F.mse_loss, torch.ones(2, 5)), "2 C").exact


@pytest.mark.parametrize("name", ["nll_loss", "multilabel_margin_loss"])
def test_losses_are_declared(name):
    assert traits_of(getattr(torch._C._nn, name)).unchecked is Unchecked.INDICES
