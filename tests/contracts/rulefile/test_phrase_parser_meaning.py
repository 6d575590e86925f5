"""What drawn phrases mean: what Python says of them."""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archlint.contracts.region import box_of
from archlint.contracts.rulefile.phrase_parser import parse_clause, parse_size
from archlint.symbolic import evaluate, symbol
from archlint.symbolic.formula import ge, holds

H, W, T = symbol("H"), symbol("W"), symbol("T")
GRID = [{"H": h, "W": w} for h in range(1, 9) for w in range(1, 9)]


# Brute force: a small syntax tree that can both write itself down and say what it means.


@dataclass
class Tree:
    """``text`` as written; ``value(env)`` by Python itself; ``level`` how tightly it binds."""

    text: str
    value: object
    level: int

    def inside(self, level):
        return self.text if self.level >= level else f"({self.text})"


def leaf(n):
    return Tree(str(n), lambda env: n, 9)


names = st.sampled_from("HW").map(lambda n: Tree(n, lambda env: env[n], 9))
numbers = st.integers(0, 40).map(leaf)
divisors = st.integers(1, 9)
SIZE_OPS = {"+": (6, operator.add), "-": (6, operator.sub), "*": (7, operator.mul)}
COMPARE = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
    "==": operator.eq, "!=": operator.ne,
}  # fmt: skip


def binary(op, a, b):
    level, call = SIZE_OPS[op]
    text = f"{a.inside(level)}{op}{b.inside(level + 1)}"
    return Tree(text, lambda env: call(a.value(env), b.value(env)), level)


def divided(op, a, k):
    call = operator.floordiv if op == "//" else operator.mod
    return Tree(f"{a.inside(7)}{op}{k}", lambda env: call(a.value(env), k), 7)


def rounded(word, a, k):
    text = f"{word}({a.inside(7)}/{k})"
    if word == "ceil":
        return Tree(text, lambda env: -(-a.value(env) // k), 9)
    return Tree(text, lambda env: a.value(env) // k, 9)


def extremum(word, a, b):
    call = min if word == "min" else max
    return Tree(f"{word}({a.text},{b.text})", lambda env: call(a.value(env), b.value(env)), 9)


def negative(a):
    return Tree(f"-{a.inside(8)}", lambda env: -a.value(env), 8)


sizes = st.recursive(
    names | numbers,
    lambda inner: st.one_of(
        st.builds(binary, st.sampled_from(sorted(SIZE_OPS)), inner, inner),
        st.builds(divided, st.sampled_from(["//", "%"]), inner, divisors),
        st.builds(rounded, st.sampled_from(["ceil", "floor"]), inner, divisors),
        st.builds(extremum, st.sampled_from(["min", "max"]), inner, inner),
        st.builds(negative, inner),
    ),
    max_leaves=5,
)


def chain(first, rest):
    text = first.text + "".join(f" {op} {s.text}" for op, s in rest)

    def value(env):
        values = [first.value(env), *(s.value(env) for _, s in rest)]
        links = zip(values, rest, values[1:], strict=False)
        return all(COMPARE[op](a, b) for a, (op, _), b in links)

    return Tree(text, value, 3)


def both(op, lefts, right):
    text = f"{', '.join(s.text for s in lefts)} {op} {right.text}"
    return Tree(
        text, lambda env: all(COMPARE[op](s.value(env), right.value(env)) for s in lefts), 3
    )


def within(lefts, negated, low, count, step):
    high = low + count
    allowed = range(low, high + 1, step or 1)
    text = f"{', '.join(s.text for s in lefts)}{' not' * negated} in {low}..{high}"
    text += f" step {step}" if step else ""
    return Tree(text, lambda env: all((s.value(env) in allowed) != negated for s in lefts), 3)


def among(lefts, negated, values):
    text = f"{', '.join(s.text for s in lefts)}{' not' * negated} in "
    text += f"{{{', '.join(map(str, values))}}}"
    return Tree(text, lambda env: all((s.value(env) in values) != negated for s in lefts), 3)


def junction(word, a, b):
    level = 0 if word == "or" else 1
    text = f"{a.inside(level)} {word} {b.inside(level + 1)}"
    if word == "or":
        return Tree(text, lambda env: a.value(env) or b.value(env), level)
    return Tree(text, lambda env: a.value(env) and b.value(env), level)


def negation(a):
    return Tree(f"not {a.inside(3)}", lambda env: not a.value(env), 2)


several = st.lists(sizes, min_size=1, max_size=3)
promises = st.recursive(
    st.one_of(
        st.builds(
            chain, sizes,
            st.lists(st.tuples(st.sampled_from(sorted(COMPARE)), sizes), min_size=1, max_size=2),
        ),
        st.builds(both, st.sampled_from(sorted(COMPARE)), several, sizes),
        st.builds(
            within, several, st.booleans(), st.integers(0, 9), st.integers(0, 20),
            st.none() | st.integers(1, 5),
        ),
        st.builds(
            among, several, st.booleans(), st.lists(st.integers(0, 20), min_size=1, max_size=4)
        ),
    ),
    lambda inner: st.one_of(
        st.builds(junction, st.sampled_from(["and", "or"]), inner, inner),
        st.builds(negation, inner),
    ),
    max_leaves=3,
)  # fmt: skip


@given(sizes)
def test_a_size_means_what_python_says(tree):
    size = parse_size(f"max(0,{tree.text})")
    for env in GRID:
        assert evaluate(size, env) == max(0, tree.value(env)), tree.text


@given(promises, st.sampled_from(["any", "only"]))
def test_a_promise_means_what_python_says(tree, word):
    clause = parse_clause(f"{word} {tree.text}", "accepts")
    assert clause.kind == word
    for env in GRID:
        assert holds(clause.region, env) == tree.value(env), (tree.text, env)


@given(st.integers(-30, 60), st.integers(1, 7), st.integers(1, 5), st.integers(-4, 4))
def test_ratios_are_exact(add, first, second, whole):
    text = f"((H{add:+d})/{first}-W/{second}{whole:+d})"
    low = parse_size(f"max(0,floor{text}+100)")
    high = parse_size(f"max(0,ceil{text}+100)")
    for env in GRID:
        num = (env["H"] + add) * second - env["W"] * first + whole * first * second
        assert evaluate(low, env) == max(0, num // (first * second) + 100)
        assert evaluate(high, env) == max(0, math.ceil(num / (first * second)) + 100)


def test_the_brute_force_itself_can_fail():
    assert not all(holds(ge(H, 2), env) == (env["H"] >= 1) for env in GRID)


@pytest.mark.parametrize(
    ("text", "low"),
    [
        ("any H//32 == 0", 1),
        ("any H//32 == 0 and W >= 3", 1),
        ("any 2*H >= 0", 1),
        ("any H - 4 <= 0", 1),
        ("any not H//8 >= 1", 1),
        ("any H//32 == 0 and H >= 0", 0),
        ("any H in 0..31", 0),
        ("any H, W >= 0", 0),
        ("any 0 <= H < 9", 0),
        ("any H == 0", 0),
        ("any H//32 == 1", 32),
    ],
)
def test_a_size_is_at_least_1_unless_it_is_compared_itself(text, low):
    region = parse_clause(text, "accepts").region
    assert box_of(("H", "W"), region).ranges["H"][0] == low


@pytest.mark.parametrize("divisor", ["W-1", "W//2", "(H*W)//2", "(W+1)//4+(W+2)//4", "W-3"])
@pytest.mark.parametrize(
    "condition", ["{} % ({}) == 0", "{} % ({}) != 0", "{} // ({}) >= 1", "({})//({}) in {{1, 2}}"]
)
def test_a_comparison_with_a_division_by_0_does_not_hold(condition, divisor):
    text = condition.format("H*3", divisor)
    region = parse_clause(f"any {text}", "accepts").region
    for sizes in GRID:
        try:
            expected = bool(eval(text, dict(sizes)))
        except ZeroDivisionError:
            expected = False
        assert holds(region, sizes) == expected, sizes
