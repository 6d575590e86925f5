"""Case splits: the same truth as the comparison at all sizes of the box."""

import itertools

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from archlint.symbolic import minimum, symbol
from archlint.symbolic.case_split import MAX_CASES, divisors, products, split_by_values
from archlint.symbolic.formula import Comparison, comparisons, eq, ge, holds, ne
from archlint.symbolic.intervals import Box
from tests.support.examples import examples

N, H, W = symbol("N"), symbol("H"), symbol("W")
BOX = Box({"N": (1, 4), "H": (1, None), "W": (0, 40)})
POINTS = [
    {"N": n, "H": h, "W": w}
    for n, h, w in itertools.product(range(1, 5), (1, 2, 3, 5, 8, 13, 30), (0, 1, 6, 7, 40))
]

sizes = st.recursive(
    st.one_of(st.sampled_from([N, H, W]), st.integers(-3, 5)),
    lambda inner: st.one_of(
        st.builds(lambda a, b: a + b, inner, inner),
        st.builds(lambda a, b: a * b, inner, inner),
        st.builds(lambda a, k: a // k, inner, st.sampled_from([N, N + 1, minimum(N, H), 2, 3])),
        st.builds(lambda a, k: a % k, inner, st.sampled_from([N, 2 * N, minimum(N, H), 4])),
        st.builds(minimum, inner, inner),
    ),
    max_leaves=6,
)


@examples(80)
@given(st.sampled_from([ge, eq, ne]), sizes, sizes)
def test_the_split_comparison_is_equivalent(compare, left, right):
    comparison = compare(left, right)
    assume(isinstance(comparison, Comparison))
    split = split_by_values(comparison, BOX)
    if split is not None:
        for point in POINTS:
            assert holds(split, point) == holds(comparison, point), (str(split), point)


def test_the_divisor_is_gone_from_every_case():
    comparison = ge((W - H % N) % N, 1)
    split = split_by_values(comparison, BOX)
    assert list(divisors(comparison.expr)) != []
    assert all(list(divisors(c.expr)) == [] for c in comparisons(split))


@pytest.mark.parametrize(
    ("comparison", "box"),
    [
        (ge(W // H, 3), {"H": (1, MAX_CASES + 1)}),  # too many values
        (ge(W // H, 3), {"H": (1, None)}),  # no bound
        (ge(W // H, 3), {"H": (0, 3)}),  # a divisor of 0
        (ge(W, 3), {"W": (1, 3)}),  # nothing is multiplied or divided
    ],
)
def test_others_are_not_split(comparison, box):
    assert split_by_values(comparison, Box(box)) is None


def test_as_many_values_as_are_allowed():
    assert split_by_values(ge(W // H, 3), Box({"H": (1, MAX_CASES)})) is not None


def test_products_and_divisors_are_those_inside_too():
    size = minimum((H * W) // (N + 1), 3 * (W // (H // N)))
    assert {str(d) for d in divisors(size)} == {"N+1", "H//N", "N"}
    assert len(list(products(size))) == 1
