"""Softmax in every spelling."""

from __future__ import annotations

import itertools

import pytest
import torch
import torch.nn.functional as F

import archlint.ops.rules.softmax  # noqa: F401
from archlint.ops.aliases import spellings
from archlint.ops.registry import RULES
from tests.ops.oracle import T, agree, covers

point = {"a": 2, "b": 3, "c": 4, "d": 2}
other = {"a": 0, "b": 1, "c": 5, "d": 3}


def _named(f):
    return getattr(f, "__qualname__", f.__name__)


SOFT = [f for n in ("softmax", "log_softmax", "softmin") for f in spellings(n) if f in RULES]


@covers(*SOFT, F.gumbel_softmax)
@pytest.mark.filterwarnings("ignore:Implicit dimension choice")
@pytest.mark.parametrize("function", [*SOFT, F.gumbel_softmax], ids=_named)
def test_softmax(function):
    for rank, dim in itertools.product(range(5), range(-5, 5)):
        agree(function, T(*"abcd"[:rank]), dim=dim, env=point, other=other, layout=True)
    strided = T(*"abcd", perm=(0, 3, 1, 2))
    agree(function, strided, dim=1, env=point, other=other, layout=True)
    for dtype in (torch.float64, torch.int64, torch.float16):
        x = T("a", dtype=dtype)
        agree(function, x, dim=0, env=point, other=other, may_lack_rule=True)
        if function is not F.gumbel_softmax:
            agree(function, T("a", dtype=torch.int64), dim=0, dtype=dtype, env=point, other=other)
    if function in (F.softmax, F.log_softmax, F.softmin):
        agree(function, T(*"abc"), env=point, other=other)
