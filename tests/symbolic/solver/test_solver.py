"""The answers of the solver against brute force in small boxes; deadlines and efforts."""

import itertools
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import archlint.symbolic.solver.solver
from archlint.runtime.effort_clock import now
from archlint.symbolic import ceildiv, floordiv, maximum, minimum, mod, symbol
from archlint.symbolic.formula import conj, disj, eq, ge, gt, holds, le, ne, negate
from archlint.symbolic.intervals import Box
from archlint.symbolic.solver.solver import Solver, Unsolved
from tests.support.sizes import NAMES, SYMBOLS, source
from tests.symbolic.test_formula import build, formula_trees

pytest.importorskip("z3")
H, W, N = SYMBOLS.values()


def solver(names, ranges, seconds=20.0):
    return Solver(names, Box(ranges), now() + seconds)


def solutions(names, ranges, formula):
    """All of them, the smallest sum first, then in the order of names."""
    grid = itertools.product(*(range(ranges[n][0], ranges[n][1] + 1) for n in names))
    envs = [dict(zip(names, point, strict=True)) for point in grid]
    found = [env for env in envs if holds(formula, env)]
    return sorted(found, key=lambda env: (sum(env.values()), [env[n] for n in names]))


def solutions_of(tree, ranges):
    """All of them for a tree, by Python's arithmetic; ``None`` if a divisor is 0 at some sizes."""
    grid = itertools.product(*(range(ranges[n][0], ranges[n][1] + 1) for n in NAMES))
    points = sorted(grid, key=lambda p: (sum(p), p))
    holds_at = eval(f"lambda {', '.join(NAMES)}: {source(tree)}")
    try:
        return [dict(zip(NAMES, p, strict=True)) for p in points if holds_at(*p)]
    except ZeroDivisionError:
        return None


small_boxes = st.fixed_dictionaries(
    {n: st.builds(lambda a, b: (a, a + b), st.integers(0, 4), st.integers(0, 8)) for n in NAMES}
)


@settings(max_examples=60)
@given(tree=formula_trees, ranges=small_boxes)
def test_answers_agree_with_brute_force(tree, ranges):
    formula = build(tree)
    expected = solutions_of(tree, ranges)
    if expected is None:
        return  # a divisor is 0 somewhere: code that divides claims that it is not
    solving = solver(NAMES, ranges)
    try:
        found = solving.find(formula)
        smallest = solving.smallest(formula)
    except Unsolved:
        return
    assert (found is not None) == bool(expected)
    if expected:
        assert found in expected
        assert smallest == expected[0]


BOX = {"N": (1, 3), "H": (0, 40), "W": (1, 40)}
QUESTIONS = {
    "remainder": conj(eq(H % 7, 3), eq(W % 5, 4), gt(H, W)),
    "symbolic divisor": eq(H // W, 3),
    "symbolic remainder": conj(eq(mod(H, W), 5), ge(H, 20)),
    "negative over symbolic": eq(floordiv(-H, W), -3),
    "symbolic divisor that changes sign": conj(ne(W, 20), eq(floordiv(H, W - 20), -2)),
    "product": eq(H * W, 391),
    "floored product": eq((H // 3) * (W // 4), 35),
    "ceil chain": eq(ceildiv(ceildiv(H, 4), 2), W),
    "min and max": conj(eq(minimum(H, W), 7), eq(maximum(H, W, 9), 30)),
    "three-way min": ge(minimum(H, W, 2 * N), 5),
    "alternatives": disj(conj(ge(H, 39), ge(W, 39)), eq(H * N, 34)),
    "ties go to the first name": eq(H + W, 20),
    "nothing": conj(eq(H % 4, 1), eq(H % 2, 0)),
    "only the first": ge(N, 2),
    "True": True,
    "False": False,
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_smallest(name):
    formula = QUESTIONS[name]
    names = ("N", "H", "W")
    expected = solutions(names, BOX, formula)
    asked = solver(names, BOX)
    assert asked.smallest(formula) == (expected[0] if expected else None)
    found = asked.find(formula)
    assert found in expected if expected else found is None


def test_name_order_breaks_ties():
    for names in (("H", "W"), ("W", "H")):
        least = solver(names, BOX).smallest(conj(eq(H + W, 20), ge(H, 3), ge(W, 3)))
        assert least == {names[0]: 3, names[1]: 17}


def test_what_is_added_stays_and_what_is_asked_does_not():
    asked = solver(("H", "W"), {"H": (1, None), "W": (1, None)})
    asked.add(ge(H, 10))
    assert asked.smallest(eq(W, 5)) == {"H": 10, "W": 5}
    assert asked.smallest() == {"H": 10, "W": 1}
    assert asked.find(le(H, 9)) is None
    assert asked.smallest(le(H, 9)) is None
    asked.add(False)
    assert asked.find() is None


def test_unbounded_sides():
    ranges = {"H": (1, None), "W": (1, None)}
    asked = solver(("H", "W"), ranges)
    asked.add(eq(512 * (H // 32) * (W // 32), 25088))
    assert asked.smallest() == {"H": 224, "W": 224}
    assert asked.smallest(conj(le(H, 100), ge(W, 256))) == {"H": 32, "W": 1568}
    assert solver(("H",), {"H": (1, None)}).smallest(ge(H, 10**7)) == {"H": 10**7}


def test_sizes_without_a_lower_bound():
    asked = solver(("H", "W"), {"W": (0, None)})
    assert asked.smallest(ge(H, -5000)) == {"H": -5000, "W": 0}
    assert asked.find(conj(ge(H, 5), le(H, 5)))["H"] == 5


def test_no_sizes():
    assert solver((), {}).smallest(True) == {}
    assert solver((), {}).find(False) is None


def test_a_passed_deadline():
    late = solver(("H",), {"H": (1, None)}, seconds=-1)
    with pytest.raises(Unsolved):
        late.find(ge(H, 3))
    with pytest.raises(Unsolved):
        late.smallest()
    assert late.find(False) is None


def test_a_hard_question_ends_in_time():
    x, y, z = map(symbol, "XYZ")
    ranges = dict.fromkeys("XYZ", (2, None))
    started = time.monotonic()
    with pytest.raises(Unsolved):
        solver(("X", "Y", "Z"), ranges, 0.5).find(eq(x**3 + y**3, z**3))
    assert time.monotonic() - started < 10


def test_effort_bounds_a_question_whatever_the_time():
    box = Box(dict.fromkeys(("N", "H", "W"), (1, None)))
    even = H + N
    differ = negate(eq((3 * even * N * W) // (6 * N * (even // 2)), W))
    for effort, enough in ((1_000, False), (1_000_000, True)):
        asked = Solver(("N", "H", "W"), box, now() + 600, effort)
        asked.add(eq(even % 2, 0))
        if enough:
            assert asked.find(differ) is None
        else:
            with pytest.raises(Unsolved):
                asked.find(differ)


def test_a_later_deadline_holds_for_z3_too():
    asked = solver(("H", "W"), {"H": (1, None), "W": (1, None)}, seconds=0.5)
    assert asked.find(eq(H * W, 391)) is not None
    time.sleep(0.5)
    asked.deadline = now() + 20
    assert asked.find(eq(H * W, 15)) is not None


def test_what_takes_z3_again_and_again_is_asked_of_it_at_once(monkeypatch):
    asked = solver(("H", "W"), {"H": (1, None), "W": (1, None)})
    tried = []
    original = archlint.symbolic.solver.solver.smallest_by_residues
    monkeypatch.setattr(
        "archlint.symbolic.solver.solver.smallest_by_residues",
        lambda *a: tried.append(a) or original(*a),
    )
    for product in range(12, 22):
        found = asked.find(eq(H * W, product))
        assert found["H"] * found["W"] == product
    assert 0 < len(tried) < 10
