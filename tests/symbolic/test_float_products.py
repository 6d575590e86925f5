"""Sizes multiplied by floats, against Python's own doubles."""

from __future__ import annotations

import math
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from archlint.symbolic import evaluate, symbol
from archlint.symbolic.float_products import (
    FloatProduct,
    ceil_of_product,
    floor_of_product,
    is_whole_product,
    round_product,
)
from archlint.symbolic.formula import holds

H = symbol("H")
factors = st.builds(
    lambda num, den: num / den, st.integers(1, 60), st.sampled_from([3, 7, 10, 10, 25, 37, 100])
)
multiples = st.integers(0, 200_000).map(lambda k: 10 * k)


class AtSize:
    """A path on which branches go as they go at one size."""

    def __init__(self, size: int) -> None:
        self.env = {"H": size}

    def branch(self, formula):
        return holds(formula, self.env)


@settings(max_examples=400, deadline=None)
@given(factors, st.integers(0, 3000) | multiples)
def test_rounding_is_that_of_doubles(factor, size):
    path, product = AtSize(size), FloatProduct(H, Fraction(factor))
    for ours, real in ((floor_of_product, math.floor), (ceil_of_product, math.ceil)):
        assert evaluate(ours(path, product), path.env) == real(size * factor)
    assert evaluate(round_product(path, product), path.env) == round(size * factor)
    assert holds(is_whole_product(path, product), path.env) == (size * factor).is_integer()


def test_a_factor_that_is_no_simple_fraction_has_no_formula():
    assert floor_of_product(AtSize(9), FloatProduct(H, Fraction(math.pi))) is None
