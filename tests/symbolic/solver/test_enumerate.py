"""The first sizes by trying: those that the solver calls the smallest."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archlint.runtime.effort_clock import now
from archlint.symbolic import symbol
from archlint.symbolic.formula import conj, disj, eq, ge, ne
from archlint.symbolic.intervals import Box
from archlint.symbolic.solver.enumerate import MAX_POINTS, smallest_by_enumeration
from archlint.symbolic.solver.solver import Solver
from tests.support.examples import examples

N, H, W = symbol("N"), symbol("H"), symbol("W")
NAMES = ("N", "H", "W")
PARTS = [
    ge(H, 7), ge(W, H + 2), ne(H % 3, 0), eq(W % 4, 1), ge(H * W, 30), eq((H + N) % 2, 0),
    ge(9, N + W), disj(ge(N, 3), eq(H, W)), eq(H // 2, W // 3), ge(0, N - 1),
]  # fmt: skip


@given(
    st.lists(st.sampled_from(PARTS), min_size=1, max_size=3),
    st.tuples(*[st.tuples(st.integers(0, 9), st.none() | st.integers(0, 6)) for _ in NAMES]),
)
@examples(60)
def test_what_is_found_is_what_the_solver_calls_the_smallest(parts, ranges):
    said = {
        n: (low, None if m is None else low + m) for n, (low, m) in zip(NAMES, ranges, strict=True)
    }
    box = Box(said)
    formula = conj(*parts)
    found = smallest_by_enumeration(NAMES, box, formula)
    solver = Solver(NAMES, box, now() + 60)
    if found is not None:
        assert found == solver.smallest(formula)
    else:
        smallest = solver.smallest(formula)
        assert smallest is None or sum(smallest.values()) > sum(low for low, _ in said.values()) + 6


def test_sizes_that_are_not_named_are_at_their_least():
    box = Box({"N": (1, None), "H": (32, None), "W": (32, None)})
    assert smallest_by_enumeration(NAMES, box, ge(W, 40)) == {"N": 1, "H": 32, "W": 40}


@pytest.mark.parametrize(
    ("box", "formula"),
    [
        ({"H": (1, None)}, ge(H, MAX_POINTS + 1)),  # too far
        ({"H": (1, 5)}, ge(H, 6)),  # nowhere
        ({"H": (None, None)}, ge(H, 6)),  # there is no least
        ({"H": (0, None)}, ge(7 // H, 1)),  # no value at the first of them
        ({"H": (1, None)}, True),
    ],
)
def test_nothing_is_said_where_trying_does_not_help(box, formula):
    assert smallest_by_enumeration(("H",), Box(box), formula) is None


def test_the_last_try_counts():
    assert smallest_by_enumeration(("H",), Box({"H": (1, None)}), ge(H, MAX_POINTS)) == {
        "H": MAX_POINTS
    }


def test_a_long_formula_is_tried_less_often():
    box = Box({"H": (1, None)})
    long = disj(*(eq(H, k) for k in range(150, 3000, 3)), ge(H, 5000))
    assert smallest_by_enumeration(("H",), box, ge(H, 150)) == {"H": 150}
    assert smallest_by_enumeration(("H",), box, long) is None
