"""What is said for all values of unknowns is tried at every value."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archlint.symbolic import ceildiv, evaluate, maximum, minimum, symbol, unknown
from archlint.symbolic.formula import conj, disj, eq, ge, holds, le, lt, ne, negate
from archlint.symbolic.intervals import Box
from archlint.symbolic.quantify_unknowns import for_all, unknowns_in

H, W = symbol("H"), symbol("W")
U = unknown(1, 0, (H * W,))
V = unknown(2, minimum(1, U), (U, H + 2))
X = unknown(3, H - 1, (H,))
BOX = Box({"H": (1, 4), "W": (1, 4)})


def values(h: int, w: int):
    """Every value of the unknowns at these sizes."""
    for u, x in itertools.product(range(h * w + 1), range(h - 1, h + 1)):
        for v in range(min(1, u), min(u, h + 2) + 1):
            yield {"H": h, "W": w, "?1": u, "?2": v, "?3": x}


def everywhere(formula):
    """Checks what is said of a formula at all sizes."""
    said = for_all(formula, BOX)
    assert not unknowns_in(said)
    for h, w in itertools.product(range(1, 5), repeat=2):
        if holds(said, {"H": h, "W": w}):
            for point in values(h, w):
                assert holds(formula, point), (formula, said, point)
    return said


@pytest.mark.parametrize(
    "formula",
    [
        ge(U, V),
        ge(U, minimum(3, V)),
        disj(eq(V, 0), ne(U, 0)),
        ge(H + 2, V),
        lt(V - 1, U + 1),
        ge(maximum(U, V), V),
        ge(2 * ceildiv(maximum(U, X), 2), X),
        eq(minimum(X, H), X),
        le(X * W, H * W),
        ge(32 * ceildiv(X, 32), X),
    ],
)
def test_what_follows_from_bounds(formula):
    assert everywhere(formula) is True
    never = everywhere(negate(formula))
    assert not any(holds(never, {"H": h, "W": w}) for h in range(1, 5) for w in range(1, 5))


@pytest.mark.parametrize(
    ("formula", "said"),
    [(ge(X, 2), ge(H, 3)), (lt(U, 5), lt(H * W, 5)), (ne(X, 3), disj(ge(H, 5), le(H, 2)))],
)
def test_what_sizes_settle(formula, said):
    found = everywhere(formula)
    points = ({"H": h, "W": w} for h in range(1, 5) for w in range(1, 5))
    assert all(holds(found, p) == holds(said, p) for p in points)


sizes = st.recursive(
    st.one_of(st.integers(-2, 4), st.sampled_from([H, W, U, V, X])),
    lambda inner: st.one_of(
        st.builds(lambda a, b: a + b, inner, inner),
        st.builds(lambda a, b: a - b, inner, inner),
        st.builds(lambda a, b: a * b, inner, inner),
        st.builds(lambda a, k: a // k, inner, st.integers(1, 4)),
        st.builds(minimum, inner, inner),
        st.builds(maximum, inner, inner),
    ),
    max_leaves=5,
)
comparisons = st.builds(lambda op, a, b: op(a, b), st.sampled_from([ge, eq, ne, lt]), sizes, sizes)
formulas = st.recursive(
    comparisons,
    lambda inner: st.builds(
        lambda join, a, b: join(a, b), st.sampled_from([conj, disj]), inner, inner
    ),
    max_leaves=3,
)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(formula=formulas)
def test_it_holds_at_every_value(formula):
    everywhere(formula)


def test_one_value_of_an_unknown_is_within_its_bounds():
    for h, w in itertools.product(range(1, 5), repeat=2):
        point = {"H": h, "W": w}
        assert evaluate(U, point) == h * w
        assert evaluate(V, point) == min(h * w, h + 2)
