"""Sums and products of many sizes, against one after the other."""

from functools import reduce
from operator import add, mul

from hypothesis import given
from hypothesis import strategies as st

from archlint.symbolic import ceildiv, product, summed, symbol

H, W = symbol("H"), symbol("W")
SIZES = st.sampled_from([H, W, H // 2, ceildiv(H, 2), -H, H * W + 3, 2 * W - 1, 0, 5, -7])


@given(st.lists(SIZES, max_size=8))
def test_sums(sizes):
    total, expected = summed(sizes), reduce(add, sizes, 0)
    for point in ({"H": h, "W": w} for h in range(6) for w in (0, 1, 9)):
        value, wanted = (s if isinstance(s, int) else s.evaluate(point) for s in (total, expected))
        assert value == wanted


def test_sums_are_in_normal_form():
    assert summed([]) == 0
    assert summed([H, 3, -H, W, 4]) is W + 7
    assert summed([H // 2, W, (H + 1) // 2]) is H + W


@given(st.lists(SIZES, max_size=4))
def test_products(sizes):
    assert product(sizes) == reduce(mul, sizes, 1)
