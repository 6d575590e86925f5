"""Remainders, ceilings and exact quotients against Python's integers."""

import itertools
import math

import pytest
from hypothesis import assume, given, settings

from archlint.symbolic import ceildiv, evaluate, exact_quotient, floordiv, mod
from tests.support.sizes import POINTS, SYMBOLS, normal, trees, value

H, W, N = SYMBOLS.values()


@settings(max_examples=150)
@given(trees(leaves=6), trees(leaves=5))
def test_a_product_divides_exactly_or_not_at_all(left, right):
    a, b = normal(left), normal(right)
    assume(b != 0)
    assert exact_quotient(a * b, b) == a
    assert floordiv(a * b, b) == a
    assert mod(a * b, b) == 0
    quotient = exact_quotient(a, b)
    if quotient is not None:
        assert quotient * b == a


@settings(max_examples=150)
@given(trees(leaves=6), trees(leaves=3))
def test_quotients_have_pythons_value(left, right):
    a, b = normal(left), normal(right)
    assume(b != 0)
    down, up, rest = floordiv(a, b), ceildiv(a, b), mod(a, b)
    for env in POINTS:
        x, y = value(left, env), value(right, env)
        if x is not None and y:
            assert evaluate(down, env) == x // y
            assert evaluate(up, env) == -(-x // y)
            assert evaluate(rest, env) == x % y


def test_of_numbers_they_are_pythons():
    for a, b in itertools.product(range(-9, 10), [*range(-5, 0), *range(1, 6)]):
        assert mod(a, b) == a % b
        assert floordiv(a, b) == math.floor(a / b)
        assert ceildiv(a, b) == math.ceil(a / b)
        assert exact_quotient(a, b) == (a // b if a % b == 0 else None)


@pytest.mark.parametrize("divide", [floordiv, ceildiv, mod])
@pytest.mark.parametrize("num", [7, H, H * W])
def test_division_by_0_is_an_error(divide, num):
    with pytest.raises(ZeroDivisionError):
        divide(num, 0)
    assert exact_quotient(num, 0) is None


def test_a_quotient_that_depends_on_the_size_is_not_exact():
    assert exact_quotient(H, 2) is None
    assert exact_quotient(H, W) is None
    assert exact_quotient(2 * H + 1, 2) is None
    assert exact_quotient(H + W, H) is None


@pytest.mark.parametrize(
    ("quotient", "reduced"),
    [
        (floordiv(896 * H * W, 224 * H * H), floordiv(4 * W, H)),
        (floordiv(6 * H + 4, 4 * W - 8), floordiv(3 * H + 2, 2 * W - 4)),
        (floordiv(H * W + 2 * H, H * N), floordiv(W + 2, N)),
        (floordiv(H * W, -(H * N)), floordiv(-W, N)),
        (floordiv(6, 4 * H), floordiv(3, 2 * H)),
        (floordiv(7 * H * (W // 8), 14 * (W // 8)), H // 2),
        (ceildiv(24 * H, 8 * N), ceildiv(3 * H, N)),
        (mod(4 * H * W, 2 * H * N), 2 * H * mod(2 * W, N)),
    ],
)
def test_common_factors_of_numerator_and_denominator_cancel(quotient, reduced):
    assert quotient == reduced
