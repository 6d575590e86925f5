"""Factors of polynomials: multiplied they are the polynomial, and products print as products."""

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archlint.contracts.rulefile.phrase_parser import parse_clause
from archlint.symbolic import Expr, evaluate, product, symbol
from archlint.symbolic.expr import terms_of
from archlint.symbolic.formula import eq
from archlint.symbolic.term_factors import common_factors, divided, split

H, W, N = map(symbol, "HWN")
ATOMS = (H, W, N, H // 4, (W + 1) // 2)
POINTS = [dict(zip("HWN", p, strict=True)) for p in itertools.product((1, 2, 5, 9, 14), repeat=3)]


@st.composite
def sums(draw):
    """A linear sum of one or two atoms."""
    atoms = draw(st.lists(st.sampled_from(ATOMS), min_size=1, max_size=2, unique=True))
    coefs = st.integers(-4, 4).filter(bool)
    return sum((a * draw(coefs) for a in atoms), draw(st.integers(-6, 6)))


def value(terms, env):
    return sum(c * math.prod(a.evaluate(env) for a in m) for m, c in terms.items())


@given(st.lists(sums(), min_size=1, max_size=3), st.integers(-6, 6).filter(bool))
@settings(max_examples=150, deadline=None)
def test_factors_multiplied_are_the_polynomial(parts, number):
    size = product(parts) * number
    if isinstance(size, int):
        return
    terms = terms_of(size)
    monomial, number = common_factors(terms)
    rest = divided(terms, {monomial: number})
    found = [{monomial: number}, *split(rest)]
    for env in POINTS:
        assert math.prod(value(f, env) for f in found) == evaluate(size, env)


@given(st.lists(sums(), min_size=2, max_size=3))
@settings(max_examples=100, deadline=None)
def test_the_text_of_a_product_is_read_back_as_the_same_size(parts):
    size = product(parts)
    if not isinstance(size, Expr):
        return
    formula = eq(size + N * H * W * 1000, 7)
    if not isinstance(formula, bool):
        assert parse_clause(f"only {formula}", "accepts").region is formula


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (16 * N * (H // 4 - 3) * (W // 4 - 3), "16*N*(H//4-3)*(W//4-3)"),
        (-(H - 3) * (W + 2), "-(H-3)*(W+2)"),
        (25 * (H - 9) * (H - 9), "25*(H-9)*(H-9)"),
        (N * (H - 2) + 5, "H*N-2*N+5"),
        (H * W - 3 * H, "H*W-3*H"),
        ((N * (H - 3) * (W - 3)) // 11, "(N*(H-3)*(W-3))//11"),
        (H * W - 7 * (H * W // 7), "(H*W) % 7"),
        (H * H - 9, "H*H-9"),
    ],
)
def test_products_are_printed_where_that_is_shorter(size, text):
    assert str(size) == text


@pytest.mark.parametrize(
    ("terms", "divisor"), [({(): 3}, {(): 2}), ({(): 1}, terms_of(H - 1)), (terms_of(H), {(): 2})]
)
def test_what_does_not_divide_has_no_quotient(terms, divisor):
    assert divided(terms, divisor) is None
