"""Tails of expressions of one size, and formulas with them, against brute force."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archlint.symbolic import Expr, ceildiv, symbol
from archlint.symbolic.formula import conj, disj, eq, ge, holds, le, negate
from archlint.symbolic.intervals import Box
from archlint.symbolic.solver.residues import NotSeparable, smallest_by_residues, truth_pattern
from archlint.symbolic.solver.tails import tail, values_in
from tests.support.examples import examples

H, W = symbol("H"), symbol("W")


@st.composite
def quotients(draw, size=H):
    """An expression of one size, perhaps with divisors that depend on it."""

    def line():
        return (draw(st.integers(1, 9)) * size + draw(st.integers(-9, 9))) // draw(
            st.integers(1, 6)
        )

    n, d = line(), line()
    found = n // d
    kind = draw(st.integers(0, 5))
    if kind == 1:
        found = n - n // (n // d) * 2
    elif kind == 2:
        found = n % (n // d) + draw(st.integers(-3, 3))
    elif kind == 3:
        found = found * n + d
    elif kind == 4:
        found = (n - 3 * d) // ceildiv(d, 2)
    elif kind == 5:
        found = line() // (n // d + draw(st.integers(0, 2)))
    return found


def expressions(size=H):
    return quotients(size).filter(lambda e: isinstance(e, Expr))


def safely(draw):
    try:
        return draw()
    except ZeroDivisionError:
        return None


@examples(150)
@given(st.data())
def test_from_its_start_on_each_class_is_linear(data):
    expr = safely(lambda: data.draw(expressions()))
    end = None if expr is None else tail(expr)
    if end is None:
        return
    for value in range(end.start, end.start + 3 * end.period):
        here, there = (expr.evaluate({"H": v}) for v in (value, value + end.period))
        assert there - here == end.rise(value, end.period), (expr, value)
    for low in (0, 3, end.start + 1):
        bounds = values_in(expr, Box({"H": (low, None)}))
        if bounds is not None:
            values = range(low, end.start + 3 * end.period + low)
            assert all(bounds[0] <= expr.evaluate({"H": v}) <= bounds[1] for v in values)


@examples(150)
@given(st.data(), st.integers(-4, 12))
def test_the_truth_of_a_comparison_everywhere(data, bound):
    expr = safely(lambda: data.draw(expressions()))
    if expr is None:
        return
    for formula in (ge(expr, bound), le(expr, bound), eq(expr, bound)):
        pattern = None if isinstance(formula, bool) else truth_pattern(formula)
        for value in range(1, 700) if pattern is not None else ():
            try:
                assert pattern.holds(value) == holds(formula, {"H": value}), (formula, value)
            except (ZeroDivisionError, NotSeparable):
                assert value < pattern.start


def windows(size, stages):
    """What RegionViT requires of an image side of 28 pixels times a number."""
    parts = [eq(size % 28, 0), ge(size, 28)]
    local, region = (size + 2) // 4, size // 28
    for stage in range(stages):
        if stage:
            local, region = (local + 1) // 2, (region + 1) // 2
        window = local // region
        parts += [eq(local % window, 0), eq(local // window, region), le(window, 7)]
    return conj(*parts)


@pytest.mark.parametrize("stages", [1, 2, 3, 4])
def test_windows_that_shrink_with_the_image(stages):
    box = Box({"H": (1, None), "W": (1, None)})
    several = stages < 3  # four stages have too many pairs of classes
    names = ("H", "W") if several else ("H",)
    formula = conj(windows(H, stages), windows(W, stages) if several else True)
    real = [h for h in range(28, 1500, 28) if holds(windows(H, stages), {"H": h})]
    found = []
    while len(found) < 6:
        point = smallest_by_residues(names, box, formula)
        found.append(point["H"])
        assert point.get("W", 28) == 28
        formula = conj(formula, negate(eq(H, point["H"])))
    assert found == real[:6]
    last = conj(windows(H, stages), ge(H, 1500), negate(eq(H % 224, 0)))
    if stages == 4:
        assert smallest_by_residues(("H",), Box({"H": (1, None)}), last) is None


@pytest.mark.parametrize("low", [1, 28, 60])
@pytest.mark.parametrize("step", [2, 7, 12])
def test_multiples_count_as_what_they_are(low, step):
    box = Box({"H": (low, None), "W": (low, 90)})
    formula = conj(eq(H % step, 0), eq(W % 5, 0), disj(ge(H, 40), ge(W, 70)), ge(H, 2))
    real = min(
        ((h + w, (h, w)) for h, w in itertools.product(range(low, 200), range(low, 91))
         if holds(formula, {"H": h, "W": w}))
    )  # fmt: skip
    found = smallest_by_residues(("H", "W"), box, formula)
    assert (found["H"], found["W"]) == real[1]
