"""The answers of the solver, and of Z3 alone, against brute force in small boxes; deadlines."""

import itertools
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import archlint.symbolic.solver.solver
from archlint.symbolic import ceildiv, floordiv, maximum, minimum, mod, symbol
from archlint.symbolic.formula import conj, disj, eq, ge, gt, holds, le, ne, negate
from archlint.symbolic.intervals import Box
from archlint.symbolic.solver.solver import Solver, Unsolved
from archlint.symbolic.solver.z3_backend import Z3Solver
from tests.support.sizes import NAMES, SYMBOLS
from tests.symbolic.test_formula import build, formula_trees, truth

pytest.importorskip("z3")
H, W, N = SYMBOLS.values()


def solver(names, ranges, seconds=20.0, kind=Solver):
    return kind(names, Box(ranges), time.monotonic() + seconds)


def solutions(names, ranges, formula):
    """All of them, the smallest sum first, then in the order of names."""
    grid = itertools.product(*(range(ranges[n][0], ranges[n][1] + 1) for n in names))
    envs = [dict(zip(names, point, strict=True)) for point in grid]
    found = [env for env in envs if holds(formula, env)]
    return sorted(found, key=lambda env: (sum(env.values()), [env[n] for n in names]))


small_boxes = st.fixed_dictionaries(
    {n: st.builds(lambda a, b: (a, a + b), st.integers(0, 4), st.integers(0, 8)) for n in NAMES}
)


@pytest.mark.parametrize("kind", [Solver, Z3Solver])
@settings(max_examples=60)
@given(tree=formula_trees, ranges=small_boxes)
def test_answers_are_brute_forces(kind, tree, ranges):
    formula = build(tree)
    grid = itertools.product(*(range(ranges[n][0], ranges[n][1] + 1) for n in NAMES))
    if any(truth(tree, dict(zip(NAMES, p, strict=True))) is None for p in grid):
        return  # a divisor is 0 somewhere: whoever divides claims that it is not
    expected = solutions(NAMES, ranges, formula)
    asked = solver(NAMES, ranges, kind=kind)
    try:
        found = asked.find(formula)
        least = asked.smallest(formula)
    except Unsolved:
        return
    assert (found is not None) == bool(expected)
    if expected:
        assert found in expected
        assert least == expected[0]


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


class Unlucky(Solver):
    """Answers with the largest size there is, so that halving has to do all the work."""

    def _check(self, assumptions):
        import z3

        for size in range(60, -1, -1):
            value = (self._symbols["H"], self._constant(size))
            facts = [*self._solver.assertions(), *assumptions]
            if all(z3.is_true(z3.simplify(z3.substitute(f, value))) for f in facts):
                return {"H": size}
        return None


@pytest.mark.parametrize("least", [0, 1, 2, 3, 7, 12, 31, 32, 33, 59, 60])
def test_halving_finds_the_very_smallest(least):
    asked = Unlucky(("H",), Box({"H": (0, 60)}), time.monotonic() + 20)
    assert asked.smallest(ge(H, least)) == {"H": least}


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


def test_unknown_names_are_a_mistake():
    with pytest.raises(KeyError, match="the size W is not among H"):
        solver(("H",), {}).find(ge(W, 1))


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


def test_an_answer_does_not_depend_on_what_the_process_asked_before():
    """Z3 orders terms by when its context first saw them; the search follows that order."""
    import z3

    def effort():
        asked = solver(("N", "H", "W"), dict.fromkeys(("N", "H", "W"), (1, None)), kind=Z3Solver)
        asked.add(eq(H % 2, 0))
        assert asked.find(negate(eq((3 * H * N * W) // (6 * N * (H // 2)), W))) is None
        counts = asked._solver.statistics()
        return counts.get_key_value("rlimit count")

    first = effort()
    kept = [z3.Int(n) * k / (z3.Int(m) + k) for k in range(1, 40) for n, m in ("HW", "WN", "NH")]
    assert effort() == first
    assert kept


def test_effort_bounds_a_question_whatever_the_time():
    box = Box(dict.fromkeys(("N", "H", "W"), (1, None)))
    differ = negate(eq((3 * H * N * W) // (6 * N * (H // 2)), W))
    for effort, enough in ((1_000, False), (1_000_000, True)):
        asked = Solver(("N", "H", "W"), box, time.monotonic() + 600, effort)
        asked.add(eq(H % 2, 0))
        if enough:
            assert asked.find(differ) is None
        else:
            with pytest.raises(Unsolved):
                asked.find(differ)


def test_products_are_asked_of_their_factors(monkeypatch):
    """49 divides a product: then it divides one factor, or 7 divides both."""
    box = Box(dict.fromkeys(NAMES, (1, None)))
    formula = conj(eq(H * W % 49, 0), ne(H % 49, 0), ne(W % 7, 0))

    def asked():
        return Z3Solver(NAMES, box, time.monotonic() + 60, effort=1_000_000).find(formula)

    assert asked() is None
    monkeypatch.setattr(
        "archlint.symbolic.solver.z3_backend.factored", lambda comparison, box: comparison
    )
    with pytest.raises(Unsolved):
        asked()


def test_a_later_deadline_holds_for_z3_too():
    asked = solver(("H", "W"), {"H": (1, None), "W": (1, None)}, seconds=0.5)
    assert asked.find(eq(H * W, 391)) is not None
    time.sleep(0.5)
    asked.deadline = time.monotonic() + 20
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
