"""Formulas for every value of an index, against a loop over the values."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from archlint.symbolic import Unknown, atoms, floordiv, maximum, minimum, symbol, unknown
from archlint.symbolic.formula import conj, disj, eq, ge, holds, ne
from archlint.symbolic.intervals import Box
from archlint.symbolic.quantify_range import at_every_value

T, C = symbol("T"), symbol("C")
I = unknown(1, 0, (T - 1,))  # noqa: E741
INDEX = next(a for a in atoms(I) if isinstance(a, Unknown))
BOX = Box({"T": (1, None), "C": (0, None)})
_numbers = st.integers(-3, 3)


@st.composite
def sizes(draw):
    line = I * draw(_numbers) + T * draw(_numbers) + C * draw(_numbers) + draw(_numbers)
    kind = draw(st.integers(0, 4))
    if kind == 0:
        return floordiv(line, draw(st.integers(2, 3)))
    if kind == 1:
        return minimum(line, C + draw(_numbers))
    if kind == 2:
        return maximum(line, T) - I * draw(_numbers)
    return line


@st.composite
def formulas(draw):
    parts = [
        draw(st.sampled_from((ge, eq, ne)))(draw(sizes()), 0)
        for _ in range(draw(st.integers(1, 3)))
    ]
    return draw(st.sampled_from((conj, disj)))(*parts)


@given(formulas())
def test_it_holds_where_it_holds_for_each_value(formula):
    found = at_every_value(formula, INDEX, BOX)
    if found is None:
        return
    for t, c in itertools.product(range(1, 6), range(5)):
        each = all(holds(formula, {"T": t, "C": c, "?1": i}) for i in range(t))
        assert holds(found, {"T": t, "C": c}) == each, (formula, found, t, c)


def test_a_line_is_treated_exactly():
    assert str(at_every_value(ge(T - 1, I + 1), INDEX, BOX)) == "False"
    assert at_every_value(ge(T, I + 1), INDEX, BOX) in (True, ge(T, 1))
    assert str(at_every_value(ge(C, I + 1), INDEX, BOX)) == "C >= 1 and C >= T"
