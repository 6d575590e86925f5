"""Z3 alone, without residue classes before it, against brute force in small boxes."""

import pytest
from hypothesis import given, settings

from archlint.runtime.effort_clock import now
from archlint.symbolic import floordiv, maximum, minimum, mod, unknown
from archlint.symbolic.formula import conj, disj, eq, ge, le, ne, negate
from archlint.symbolic.intervals import Box
from archlint.symbolic.solver.z3_backend import Unsolved, Z3Solver
from tests.support.sizes import NAMES, SYMBOLS
from tests.symbolic.solver.test_solver import small_boxes, solutions, solutions_of
from tests.symbolic.test_formula import build, formula_trees

pytest.importorskip("z3")
H, W, N = SYMBOLS.values()


def solver(names, ranges, seconds=20.0):
    return Z3Solver(names, Box(ranges), now() + seconds)


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


BOX = {"H": (-9, 9), "W": (-6, 6)}


@pytest.mark.parametrize(
    "formula",
    [
        conj(ne(W, 0), eq(floordiv(H, W), -2)),
        conj(ne(W, 0), eq(mod(H, W), -3)),
        conj(ne(W, 0), eq(mod(H, W), 5)),
        eq(mod(H, -4), -1),
        eq(minimum(H, W, 2) * maximum(H, -W), -12),
        eq(H * W * W, -36),
        disj(conj(ge(H, 7), ge(W, 5)), eq(H + W, -15)),
        le(H * H, -1),
    ],
    ids=str,
)
def test_python_division_of_negative_sizes(formula):
    """Z3's division is Euclidean, Python's rounds down: they differ for negative divisors."""
    sides = [(BOX["W"][0], -1), (1, BOX["W"][1])]  # W is not 0
    expected = [p for side in sides for p in solutions(("H", "W"), {**BOX, "W": side}, formula)]
    expected.sort(key=lambda p: (p["H"] + p["W"], p["H"]))
    solving = solver(("H", "W"), BOX)
    solving.add(ne(W, 0))
    assert solving.smallest(formula) == (expected[0] if expected else None)


class Unlucky(Z3Solver):
    """Answers with the largest size there is, so that bisection has to do all the work."""

    def _check(self, assumptions):
        import z3

        for size in range(60, -1, -1):
            value = (self._symbols["H"], self._constant(size))
            facts = [*self._solver.assertions(), *assumptions]
            if all(z3.is_true(z3.simplify(z3.substitute(f, value))) for f in facts):
                return {"H": size}
        return None


@pytest.mark.parametrize("least", [0, 1, 2, 3, 7, 12, 31, 32, 33, 59, 60])
def test_bisection_finds_the_smallest(least):
    solving = Unlucky(("H",), Box({"H": (0, 60)}), now() + 20)
    assert solving.smallest(ge(H, least)) == {"H": least}


def test_unknown_names_are_a_mistake():
    with pytest.raises(KeyError, match="the size W is not among H"):
        solver(("H",), {}).find(ge(W, 1))


def test_an_unknown_is_not_solved_for():
    with pytest.raises(Unsolved, match="depends on tensor values"):
        solver(("H",), {}).find(ge(unknown(1, 0, (H,)), 1))


def test_an_answer_whose_model_was_interrupted_is_none(monkeypatch):
    import z3

    def interrupted(self):
        raise z3.Z3Exception("there is no current model")

    monkeypatch.setattr(z3.Solver, "model", interrupted)
    with pytest.raises(Unsolved, match="there is no current model"):
        solver(("H",), {"H": (1, None)}).find(eq(H % 7, 3))


def test_an_answer_does_not_depend_on_what_the_process_solving_before():
    """Z3 orders terms by when its context first saw them; the search follows that order."""
    import z3

    def effort():
        solving = solver(("N", "H", "W"), dict.fromkeys(("N", "H", "W"), (1, None)))
        solving.add(eq(H % 2, 0))
        assert solving.find(negate(eq((3 * H * N * W) // (6 * N * (H // 2)), W))) is None
        counts = solving._solver.statistics()
        return counts.get_key_value("rlimit count")

    first = effort()
    kept = [z3.Int(n) * k / (z3.Int(m) + k) for k in range(1, 40) for n, m in ("HW", "WN", "NH")]
    assert effort() == first
    assert kept


def test_products_are_solved_by_their_factors(monkeypatch):
    """49 divides a product: then it divides one factor, or 7 divides both."""
    box = Box(dict.fromkeys(NAMES, (1, None)))
    formula = conj(eq(H * W % 49, 0), ne(H % 49, 0), ne(W % 7, 0))

    def solved():
        return Z3Solver(NAMES, box, now() + 60, effort=1_000_000).find(formula)

    assert solved() is None
    monkeypatch.setattr(
        "archlint.symbolic.solver.z3_backend.factored", lambda comparison, box: comparison
    )
    with pytest.raises(Unsolved):
        solved()


@pytest.mark.parametrize(("base", "power", "more"), [(10, 5000, 0), (2, 4096, 0), (2, 9000, 1)])
@pytest.mark.parametrize("sign", [1, -1])
def test_numbers_that_python_does_not_print_are_solved_with(base, power, more, sign):
    number = sign * (base**power + more)
    solving = solver(("H",), {"H": (3, 99)})
    assert solving.find(eq(H * number, 7 * number)) == {"H": 7}
    assert solving.find(ge(H + abs(number), abs(number) + 100)) is None
