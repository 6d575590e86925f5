"""Comparisons without their minima and maxima: the same at all sizes of the box."""

import itertools

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from archlint.symbolic import Extremum, Max, Min, atoms, evaluate, maximum, minimum, symbol
from archlint.symbolic.formula import Comparison, comparisons, conj, disj, eq, ge, holds, le, lt, ne
from archlint.symbolic.intervals import Box
from archlint.symbolic.minmax_comparisons import as_extremum, split_extrema, without_dominated
from archlint.symbolic.products import factored
from tests.support.sizes import SYMBOLS, normal, trees
from tests.symbolic.test_formula import COMPARE

H, W, N = SYMBOLS.values()
BOX = Box({"H": (1, None), "W": (1, None), "N": (1, 4)})
POINTS = [
    {"H": h, "W": w, "N": n}
    for h, w, n in itertools.product(
        (1, 2, 3, 4, 5, 6, 8, 24, 65, 66), (1, 2, 4, 5, 7, 23, 64), (1, 2, 4)
    )
]


def has_extrema(formula):
    if isinstance(formula, bool):
        return False
    return any(isinstance(a, Extremum) for c in comparisons(formula) for a in atoms(c.expr))


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        (ge(minimum(H, W), 7), conj(ge(H, 7), ge(W, 7))),
        (ge(maximum(H, W), 7), disj(ge(H, 7), ge(W, 7))),
        (le(minimum(H, W), 7), disj(le(H, 7), le(W, 7))),
        (eq(H, minimum(H, 65)), le(H, 65)),
        (eq(H * W, minimum(65, H * W)), le(H * W, 65)),
        (ne(H, minimum(H, 65)), ge(H, 66)),
        (eq((H // 8) * W, minimum((H // 8) * W + 1, 65) - 1), le((H // 8) * W, 64)),
        (ge(minimum(H, W) // 3, 2), conj(ge(H, 6), ge(W, 6))),
        (ge(N * minimum(H, W), 7), conj(ge(N * H, 7), ge(N * W, 7))),
        (ge(100 // minimum(H, W), 7), disj(ge(100 // H, 7), ge(100 // W, 7))),
        (ge(minimum(H + 3, 2), 2), True),
        (ne(maximum(0, H - 5), 0), ge(H, 6)),
        (
            eq(W, maximum(0, minimum(24, H + W) - minimum(24, H))),
            le(H + W, 24),
        ),
    ],
    ids=str,
)
def test_examples(formula, expected):
    def rewritten(part):
        return part if isinstance(part, bool) else factored(part, BOX)

    found = rewritten(formula)
    while isinstance(found, Comparison) and rewritten(found) is not found:
        found = rewritten(found)
    assert not has_extrema(found)
    for env in POINTS:
        assert holds(found, env) == holds(formula, env) == holds(expected, env), env


with_extrema = st.recursive(
    trees(leaves=3),
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(["min", "max"]), inner, inner),
        st.tuples(st.sampled_from(["+", "-", "*"]), inner, inner),
        st.tuples(st.sampled_from(["//", "%"]), inner, st.sampled_from([2, 3, 8, "W", "N"])),
    ),
    max_leaves=5,
)


@settings(max_examples=200)
@given(st.sampled_from(sorted(COMPARE)), with_extrema, with_extrema)
def test_any_comparison_keeps_its_truth(op, left, right):
    formula = COMPARE[op][0](normal(left), normal(right))
    assume(isinstance(formula, Comparison) and has_extrema(formula))
    found = split_extrema(formula, BOX)
    if found is None:
        return
    for env in POINTS:
        try:
            expected = holds(formula, env)
        except ZeroDivisionError:
            continue
        assert holds(found, env) == expected, env


@settings(max_examples=100)
@given(with_extrema)
def test_arguments_that_are_never_chosen_do_not_count(tree):
    size = normal(tree)
    narrow = Box({"H": (3, 8), "W": (4, None), "N": (1, 4)})
    try:
        found = without_dominated(size, narrow)
    except ZeroDivisionError:
        return
    for env in POINTS:
        if env["W"] >= 4 and 3 <= env["H"] <= 8:
            try:
                expected = evaluate(size, env)
            except ZeroDivisionError:
                continue
            assert evaluate(found, env) == expected


def test_dominated_arguments():
    assert without_dominated(maximum(0, H - 5), Box({"H": (6, None)})) is H - 5
    assert without_dominated(maximum(0, H - 5) // 2, Box({"H": (None, 5)})) == 0
    assert without_dominated(minimum(H, W, N), Box({"H": (9, None), "N": (1, 4)})) is minimum(W, N)


def test_the_extremum_of_a_factor_that_may_be_negative_stays_inside():
    anything = symbol("P")
    assert as_extremum(anything * minimum(W, N), Min, BOX) == []
    assert as_extremum(anything * minimum(W, N), Max, BOX) == []
    assert set(as_extremum(minimum(W, N) + H, Min, BOX)) == {W + H, N + H}


def test_many_extrema_stay():
    pairs = enumerate(itertools.permutations((H, W, N), 2))
    size = sum(minimum(a + i, b, 9 - i) for i, (a, b) in pairs)
    assert split_extrema(lt(size, 31), Box({})) is None
