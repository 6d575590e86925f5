"""What equations let one write more simply: rewritten, never changed where the equations hold."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from archlint.symbolic import evaluate, floordiv, symbol
from archlint.symbolic.equalities import Equalities
from archlint.symbolic.formula import conj, eq, ge, holds

N, H, W = symbol("N"), symbol("H"), symbol("W")
POINTS = [{"N": 2, "H": h, "W": w} for h, w in itertools.product(range(1, 130), (1, 7, 16, 33, 64))]


def known(*formulas):
    equations = Equalities()
    for formula in formulas:
        equations.add(formula)
    return equations


def test_nothing_is_rewritten_without_an_equation():
    assert known().simplify_size(H // 2) is H // 2
    assert known(ge(H, 3)).simplify_formula(ge(H, 2)) is ge(H, 2)


def test_a_divisible_size_comes_back_from_a_window_partition():
    h, w = (H + 15) // 16, (W + 15) // 16
    on_grid = known(eq(h, 8 * ((H + 15) // 128)), eq(w, 8 * ((W + 15) // 128)))
    windows = ((H + 15) // 128) * ((W + 15) // 128)
    assert on_grid.simplify_size((256 * N * h * w) // (16384 * windows)) is N
    assert on_grid.simplify_formula(eq((256 * N * h * w) % windows, 0)) is True


def test_a_pinned_size_is_a_number():
    assert known(eq(H, 224)).simplify_size(H // 16) == 14
    assert known(eq(H, 224), eq(W, H)).simplify_size(H * W) == 224 * 224
    assert known(conj(eq(H, 224), eq(W, 7))).simplify_size(W * H) == 7 * 224


def test_equal_sizes_become_one():
    assert known(eq(H, W)).simplify_size(H - W) == 0


def test_more_words_are_not_simpler():
    equations = known(eq(7 * ((H + 55) // 56), (H + 7) // 8))
    assert equations.simplify_size((H + 15) // 16) is (H + 15) // 16
    assert equations.simplify_formula(eq((H + 7) // 8, 7 * ((H + 55) // 56))) is True


def test_halves_that_are_equal_have_an_even_whole():
    equations = known(eq(H // 2, (H + 1) // 2))
    assert equations.simplify_formula(eq(H, 2 * (H // 2))) is True
    assert equations.simplify_formula(eq(H // 4, (H + 2) // 4)) is not True


def test_no_equation_brings_back_what_another_put_away():
    a, b = (W + 1) // 4, (W + 3) // 4
    equations = known(eq(a, b), eq(7 * ((W + 1) // 28), a))
    assert equations.simplify_formula(eq(49 * N * ((W + 1) // 28), 7 * N * a)) is True


TILES, PIECES = (H + 6) // 8, (H + 28) // 56
COUNT = TILES // PIECES
EQUATIONS = [
    eq(H % 16, 0),
    eq((H + 15) // 16, 8 * ((H + 15) // 128)),
    eq(H // 2, (H + 1) // 2),
    eq((H + 1) // 4, (H + 3) // 4),
    eq(7 * ((H + 1) // 28), (H + 1) // 4),
    eq(H, W),
    eq(W, 16),
    eq(H + W, 80),
    eq(2 * (H // 2), H),
    eq(3 * (H // 3), 2 * W),
    eq(H % W, 0),
    eq(TILES % COUNT, 0),
    eq(TILES // COUNT, PIECES),
]
SIZES = st.sampled_from(
    [
        *(floordiv(H + c, d) for c in range(0, 40, 5) for d in (2, 3, 4, 8, 16, 28, 32, 56, 128)),
        *((H + c) % d for c in (0, 3) for d in (2, 7, 8)),
        *(H * W, floordiv(H * W, 4), floordiv(64 * N * H, 7 * W), floordiv(H, W), H - W, H + 5),
        *(N * W * (H // W), (H // W) * W * W + H, H // (H // W + 1), (W * (H // W) + 3) // 2),
        *(COUNT * PIECES, COUNT * (TILES // COUNT), N * TILES // COUNT, TILES // (TILES // COUNT)),
    ]
)


def all_hold(equations, point):
    return all(holds(e, point) for e in equations)


@given(st.lists(st.sampled_from(EQUATIONS), max_size=4), SIZES, SIZES)
def test_where_the_equations_hold_the_value_is_the_same(equations, one, other):
    rewriting = known(*equations)
    size, comparison = (
        rewriting.simplify_size(one + other),
        rewriting.simplify_formula(ge(one, other)),
    )
    for point in POINTS:
        if evaluate(PIECES, point) and evaluate(COUNT, point) and all_hold(equations, point):
            assert evaluate(size, point) == evaluate(one + other, point)
            assert holds(comparison, point) == holds(ge(one, other), point)


def test_each_equation_holds_somewhere():
    points = [p for p in POINTS if evaluate(PIECES, p) and evaluate(COUNT, p)]
    for equation in EQUATIONS:
        assert any(holds(equation, p) for p in points), equation


def test_a_size_comes_back_from_its_parts():
    divided = known(eq(TILES % COUNT, 0))
    assert divided.simplify_size(N * (TILES // COUNT) * COUNT) is N * TILES
    both = known(eq(TILES % COUNT, 0), eq(TILES // COUNT, PIECES))
    assert both.simplify_size(COUNT * PIECES) is TILES
    assert both.simplify_size(W * COUNT * (TILES // COUNT)) is W * TILES
    assert both.simplify_formula(eq(COUNT * PIECES * W, TILES * W)) is True


def test_a_divisor_is_not_replaced_by_what_contains_it():
    size, pieces = (H + 14) // 16, (H + 84) // 112
    equations = known(eq(size // (size // pieces), pieces), eq((W + 6) // 8, W // 3 + 1))
    assert equations.simplify_size(N * pieces // (size // (size // pieces))) is N
    again = known(eq(size // (size // pieces), pieces), eq(pieces, (W + 6) // 8))
    rewritten = again.simplify_size((N * pieces) // ((W + 6) // 8))
    for point in POINTS:
        quotients = (pieces, (W + 6) // 8, size // (size // pieces))
        if evaluate(pieces, point) < 1 or evaluate(size // pieces, point) < 1:
            continue
        if len({evaluate(q, point) for q in quotients}) == 1:
            assert evaluate(rewritten, point) == point["N"]
