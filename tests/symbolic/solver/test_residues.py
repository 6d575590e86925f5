"""Classes of sizes against brute force and against Z3; which questions need no Z3."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from archlint.runtime.effort_clock import now
from archlint.symbolic import ceildiv, minimum, symbol
from archlint.symbolic.formula import Comparison, conj, disj, eq, ge, holds, le, ne, negate
from archlint.symbolic.intervals import Box
from archlint.symbolic.solver.residues import (
    MAX_VALUES,
    NotSeparable,
    smallest_by_residues,
    truth_pattern,
)
from archlint.symbolic.solver.solver import Solver
from archlint.symbolic.solver.z3_backend import Unsolved, Z3Solver
from tests.support.examples import examples
from tests.support.sizes import NAMES, SYMBOLS, source, trees
from tests.symbolic.solver.test_solver import small_boxes, solutions_of
from tests.symbolic.test_formula import COMPARE, build, formula_trees, truth

H, W, N = SYMBOLS.values()

lines = st.tuples(
    st.sampled_from(sorted(COMPARE)),
    trees(names=("H",), leaves=6, divisors=(1, 2, 3, 4, 5, 7, 8, 16, 32)),
    trees(names=("H",), leaves=3, divisors=(2, 3, 4, 7)),
)
"""Comparisons of one size."""


@settings(max_examples=400)
@given(lines)
@example((">=", "H", 257))
@example(("==", ("%", "H", 49), 0))
@example(("!=", ("//", ("+", "H", 15), 32), ("ceil", "H", 32)))
@example(("==", ("+", ("//", "H", 3), ("*", -2, ("//", "H", 7))), 5))
@example(("<=", ("-", ("%", "H", 7), ("//", "H", 16)), 2))
def test_a_pattern_gives_the_truth_at_every_value(tree):
    comparison = build(tree)
    if not isinstance(comparison, Comparison):
        return
    pattern = truth_pattern(comparison)
    if pattern is None:
        return
    assert pattern.name == "H"
    python = eval(f"lambda H: {source(tree)}")
    for value in (*range(-300, 900), -(10**6), 10**6 + 3, 10**12 + 1):
        try:
            expected = python(value)
        except ZeroDivisionError:
            continue
        assert pattern.holds(value) is expected, (str(comparison), pattern, value)


def test_sums_and_quotients_of_one_size_have_a_pattern():
    for size in (H, 3 * H - 2, H // 7, H % 7, (H + 15) // 32 - ceildiv(H, 32), (H // 2 + 1) // 3):
        comparison = ge(size, 4) if size is H else eq(size, 1)
        parts = [comparison] if isinstance(comparison, Comparison) else comparison.args
        assert all(truth_pattern(part) is not None for part in parts)


@pytest.mark.parametrize(
    "comparison",
    [eq(H, W), ge(H * W, 9), eq(H * H, 49), ge(minimum(H, 9 * W), 4), eq(H % (MAX_VALUES + 1), 0)],
    ids=str,
)
def test_others_have_none(comparison):
    assert truth_pattern(comparison) is None


def compare_with_brute_force(tree, ranges):
    formula = build(tree)
    expected = solutions_of(tree, ranges)
    if expected is None:
        return
    try:
        found = smallest_by_residues(NAMES, Box(ranges), formula)
    except NotSeparable:
        return
    assert found == next(iter(expected), None)


@examples(300)
@given(formula_trees, small_boxes)
@example(("and", (">=", "H", ("*", "W", "N")), ("<", "H", 0)), dict.fromkeys(NAMES, (1, 6)))
@example(("or", ("==", ("%", "H", 3), 2), ("==", ("%", "W", 2), 1)), dict.fromkeys(NAMES, (3, 6)))
def test_the_smallest_sizes_are_those_of_brute_force(tree, ranges):
    compare_with_brute_force(tree, ranges)


alone = st.one_of(
    lines,
    st.tuples(st.sampled_from(sorted(COMPARE)), trees(names=("W",), leaves=4), st.integers(-9, 99)),
)
many = st.recursive(
    alone,
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(["and", "or"]), inner, inner), st.tuples(st.just("not"), inner)
    ),
    max_leaves=5,
)


def compare_with_z3(tree):
    pytest.importorskip("z3")
    formula = build(tree)
    box = Box({"H": (1, None), "W": (0, None), "N": (2, None)})
    if any(truth(tree, {"H": v, "W": v}) is None for v in range(60)):
        return  # each comparison has one size, so that one value for both tries all of them
    try:
        found = smallest_by_residues(NAMES, box, formula)
        theirs = Z3Solver(NAMES, box, now() + 10, 2_000_000).smallest(formula)
    except (NotSeparable, Unsolved):
        return
    assert found == theirs, str(formula)


@examples(120)
@given(many)
def test_the_smallest_sizes_are_those_of_z3(tree):
    compare_with_z3(tree)


RANGES = {"N": (1, None), "H": (1, None), "W": (1, 400)}
DECIDED = {
    "a first size": (ge(H, 257), {"N": 1, "H": 257, "W": 1}),
    "one value, far off": (eq(H, 4096), {"N": 1, "H": 4096, "W": 1}),
    "a remainder beyond a first size": (
        conj(ge(H, 40), eq(H % 32, 29)), {"N": 1, "H": 61, "W": 1}),
    "remainders that exclude each other": (conj(eq(H % 4, 1), eq(H % 2, 0)), None),
    "remainders that meet": (conj(eq(H % 7, 3), eq(H % 5, 4)), {"N": 1, "H": 24, "W": 1}),
    "the smaller sum of two": (disj(ge(H, 9), conj(ge(H, 5), ge(W, 4))), {"N": 1, "H": 5, "W": 4}),
    "ties go to the first name": (disj(ge(H, 9), ge(W, 9)), {"N": 1, "H": 1, "W": 9}),
    "beyond the box": (ge(W, 401), None),
    "its last value": (ge(W, 400), {"N": 1, "H": 1, "W": 400}),
    "a branch and its opposite": (
        conj(le(H, 256), disj(ge(H, 257), ge(W, 257)), disj(ge(H, 257), le(W, 256))), None),
    "rounding up two ways": (
        conj(eq(H % 16, 0), ge(H, 32), ne((H + 15) // 32, ceildiv(H, 32))),
        {"N": 1, "H": 48, "W": 1}),
    "a product, of its factors": (
        conj(eq(H * W % 49, 0), ne(H % 49, 0), ne(W % 7, 0)), None),
    "several sizes, which do not matter": (conj(ge(H, W), eq(H % 3, 1), eq(H % 3, 2)), None),
}  # fmt: skip


@pytest.mark.parametrize("name", DECIDED)
def test_these_need_no_z3(name):
    formula, expected = DECIDED[name]
    names = tuple(RANGES)
    assert smallest_by_residues(names, Box(RANGES), formula) == expected
    asked = Solver(names, Box(RANGES), now() + 20)
    asked.add(formula)
    assert asked.find() == asked.smallest() == expected
    assert asked._z3 is None
    if expected is not None:
        assert holds(formula, expected)


@pytest.mark.parametrize(
    "formula",
    [
        ge(H, W),
        conj(ge(H, W), ge(H, 3)),
        conj(eq(H % 19, 1), eq(H % 29, 1)),
        negate(eq(H * W, 12)),
    ],
    ids=str,
)
def test_these_do(formula):
    with pytest.raises(NotSeparable):
        smallest_by_residues(tuple(RANGES), Box(RANGES), formula)


def test_a_size_without_a_least_value_is_left_to_z3():
    with pytest.raises(NotSeparable):
        smallest_by_residues(("H",), Box({"H": (None, None)}), ge(H, 3))


def test_without_a_question_the_smallest_of_the_box():
    assert smallest_by_residues(("H", "W"), Box({"H": (4, 9), "W": (2, None)}), ge(H, 3)) == {
        "H": 4,
        "W": 2,
    }
    assert smallest_by_residues(("H",), Box({"H": (4, 3)}), ge(H, symbol("H") % 5)) is None
