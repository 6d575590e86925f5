"""Checks that a model makes itself, against ``torch._assert``."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from archlint.dims import symbol
from archlint.formula import eq
from archlint.ops.registry import RULES, Refused, TensorSpec
from tests.ops.oracle import HintPath, covers

H = symbol("H")


@covers(torch._assert)
@given(height=st.integers(0, 9))
def test_a_condition_on_sizes_is_a_claim(height):
    path = HintPath({"H": height})
    try:
        torch._assert(height % 4 == 0, "a height {in} fours")
    except AssertionError as real:
        with pytest.raises(Refused, match=r"a height \{in\} fours"):
            RULES[torch._assert](path, eq(H % 4, 0), str(real))
    else:
        RULES[torch._assert](path, eq(H % 4, 0), "a height {in} fours")
    assert [e[0] for e in path.events] == ["claim"]


def test_a_condition_on_values_cannot_be_proved():
    path = HintPath({})
    RULES[torch._assert](path, TensorSpec((), torch.bool), "all positive")
    assert path.caveats == ["the model asserts something about values: all positive"]
