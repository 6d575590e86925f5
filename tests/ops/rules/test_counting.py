"""bincount, and one_hot that reads its classes from the elements, against the real operators."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import archlint
from archlint.ops.aliases import spellings
from tests.ops.oracle import S, T, agree, covers
from tests.ops.rules.test_indexing import ids
from tests.ops.rules.test_view import few, sizes

shapes = st.sampled_from([("a",), ("a",), (3,), (0,), (), ("a", "b")])


@covers(*spellings("bincount"))
@few
@given(
    env=sizes,
    other=sizes,
    dims=shapes,
    low=st.sampled_from([0, 0, 1, -1]),
    weights=st.sampled_from([None, None, ("a",), ("b",), (), (3,)]),
    minlength=st.sampled_from([0, 2, "b"]),
    dtype=st.sampled_from([torch.int64, torch.int32]),
)
def test_bincount(env, other, dims, low, weights, minlength, dtype):
    lacks = weights is not None  # weights of no elements
    weights = None if weights is None else T(*weights)
    index = ids(*dims, low=low, dtype=dtype)
    args = (index, weights, S(minlength))
    agree(torch.bincount, *args, env=env, other=other, may_lack_rule=lacks)


@few
@given(env=sizes, other=sizes, dims=shapes, low=st.sampled_from([0, 0, 1, -1]))
def test_one_hot_of_as_many_classes_as_there_are(env, other, dims, low):
    agree(F.one_hot, ids(*dims, low=low), env=env, other=other)


class Counted(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


@pytest.mark.parametrize(
    ("function", "accepted", "size"),
    [
        (lambda x: torch.bincount(torch.arange(x.shape[1])), "any size", (9,)),
        (lambda x: torch.bincount(torch.arange(x.shape[1])) + torch.ones(4), "W in {1, 4}", 4),
        (lambda x: F.one_hot(torch.arange(x.shape[1]) // 2), "any size", (9, 5)),
        (lambda x: torch.bincount(torch.arange(x.shape[1]) - 3), "no size", None),
    ],
)
def test_known_elements(function, accepted, size):
    found = archlint.infer(Counted(function), "N W")
    assert found.exact, found
    assert found.text == accepted
    if isinstance(size, tuple):
        assert found.output(N=1, W=9) == size


def test_unknown_elements_give_an_unknown_number_of_bins():
    model = Counted(lambda x: torch.bincount(x.argmax(1), minlength=3))
    assert archlint.infer(model, "N W").exact
    fits = Counted(lambda x: torch.bincount(x.argmax(1), minlength=3) + torch.ones(3))
    found = archlint.infer(fits, "N W")
    assert found.accepts(N=2, W=3) is True
    assert found.accepts(N=2, W=5) is None
