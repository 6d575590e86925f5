"""Checks that a model makes itself, against ``torch._assert``."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from archlint.ops.registry import RULES, Refused, TensorSpec
from archlint.symbolic import symbol
from archlint.symbolic.formula import eq
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
    assert path.caveats == ["tensor values determine whether the assertion holds: all positive"]


@covers(torch._assert_async)
@pytest.mark.parametrize("dims", [(), (1,), (2,), (0,), (1, 1)])
@pytest.mark.parametrize("value", [0, 1, 5, -2])
def test_an_assertion_that_nobody_waits_for(dims, value):
    rule, path = RULES[torch._assert_async], HintPath({})
    spec = TensorSpec(dims, torch.int64, None, (value, value))
    try:
        torch._assert_async(torch.full(dims, value), "a reason")
    except RuntimeError:
        with pytest.raises(Refused):
            rule(path, spec, "a reason")
    else:
        rule(path, spec, "a reason")
    assert not path.caveats


@pytest.mark.parametrize("values", [None, (0, 1), (-1, 1), (None, 3)])
def test_of_values_that_are_not_known_nothing_is_asserted(values):
    path = HintPath({})
    RULES[torch._assert_async](path, TensorSpec((), torch.int64, None, values))
    assert path.caveats == ["tensor values determine whether the assertion holds"]
