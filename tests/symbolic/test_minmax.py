"""Minima and maxima against Python's ``min`` and ``max``."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archlint.symbolic import Max, Min, evaluate, maximum, minimum
from tests.support.sizes import POINTS, SYMBOLS, normal, trees, value

H, W, N = SYMBOLS.values()
PAIRS = pytest.mark.parametrize(
    ("extremum", "python", "kind"), [(minimum, min, Min), (maximum, max, Max)], ids=["min", "max"]
)


@PAIRS
@settings(max_examples=100)
@given(arguments=st.lists(trees(leaves=4), min_size=1, max_size=4))
def test_the_value_is_pythons(extremum, python, kind, arguments):
    size = extremum(*map(normal, arguments))
    for env in POINTS:
        values = [value(a, env) for a in arguments]
        if None not in values:
            assert evaluate(size, env) == python(values)


@PAIRS
def test_order_grouping_and_repetition_do_not_matter(extremum, python, kind):
    sizes = (H, W // 2, N + 3)
    for a, b, c in itertools.permutations(sizes):
        assert extremum(a, b, c) is extremum(*sizes)
        assert extremum(a, extremum(b, c)) is extremum(*sizes)
        assert extremum(extremum(a, b), extremum(b, c)) is extremum(*sizes)
        assert extremum(a, a) is a


@PAIRS
def test_only_one_of_two_sizes_with_a_constant_difference_stays(extremum, python, kind):
    for offset in range(-3, 4):
        larger, smaller = (H + offset, H) if offset > 0 else (H, H + offset)
        assert extremum(H, H + offset) is (smaller if kind is Min else larger)
        other = extremum(H, W, H + offset)
        assert other is extremum(W, smaller if kind is Min else larger)


@PAIRS
def test_of_numbers_it_is_a_number(extremum, python, kind):
    for values in itertools.product(range(-2, 3), repeat=3):
        assert extremum(*values) == python(values)


def test_an_extremum_inside_an_argument_is_part_of_it_if_that_is_no_longer():
    assert maximum(0, H - minimum(5, H)) is maximum(0, H - 5)
    assert minimum(H, 3 + minimum(W, H)) is minimum(H, W + 3)
    longer = maximum(0, H - minimum(5, W))
    assert str(longer) == "max(0, H-min(5, W))"
