"""Sums of floats that are made from sizes, which `sum` and numpy round in their own ways."""

import functools
import operator

import numpy
import pytest

from archlint.symbolic import symbol
from archlint.symbolic.intervals import Box
from archlint.tracing.path import TracedPath
from archlint.tracing.symint.numbers import value_at
from archlint.tracing.symint.python_types import node_value, sym_int


@pytest.mark.parametrize("add", [sum, numpy.sum, lambda floats: sum(floats, 0.5)])
def test_a_sum_of_floats_is_that_of_python_or_left_open(add):
    followed = []
    for h in (1, 2, 3, 7, 13, 17, 29, 59):
        path = TracedPath({"H": h}, Box({"H": (1, None)}))
        size = sym_int(symbol("H"), path)
        for count in (1, 2, 3, 10):
            path.caveats.clear()
            total = add([size / 10] * count)
            if not path.caveats:
                followed.append(count)
                assert value_at(node_value(total), {"H": h}) == add([h / 10] * count), (h, count)
    assert 1 in followed


def test_floats_that_are_added_one_by_one_are_followed():
    path = TracedPath({"H": 7}, Box({"H": (1, None)}))
    size = sym_int(symbol("H"), path)
    total = functools.reduce(operator.add, [size / 10] * 10) + size / 3
    assert (
        value_at(node_value(total), {"H": 7}) == functools.reduce(operator.add, [0.7] * 10) + 7 / 3
    )
    assert path.caveats == []
