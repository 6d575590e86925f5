"""``as_strided`` against the real operator, and against runs of models."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import archlint
from archlint.ops.aliases import spellings
from archlint.symbolic import symbol
from tests.ops.oracle import S, T, agree, covers

A, B = symbol("a"), symbol("b")
few = settings(max_examples=80, deadline=None)
sizes = st.fixed_dictionaries({n: st.integers(0, 6) | st.just(12) for n in "ab"})
numbers = st.sampled_from([0, 1, 2, 3, A, B, A - 2, A * B, (A - 4) // 2 + 1])


@covers(*spellings("as_strided"))
@pytest.mark.parametrize("op", spellings("as_strided"))
@few
@given(env=sizes, other=sizes, pairs=st.lists(st.tuples(numbers, numbers), max_size=3))
def test_as_strided(op, env, other, pairs):
    size = tuple(S(n) for n, _ in pairs)
    stride = tuple(S(s) for _, s in pairs)
    agree(op, T("a", "b"), size, stride, env=env, other=other, may_lack_rule=True)


class Frames(nn.Module):
    """Frames of sound: 16 samples, one each 8."""

    def __init__(self, length=16, step=8):
        super().__init__()
        self.length, self.step = length, step

    def forward(self, x):
        n, t = x.shape
        count = (t - self.length) // self.step + 1
        return x.as_strided((n, count, self.length), (t, self.step, 1))


class OfAView(nn.Module):
    def forward(self, x):
        return x[:, :, 2:].as_strided((2, 2), (2, 1))


class Beyond(nn.Module):
    def forward(self, x):
        return x.as_strided((x.shape[0], x.shape[1] + 1), (x.shape[1], 1))


def runs(model, *sizes):
    try:
        return tuple(model(torch.zeros(sizes)).shape)
    except RuntimeError:
        return None


@pytest.mark.parametrize(("length", "step"), [(16, 8), (4, 4), (5, 2), (1, 1), (7, 3)])
@pytest.mark.parametrize("samples", [0, None])
def test_a_negative_count_is_refused(length, step, samples):
    model = Frames(length, step)
    found = archlint.infer(model, "N T")
    assert found.exact
    for t in range(1, 40):
        expected = runs(model, 2, t)
        assert found.accepts(N=2, T=t) is (expected is not None), t
        assert expected is None or found.output(N=2, T=t) == expected
    at_least = min(t for t in range(1, 40) if runs(model, 2, t) is not None)
    below = archlint.check(model, "N T", accepts="any size", samples=samples)
    assert below.word == ("broken" if at_least > 1 else "proved")


@pytest.mark.parametrize("model", [OfAView(), Beyond()])
def test_memory_of_a_view_or_beyond_is_never_proved(model):
    shape = "N C H" if isinstance(model, OfAView) else "N T"
    found = archlint.infer(model, shape)
    for n in range(1, 5):
        for h in range(1, 6):
            point = {"N": n, "C": 1, "H": h} if shape == "N C H" else {"N": n, "T": h}
            answer = found.accepts(**point)
            assert answer in (None, runs(model, *point.values()) is not None), point
