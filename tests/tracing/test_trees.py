"""Nested containers: leaves in order, copies of the same kinds."""

from __future__ import annotations

from collections import OrderedDict, namedtuple

import pytest
import torch

from archlint.tracing.trees import find, leaves, map_leaves

Pair = namedtuple("Pair", "a b")
NESTED = [1, (2, {"x": 3, "y": [4]}), Pair(5, slice(6, 7, 8)), OrderedDict(z=9), torch.Size([10])]


def test_leaves_come_in_order():
    assert list(leaves(NESTED)) == list(range(1, 11))
    assert list(leaves("text")) == ["text"]
    assert list(leaves(())) == []


def test_a_container_that_is_wanted_is_not_entered():
    found = find(NESTED, lambda v: isinstance(v, tuple))
    assert found == [NESTED[1], NESTED[2], NESTED[4]]
    assert find(7, lambda v: isinstance(v, tuple)) == []


def test_a_copy_keeps_the_kinds():
    made = map_leaves(NESTED, lambda n: n + 1)
    assert list(leaves(made)) == list(range(2, 12))
    assert [type(part) for part in made] == [int, tuple, Pair, dict, tuple]
    assert type(made[2].b) is slice
    assert NESTED[0] == 1


@pytest.mark.parametrize("value", [torch.Size([2, 3]), (), [], {}])
def test_what_does_not_change_is_equal(value):
    assert map_leaves(value, lambda v: v) == value
    assert type(map_leaves(value, lambda v: v)) is type(value)


def test_return_types_of_torch_are_rebuilt():
    values = torch.zeros(2, 3).max(1)
    made = map_leaves(values, lambda t: t + 1)
    assert type(made) is type(values)
    assert made.values.tolist() == [1.0, 1.0]
