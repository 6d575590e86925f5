"""Formulas against Python's own comparisons, at many points; the threshold law against Z3."""

import copy
import itertools
import operator
import pickle

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from archlint import symbolic as dims
from archlint.symbolic import ceildiv, minimum
from archlint.symbolic.formula import (
    Formula,
    comparisons,
    conj,
    disj,
    eq,
    ge,
    gt,
    holds,
    known_truth,
    le,
    lt,
    ne,
    negate,
    simplify,
    substitute_formula,
)
from tests.support.examples import examples
from tests.support.sizes import NAMES, POINTS, SYMBOLS, printed, size, source, trees, value

H, W, N = SYMBOLS.values()

COMPARE = {
    ">=": (ge, operator.ge),
    ">": (gt, operator.gt),
    "<=": (le, operator.le),
    "<": (lt, operator.lt),
    "==": (eq, operator.eq),
    "!=": (ne, operator.ne),
}
small_trees = trees(leaves=5)
comparison_trees = st.tuples(st.sampled_from(sorted(COMPARE)), small_trees, small_trees)
formula_trees = st.recursive(
    comparison_trees,
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(["and", "or"]), inner, inner),
        st.tuples(st.sampled_from(["and", "or"]), inner, inner, inner),
        st.tuples(st.just("not"), inner),
    ),
    max_leaves=5,
)


def build(tree):
    word, *args = tree
    try:
        if word in COMPARE:
            return COMPARE[word][0](*map(size, args))
        words = {"and": conj, "or": disj, "not": negate}
        return words[word](*map(build, args))
    except ZeroDivisionError:
        assume(False)


def truth(tree, env):
    """What Python says; ``None`` where a divisor is 0."""
    word, *args = tree
    if word in COMPARE:
        values = [value(a, env) for a in args]
        return None if None in values else COMPARE[word][1](*values)
    parts = [truth(a, env) for a in args]
    if None in parts:
        return None
    return {
        "and": lambda *p: all(p),
        "or": lambda *p: any(p),
        "not": lambda p: not p,
    }[word](*parts)


def points(tree):
    for env in POINTS:
        expected = truth(tree, env)
        if expected is not None:
            yield env, expected


@examples(40)
@given(formula_trees)
def test_the_source_of_a_tree_is_as_true_as_the_tree(tree):
    """:func:`source` is an oracle of other tests."""
    python = eval(f"lambda {', '.join(NAMES)}: {source(tree)}")
    for env in POINTS:
        try:
            found = python(**env)
        except ZeroDivisionError:
            found = None
        assert found is truth(tree, env)


@examples(160)
@given(formula_trees)
@example(("==", ("//", "H", 32), 7))
@example((">=", ("*", -2, ("//", "H", 3)), -7))
@example(("!=", ("*", 3, "H"), 7))
def test_formulas_are_as_true_as_python_says(tree):
    formula = build(tree)
    for env, expected in points(tree):
        assert holds(formula, env) is expected, (str(formula), env)


@examples(120)
@given(formula_trees)
def test_negation_is_the_opposite_and_its_own_inverse(tree):
    formula = build(tree)
    twice = negate(negate(formula))
    for env, expected in points(tree):
        assert holds(negate(formula), env) is not expected
        assert holds(twice, env) is expected
    if tree[0] in COMPARE and isinstance(formula, Formula):
        assert conj(formula, negate(formula)) is False
        assert disj(formula, negate(formula)) is True


@examples(160)
@given(formula_trees)
@example((">=", "W", ("%", "H", 7)))
@example(("<=", ("%", "H", 4), 2))
@example(("==", ("%", "H", 7), ("+", ("%", "W", 7), 1)))
@example((">=", 0, ("+", "H", "W")))
def test_the_text_says_exactly_the_formula(tree):
    formula = build(tree)
    text = str(formula)
    for env, expected in points(tree):
        assert printed(text, env) is expected, (text, env)


@examples(60)
@given(formula_trees, small_trees, small_trees)
def test_symbols_are_replaced(tree, h, w):
    formula = build(tree)
    try:
        replaced = substitute_formula(formula, {"H": size(h), "W": size(w)})
    except ZeroDivisionError:
        assume(False)
    for env in POINTS:
        inner = {"N": env["N"], "H": value(h, env), "W": value(w, env)}
        if None not in inner.values() and truth(tree, inner) is not None:
            assert holds(replaced, env) is truth(tree, inner)


@examples(40)
@given(formula_trees)
def test_a_rebuilt_formula_is_the_same_object(tree):
    formula = build(tree)
    assert build(tree) is formula
    assert pickle.loads(pickle.dumps(formula)) is formula
    assert copy.copy(formula) is formula
    assert copy.deepcopy([formula])[0] is formula


TEXTS = {
    "H >= 32": ge(H, 32),
    "H <= 100": le(H, 100),
    "H % 7 == 0": eq(H % 7, 0),
    "H % 7 <= 3": le(H % 7, 3),
    "W > H % 7": gt(W, H % 7),
    "H % 7 == W % 7": eq(W % 7, H % 7),
    "H >= 193": ge((H - 1) // 32, 6),
    "H >= 224 and H <= 255": eq(H // 32, 7),
    "H <= 223 or H >= 256": ne(H // 32, 7),
    "(H//32)*(W//32) == 49": eq(512 * (H // 32) * (W // 32), 25088),
    "H == W": eq(2 * W, 2 * H),
    "H >= W+2": ge(2 * H - 2 * W, 3),
    "H+W <= 0": ge(0, H + W),
    "min(H, W) <= 5": le(minimum(H, W), 5),
    "H*W <= 100": le(H * W, 100),
    "H >= 3 and (W == 1 or H == W)": conj(ge(H, 3), disj(eq(W, 1), eq(H, W))),
}


@pytest.mark.parametrize("text", TEXTS)
def test_texts(text):
    assert str(TEXTS[text]) == text


SAME = {
    "one comparison, two ways": (ge(H, 5), gt(H, 4)),
    "mirrored": (ge(H, 5), le(5, H)),
    "scaled": (ge(3 * H, 13), ge(H, 5)),
    "threshold of a floor division": (ge(H // 32, 6), ge(H, 192)),
    "threshold of a ceiling": (ge(ceildiv(H, 32), 6), ge(H, 161)),
    "upper threshold": (le(H // 32, 6), le(H, 223)),
    "no integer solves it": (eq(2 * H, 7), False),
    "always different": (ne(2 * H, 7), True),
    "decided": (ge(H + 3, H), True),
    "equal by themselves": (eq(H - W, H - W), True),
    "signs": (eq(H - W, 0), eq(W - H, 0)),
    "nothing to ask": (conj(), True),
    "nothing to choose": (disj(), False),
    "true falls out": (conj(True, ge(H, 1)), ge(H, 1)),
    "false decides": (conj(ge(H, 1), False), False),
    "flat": (conj(ge(H, 1), conj(ge(W, 1), ge(H, 1))), conj(ge(H, 1), ge(W, 1))),
    "contradiction": (conj(ge(H, 3), lt(H, 3)), False),
    "tautology": (disj(eq(H, 3), ne(H, 3)), True),
}


@pytest.mark.parametrize("name", SAME)
def test_promised_identities(name):
    left, right = SAME[name]
    assert left is right, (str(left), str(right))


@pytest.mark.parametrize("k", [2, 3, 7, 32])
@pytest.mark.parametrize("q", [-3, 0, 1, 6])
@pytest.mark.parametrize("word", [">=", "<", "==", "!="])
def test_thresholds_hold_for_all_integers(word, k, q):
    z3 = pytest.importorskip("z3")
    h = z3.Int("H")
    normal = COMPARE[word][0]((H - 5) // k, q)

    def term(expr):
        return expr.const + sum(c * _only_symbol(m, h) for m, c in expr.terms)

    def formula(f):
        if isinstance(f, bool):
            return z3.BoolVal(f)
        if hasattr(f, "args"):
            return (z3.And if f.op == "and" else z3.Or)([formula(a) for a in f.args])
        return {">=": operator.ge, "==": operator.eq, "!=": operator.ne}[f.op](term(f.expr), 0)

    solver = z3.Solver()
    solver.add(COMPARE[word][1]((h - 5) / k, q) != formula(normal))
    assert solver.check() == z3.unsat


def _only_symbol(monomial, h):
    (atom,) = monomial
    assert isinstance(atom, dims.Symbol), "a threshold has no division left"
    return h


def test_formulas_do_not_pretend_to_be_bools():
    with pytest.raises(TypeError, match="depends on the input"):
        bool(ge(H, 3))
    with pytest.raises(TypeError, match="depends on the input"):
        bool(conj(ge(H, 3), ge(W, 3)))


def test_parts():
    formula = conj(ge(H, 3), disj(eq(W, 1), ge(N, H)))
    assert list(map(str, comparisons(formula))) == ["H >= 3", "W == 1", "N >= H"]
    assert formula.symbols() == {"H", "W", "N"}
    assert list(comparisons(True)) == []


@pytest.mark.parametrize("size", [H, H - 5, 3 - H, H // 4 - 2, (H * H) - 7])
def test_a_bound_and_the_value_beside_it_are_one_bound(size):
    for formula, plain in (
        (disj(ge(size, 2), eq(size, 1)), lambda v: v >= 1),
        (disj(eq(size, 1), le(size, 0)), lambda v: v <= 1),
        (conj(ge(size, 1), ne(size, 1)), lambda v: v >= 2),
        (conj(ne(size, 1), le(size, 1)), lambda v: v <= 0),
        (disj(ge(size, 3), eq(size, 1)), lambda v: v >= 3 or v == 1),
    ):
        for h in range(-12, 30):
            assert holds(formula, {"H": h}) is plain(dims.evaluate(size, {"H": h}))
    assert len(list(comparisons(disj(ge(H, 2), eq(H, 1))))) == 1
    assert len(list(comparisons(conj(ge(H, 1), ne(H, 1))))) == 1


def test_parts_that_are_known_decide_or_fall_away():
    truth = {ge(H, 5): True, ge(H, 6): False}
    both, either = conj(ge(H, 5), eq(H % 3, 0)), disj(ge(H, 6), eq(H % 3, 0))
    assert known_truth(conj(ge(H, 6), eq(H % 3, 0)), truth.get) is False
    assert known_truth(disj(ge(H, 5), eq(H % 3, 0)), truth.get) is True
    assert known_truth(both, truth.get) is known_truth(either, truth.get) is None
    assert simplify(both, truth.get) is simplify(either, truth.get) is eq(H % 3, 0)
    assert simplify(ge(H, 6), truth.get) is False
    assert simplify(True, truth.get) is known_truth(True, truth.get) is True


def test_opposite_bounds_are_an_equation():
    assert conj(ge(W, H - 5), ge(H, W + 5)) is eq(H, W + 5)
    assert disj(ge(H, W + 1), ge(W, H + 1)) is ne(H, W)
    assert conj(ge(H, 3), ge(N, 2), le(H, 3)) is conj(eq(H, 3), ge(N, 2))
    assert disj(ge(H, W + 2), ge(W, H + 1)) is not ne(H, W)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_a_part_that_divides_by_0_leaves_the_truth_to_the_others(order):
    h, w = SYMBOLS["H"], SYMBOLS["W"]
    parts = [ge(h, 1), eq(w % h, 0), ge(w // h, 2)]
    both = conj(*(parts[i] for i in order))
    either = disj(*(negate(parts[i]) for i in order))
    names = [str(h), str(w)]
    for sizes in itertools.product(range(4), range(7)):
        env = dict(zip(names, sizes, strict=True))
        right = sizes[0] >= 1 and sizes[1] % sizes[0] == 0 and sizes[1] // sizes[0] >= 2
        assert holds(both, env) is right
        assert holds(either, env) is not right
    with pytest.raises(ZeroDivisionError):
        holds(conj(*parts[1:]), {str(h): 0, str(w): 1})
    assert not holds(conj(*parts[1:], ge(w, 5)), {str(h): 0, str(w): 1})
