"""Exact ratios: the floor and ceiling that Python's floats would give, or ``None``."""

import itertools
import math
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from archlint.symbolic import ceildiv, evaluate
from archlint.symbolic.rational import (
    MAX_ROUNDINGS,
    Opaque,
    Ratio,
    approximate,
    compares_exactly,
    ratio_add,
    ratio_div,
    ratio_mul,
    ratio_of,
    reduced,
)
from tests.support.examples import examples
from tests.support.sizes import POINTS, SYMBOLS

H, W, N = SYMBOLS.values()

NUMBERS = st.one_of(
    st.integers(-9, 64),
    st.sampled_from([0.5, 0.25, 0.75, 1.5, 2.0, 0.1, 1 / 3, 0.7, -0.5, 4.0, 1e-3, 32.0, -3.0]),
    st.sampled_from(["H", "W"]),
)
FLOAT_OPS = {
    "+": (ratio_add, lambda a, b: a + b),
    "*": (ratio_mul, lambda a, b: a * b),
    "/": (ratio_div, lambda a, b: a / b),
}


@examples(160)
@given(st.lists(st.tuples(st.sampled_from(sorted(FLOAT_OPS)), NUMBERS), min_size=1, max_size=4))
@example([("/", 2), ("*", 3)])
@example([("/", 32), ("*", 7)])
@example([("/", 3), ("*", 3)])
@example([("/", 49), ("*", 49)])
@example([("/", 10), ("*", 3)])
@example([("/", 3), ("/", 0.1)])
@example([("/", 3), ("/", 3)])
@example([("/", "W"), ("*", "W")])
@example([("*", 0.1)])
@example([("/", -3), ("/", -3)])
def test_ratios_round_as_floats_do(steps):
    def one(number, names):
        return names[number] if isinstance(number, str) else number

    ratio = Ratio(H)
    for word, number in steps:
        other = ratio_of(one(number, SYMBOLS))
        try:
            ratio = None if other is None else FLOAT_OPS[word][0](ratio, other)
        except ZeroDivisionError:
            assert word == "/"
            assert number == 0 or other.num == 0
            return
        if ratio is None:
            return
    for h in [*range(70), 97, 223, 224, 299, 511, 1023, 1999, 4095, 4096, -1, -5, -224]:
        for w in (1, 2, 3, 7, 49, 100, 4093):
            env = {"H": h, "W": w}
            expected = float(h)
            try:
                for word, number in steps:
                    expected = FLOAT_OPS[word][1](expected, float(one(number, env)))
            except ZeroDivisionError:
                continue
            assert evaluate(ratio.floor(), env) == math.floor(expected), (steps, env, ratio)
            assert evaluate(ratio.ceil(), env) == math.ceil(expected), (steps, env, ratio)
            if not ratio.rounded:
                assert ratio.evaluate(env) == expected


def test_exact_ratios_are_not_given_up():
    half = ratio_of(0.5)
    assert ratio_mul(Ratio(H), half).floor() is H // 2
    assert ratio_div(Ratio(H), Ratio(32)).ceil() is ceildiv(H, 32)
    assert ratio_mul(ratio_div(Ratio(H), Ratio(2)), Ratio(3)).floor() is (3 * H) // 2
    assert ratio_mul(ratio_div(Ratio(H), Ratio(32)), Ratio(7)).floor() is (7 * H) // 32
    assert ratio_div(Ratio(H * W), Ratio(W)).floor() is H
    assert ratio_of(0.1) is None
    assert ratio_of(math.inf) is None
    assert ratio_of("3") is None


SIZES = [H, 2 * H, H * W, 6 * H + 4, H // 2, 3 * W, 1, 4, 12, 0, -8]


@pytest.mark.parametrize(
    ("num", "den"), list(itertools.product(SIZES, [2, 3, -6, H, 2 * H, W])), ids=str
)
def test_reduced_ratios_keep_their_value(num, den):
    ratio = reduced(num, den)
    for env in POINTS:
        if evaluate(den, env):
            assert ratio.evaluate(env) == Fraction(evaluate(num, env), evaluate(den, env))


def test_common_factors_are_cancelled():
    assert repr(reduced(6 * H + 4, 8)) == "(3*H+2)/4"
    assert repr(reduced(H * W, W)) == "H/1"


def test_ratios_that_compare_exactly_differ_as_doubles():
    """Two of them that differ as fractions differ as doubles too, and in the same direction."""
    assert compares_exactly(lambda f: True, Ratio(7, H))
    assert compares_exactly(lambda f: None, Ratio(7, 3))
    assert not compares_exactly(lambda f: None, Ratio(7, H))  # H may be 0
    assert not compares_exactly(lambda f: True, Ratio(7, 2 * H))
    assert not compares_exactly(lambda f: True, Ratio(H, 7))
    assert not compares_exactly(lambda f: True, Ratio(-7, H))
    assert not compares_exactly(lambda f: True, Ratio(1 << 20, H))
    largest = (1 << 20) - 1
    numerators, sizes = (1, 2, 7, largest - 1, largest), (1, 3, 1 << 20, 2**31 - 2, 2**31 - 1)
    fractions = {Fraction(n, d): n / d for n in numerators for d in sizes}
    for (a, x), (b, y) in itertools.combinations(fractions.items(), 2):
        assert (a < b) == (x < y)
        assert x != y


def test_a_float_is_approximated_by_the_ratio_without_its_roundings():
    ratio, roundings = approximate(3)
    assert (ratio.num, ratio.den, roundings) == (3, 1, 0)
    third = ratio_div(Ratio(H), Ratio(3))
    assert approximate(third) == (third, 1)
    assert approximate(0.1) is None
    assert approximate(Opaque(0.1, (H,))) is None
    assert approximate(Opaque(0.1, (H,), third, 2)) == (third, 2)
    assert approximate(Opaque(0.1, (H,), third, MAX_ROUNDINGS)) == (third, MAX_ROUNDINGS)
    assert approximate(Opaque(0.1, (H,), third, MAX_ROUNDINGS + 1)) is None
