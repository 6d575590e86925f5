"""Factors of polynomials: multiplied out they are the polynomial again."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archlint.symbolic import Expr, ceildiv, evaluate, floordiv, mod, product, symbol
from archlint.symbolic.factoring import cancelled, factors, products_with_rest
from archlint.symbolic.formula import eq, ge, le, lt, ne
from tests.support.sizes import POINTS, SYMBOLS, normal, trees

H, W, N = SYMBOLS.values()
M = symbol("M")
X = ceildiv(H, 2)


def multiplied(result):
    return product(result.factors) * result.number + result.rest


@pytest.mark.parametrize(
    ("sizes", "number"),
    [
        ((H - 2, W - 2), 1),
        ((H, H, W), 6),
        ((X - 4, X - 4, N), 1),
        ((H - 5, mod(N * W, 2)), -3),
        ((H + W, N - W + 3), 1),
        ((H - 2, W + 3, N - 4), 2),
        ((2 * H - 3, W // 2 + N), 1),
        ((H + 7, H + 7, H - 1), 1),
    ],
    ids=str,
)
def test_the_factors_of_a_product(sizes, number):
    expr = product(sizes) * number
    result = factors(expr)
    assert multiplied(result) == expr
    plain = {f if f.terms[0][1] > 0 else -f for f in result.factors}
    assert plain == {s if s.terms[0][1] > 0 else -s for s in sizes}


@settings(max_examples=150)
@given(st.lists(trees(leaves=4), min_size=1, max_size=3))
def test_any_product_multiplied_out_is_the_same(parts):
    expr = product(map(normal, parts))
    if not isinstance(expr, Expr):
        return
    assert multiplied(factors(expr)) == expr
    for result in products_with_rest(expr):
        assert multiplied(result) == expr


@pytest.mark.parametrize(
    ("formula", "text"),
    [
        (eq((H // 2) * (W // 2), 2 * (H // 2) + 2 * (W // 2) + 140), "(H//2-2)*(W//2-2) == 144"),
        (ge(W * H, 5 * W + 5), "W*(H-5) >= 5"),
        (le(2 * (H - 2) * (W - 3), 9), "(H-2)*(W-3) <= 4"),
        (ne(N * (H - 2) * (W - 2), 144), "N*(H-2)*(W-2) != 144"),
        (eq(H * W, H * N + 3), "H*N == H*W-3"),
        (lt(H * W, 9), "H*W <= 8"),
        (eq(H // 4, 16 * (W // 64)), "H//4 == 16*(W//64)"),
    ],
    ids=str,
)
def test_a_comparison_shows_the_product_where_that_is_shorter(formula, text):
    assert str(formula) == text


def test_common_sums_of_quotients_cancel():
    both = (X - 4) * (X - 4)
    assert cancelled(floordiv(4 * N * both, 2 * M * both)) == floordiv(2 * N, M)
    assert cancelled(1 + H * (N * (W - 2) // (M * (W - 2)))) == 1 + H * (N // M)
    assert cancelled((H * (W + N)) // (W + N + 1)) == (H * (W + N)) // (W + N + 1)


@settings(max_examples=100)
@given(trees(leaves=4), trees(leaves=3), trees(leaves=3))
def test_cancelled_quotients_have_the_same_value(a, b, c):
    num, den = normal(a) * normal(b), normal(c) * normal(b)
    if den == 0:
        return
    size = floordiv(num, den)
    found = cancelled(size)
    for env in POINTS:
        try:
            expected = evaluate(size, env)
        except ZeroDivisionError:
            continue
        assert evaluate(found, env) == expected


def test_long_sums_stay():
    letters = [symbol(chr(ord("a") + i)) for i in range(20)]
    expr = sum(letters[1:], letters[0]) * math.prod(letters[:2])
    assert multiplied(factors(expr)) == expr
