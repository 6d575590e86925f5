"""The words of claims that many operators make; whether they hold is tested with the operators."""

from __future__ import annotations

import pytest
import torch

from archlint.ops.registry import Refused, TensorSpec
from archlint.ops.shapes import claims
from archlint.symbolic import symbol
from archlint.symbolic.formula import eq
from tests.ops.oracle import HintPath

IMAGE = TensorSpec((2, 3, symbol("H")), torch.float32)
ROW = TensorSpec((2,), torch.int64)


@pytest.mark.parametrize(
    ("claim", "words"),
    [
        (lambda p: claims.claim_ndim(p, "an input", IMAGE, 4), "an input of 4 dimensions, gets 3"),
        (lambda p: claims.claim_ndim(p, "a row", IMAGE, 1), "a row of 1 dimension, gets 3"),
        (
            lambda p: claims.claim_ndim(p, "rows", ROW, 2, 3),
            "rows of 2 or 3 dimensions, gets 1",
        ),
        (
            lambda p: claims.claim_least_ndim(p, "rows", ROW, 2),
            "rows of at least 2 dimensions, gets 1",
        ),
        (
            lambda p: claims.claim_most_ndim(p, "an index", IMAGE, 1),
            "an index of at most 1 dimension, gets 3",
        ),
        (
            lambda p: claims.claim_dtype(p, "an index", IMAGE, torch.int64, torch.int32),
            "an index of int64 or int32, gets float32",
        ),
        (
            lambda p: claims.claim_equal(p, 2, symbol("H"), "rows {} == height {}"),
            "rows 2 == height H",
        ),
        (
            lambda p: claims.claim_same_sizes(p, ROW.dims, (4, 2), "size {} == size {}"),
            "size 2 == size 4",
        ),
    ],
)
def test_what_is_refused_is_named(claim, words):
    with pytest.raises(Refused) as refused:
        claim(HintPath({"H": 5}))
    assert str(refused.value) == words


def test_what_holds_makes_no_claim():
    path = HintPath({"H": 5})
    claims.claim_ndim(path, "an input", IMAGE, 2, 3)
    claims.claim_least_ndim(path, "an input", IMAGE, 3)
    claims.claim_most_ndim(path, "an input", IMAGE, 3)
    claims.claim_dtype(path, "an input", IMAGE, torch.float32)
    claims.claim_same_sizes(path, IMAGE.dims, IMAGE.dims, "size {} == size {}")
    assert path.events == []


def test_a_dtype_may_be_excused_by_sizes():
    path = HintPath({"H": 0})
    empty = eq(symbol("H"), 0)
    claims.claim_dtype(path, "an input", IMAGE, torch.int64, unless=empty)
    assert path.events == [("claim", empty, True)]
