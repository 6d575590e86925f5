"""Sums, products and quotients against Python at many points, their laws against Z3."""

import copy
import pickle

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from archlint.symbolic import (
    Expr,
    ceildiv,
    evaluate,
    floordiv,
    maximum,
    minimum,
    mod,
    substitute,
    symbol,
)
from tests.support.examples import examples
from tests.support.sizes import POINTS, SYMBOLS, normal, printed, read, size, trees, value

H, W, N = SYMBOLS.values()


@examples(160)
@given(trees(leaves=12))
@example(("//", ("neg", "H"), 7))
@example(("//", ("-", 5, ("*", "H", 2)), -4))
@example(("//", ("**", ("//", "H", -2), 3), 2))
@example(("%", ("//", "H", 2), "H"))
def test_every_expression_has_pythons_value(tree):
    expr = normal(tree)
    for env in POINTS:
        expected = value(tree, env)
        if expected is not None:
            assert evaluate(expr, env) == expected, (str(expr), env)


@examples(60)
@given(trees(leaves=10))
def test_a_rebuilt_expression_is_the_same_object(tree):
    expr = normal(tree)
    assert normal(tree) == expr  # == is identity
    assert substitute(expr, {}) == expr
    if isinstance(expr, Expr):
        assert pickle.loads(pickle.dumps(expr)) is expr
        assert copy.copy(expr) is expr
        assert copy.deepcopy({"size": [expr]})["size"][0] is expr


halves = st.recursive(
    st.one_of(st.sampled_from(["H", "W"]), st.integers(-3, 3)),
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(["+", "-"]), inner, inner),
        st.tuples(st.just("*"), inner, st.integers(-2, 2)),
        st.tuples(st.sampled_from(["//", "ceil", "%"]), inner, st.sampled_from([2, 2, 4])),
    ),
    max_leaves=5,
)


def ring_laws(a, b, c):
    return [
        (a + b, b + a),
        (a * b, b * a),
        ((a + b) + c, a + (b + c)),
        ((a * b) * c, a * (b * c)),
        (a * (b + c), a * b + a * c),
        (a - b, -(b - a)),
        (minimum(a, b, c), minimum(c, minimum(b, a))),
        (maximum(a, b, c), maximum(maximum(c, b), a)),
    ]


whole_trees = trees(leaves=5, divisors=(3, 4, 7, 32, -5))


@examples(60)
@given(whole_trees, whole_trees, whole_trees)
def test_the_ring_laws_are_identities(x, y, z):
    for left, right in ring_laws(normal(x), normal(y), normal(z)):
        assert left == right  # == is identity


@examples(100)
@given(halves, halves, halves)
@example("H", "H", ("%", "H", 2))
@example(("//", "H", 2), ("ceil", "H", 2), "H")
def test_halves_that_join_keep_their_value(x, y, z):
    """``x - x//2`` becomes ``ceil(x/2)`` as it arises, so that one value may have two forms."""
    a, b, c = normal(x), normal(y), normal(z)
    assert a + b == b + a
    assert a * b == b * a
    for env in POINTS:
        for left, right in ring_laws(a, b, c):
            assert evaluate(left, env) == evaluate(right, env), env
        assert evaluate(a + b - c, env) == value(("-", ("+", x, y), z), env)


def stride_2(x, times):
    for _ in range(times):
        x = (x + 2 * 1 - 3) // 2 + 1
    return x


def padded(x, window):
    return x + (window - x % window) % window


SAME = {
    "window padding cancels": (mod(padded(H, 7), 7), 0),
    "windows of a padded side": (padded(H, 7) // 7, ceildiv(H, 7)),
    "padding, written with a minus": (H + (-H) % 7, padded(H, 7)),
    "nested floor divisions": (H // 2 // 3 // 5, H // 30),
    "nested with offsets": (((H + 1) // 2 + 1) // 2, (H + 3) // 4),
    "remainder of a multiple": ((6 * H + 4) % 3, 1),
    "remainder of a remainder": ((H % 12) % 12, H % 12),
    "five stride-2 convolutions": (stride_2(H, 5), ceildiv(H, 32)),
    "negated division": (-((-H) // 7), ceildiv(H, 7)),
    "negative divisor": (H // -7, (-H) // 7),
    "whole multiples leave": ((8 * H + 12) // 4, 2 * H + 3),
    "common factors leave": ((6 * H + 4) // 4, (3 * H + 2) // 2),
    "product over its factor": ((H // 4 + 1) * (W // 4 + 1) // (W // 4 + 1), H // 4 + 1),
    "flatten and unflatten": (H * W * 512 // (H * W), 512),
    "square minus square": (floordiv(H * H - W * W, H - W), H + W),
    "H - H": (H - H, 0),
    "x % 1": (H % 1, 0),
    "x // 1": (H // 1, H),
    "x % x": (mod(H, H), 0),
    "division and remainder": (7 * (H // 7) + H % 7, H),
    "symbolic division and remainder": (W * (H // W) + H % W, H),
    "ceil of a ceil": (ceildiv(ceildiv(H, 4), 8), ceildiv(H, 32)),
    "min of shifts": (minimum(H, H + 2, W), minimum(W, H)),
    "max of shifts": (maximum(H, H + 2, W), maximum(W, H + 2)),
    "min of min": (minimum(H, minimum(W, N)), minimum(N, W, H)),
    "min of equals": (minimum(H, H), H),
    "halves of an even size": ((2 * H) // 2 + (2 * H + 1) // 2, 2 * H),
    "zero over a size": (floordiv(0, H), 0),
    "two halves": (H // 2 + ceildiv(H, 2), H),
    "the other half": (H - H // 2, ceildiv(H, 2)),
    "padding on two sides": ((H % 7) // 2 + (H % 7 - (H % 7) // 2), H % 7),
    "powers": (H**3 // H, H**2),
}


@pytest.mark.parametrize("name", SAME)
def test_equal_sizes_are_one_object(name):
    left, right = SAME[name]
    assert left == right, (str(left), str(right))  # == is identity


LAWS = [
    *(("//", ("+", ("//", "H", m), c), n) for m in (2, 3, 7) for n in (2, 5) for c in (-3, 0, 4)),
    *(
        ("//", ("-", ("neg", ("//", "H", m)), c), n)
        for m in (2, 3)
        for n in (2, 5)
        for c in (-1, 1)
    ),
    *(
        ("//", ("+", ("*", a, "H"), c), k)
        for a in (-9, -2, 3, 8)
        for c in (-5, 7)
        for k in (4, 6, -6)
    ),
    *(
        ("//", ("+", ("*", a, "H"), ("*", b, "W")), k)
        for a in (-5, 4)
        for b in (-2, 6)
        for k in (4, 3)
    ),
    *(("%", ("+", "H", c), k) for c in (-8, 0, 5) for k in (1, 2, 7, -3)),
    *(("%", ("+", "H", ("%", ("neg", "H"), k)), k) for k in (2, 7, 12)),
    *(("ceil", ("+", "H", c), k) for c in (-4, 0, 9) for k in (2, 7, -3)),
    *(("ceil", ("ceil", "H", m), n) for m in (2, 5) for n in (2, 3)),
    *(("-", ("*", k, ("ceil", "H", k)), ("*", k, ("//", "H", k))) for k in (2, 5)),
    *(("-", ("*", a, ("+", "H", c)), ("//", ("+", "H", c), 2)) for a in (1, 2) for c in (0, 1)),
    *(
        ("+", ("*", a, ("//", "H", 2)), ("*", b, ("ceil", "H", 2)))
        for a in (-3, 1)
        for b in (-1, 2)
    ),
    ("min", ("+", "H", 3), ("min", "W", ("-", "H", 1))),
    ("max", ("+", "H", 3), ("max", "W", ("-", "H", 1))),
    ("//", ("min", "H", "W"), -2),
]


@pytest.mark.parametrize("law", LAWS, ids=lambda law: str(law).replace("'", ""))
def test_normal_forms_hold_for_all_integers(law):
    z3 = pytest.importorskip("z3")
    names = {n: z3.Int(n) for n in SYMBOLS}

    def floor(a, b):  # z3 divides like Euclid: its remainder is never negative
        return a / b if b > 0 else (-a) / -b

    words = {
        "+": lambda a, b: a + b,
        "-": lambda a, b: a - b,
        "*": lambda a, b: a * b,
        "neg": lambda a: -a,
        "//": floor,
        "%": lambda a, b: a - b * floor(a, b),
        "ceil": lambda a, b: -floor(-a, b),
        "min": lambda a, b: z3.If(a <= b, a, b),
        "max": lambda a, b: z3.If(a >= b, a, b),
        "ratio": lambda a, b: (a, b),
    }
    back = {**words, "ceil": lambda pair: -floor(-pair[0], pair[1])}
    solver = z3.Solver()
    solver.add(read(law, words, names) != printed_z3(str(size(law)), names, back, floor, z3))
    assert solver.check() == z3.unsat, str(size(law))


def printed_z3(text, names, words, floor, z3):
    """The printed normal form as a z3 term; z3's own ``//`` and ``%`` are not Python's."""

    class Term:
        def __init__(self, term):
            self.term = term

    def lift(x):
        return x.term if isinstance(x, Term) else x

    for name, op in {
        "add": lambda a, b: a + b,
        "sub": lambda a, b: a - b,
        "mul": lambda a, b: a * b,
        "floordiv": floor,
        "mod": words["%"],
    }.items():
        setattr(Term, f"__{name}__", lambda a, b, op=op: Term(op(lift(a), lift(b))))
        setattr(Term, f"__r{name}__", lambda a, b, op=op: Term(op(lift(b), lift(a))))
    Term.__neg__ = lambda a: Term(-lift(a))
    found = printed(
        text,
        {n: Term(t) for n, t in names.items()},
        {
            "ratio": lambda a, b: (lift(a), b),
            "ceil": lambda pair: Term(words["ceil"](pair)),
            "min": lambda *a: Term(_fold(words["min"], [lift(x) for x in a])),
            "max": lambda *a: Term(_fold(words["max"], [lift(x) for x in a])),
        },
    )
    return lift(found)


def _fold(op, args):
    first, *rest = args
    for arg in rest:
        first = op(first, arg)
    return first


def test_sizes_do_not_pretend_to_be_numbers():
    with pytest.raises(TypeError, match="depends on the input"):
        bool(H)
    for compare in (lambda: H < 3, lambda: H >= W, lambda: W > H):
        with pytest.raises(TypeError, match="formula"):
            compare()
    with pytest.raises(ZeroDivisionError):
        H // 0
    with pytest.raises(ZeroDivisionError):
        H % (W - W)
    with pytest.raises(TypeError):
        H + 0.5
    with pytest.raises(KeyError):
        H.evaluate({"W": 3})


def test_symbols_are_those_inside_too():
    assert ((H // 2) * minimum(W, 3) - N + N).symbols() == {"H", "W"}


def test_long_products_stay_fast():
    total = 1
    for i in range(12):
        total = total * (symbol(f"s{i}") + 1)
    assert len(total.terms) == 2**12 - 1
