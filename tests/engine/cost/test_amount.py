"""Amounts with conditional parts, against their cases one by one."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archlint.engine.cost.amount import Amount, one_of, product_text, total
from archlint.symbolic import ceildiv, evaluate, symbol
from archlint.symbolic.formula import conj, disj, eq, ge, holds, negate

N, H = symbol("N"), symbol("H")
EVEN = eq(H % 2, 0)
POINTS = [{"N": n, "H": h} for n, h in itertools.product((1, 2, 7), range(1, 9))]


def agree(amount, expected):
    for point in POINTS:
        assert amount.at(point) == expected(point["N"], point["H"]), (str(amount), point)


def test_a_part_is_due_where_its_condition_holds():
    amount = Amount(N) + Amount(N * H).where(EVEN)
    agree(amount, lambda n, h: n + (n * h if h % 2 == 0 else 0))
    agree(amount.times(3), lambda n, h: 3 * n + (3 * n * h if h % 2 == 0 else 0))
    agree(amount.where(ge(N, 2)), lambda n, h: (n + (h % 2 == 0) * n * h) if n >= 2 else 0)


def test_cases():
    cases = [(EVEN, Amount(N)), (negate(EVEN), Amount(N * 2))]
    agree(one_of(cases), lambda n, h: n if h % 2 == 0 else 2 * n)
    inner = Amount(N) + Amount(5).where(ge(H, 3))
    agree(one_of([(EVEN, inner), (negate(EVEN), Amount(N))]), lambda n, h: n + (h in (4, 6, 8)) * 5)
    assert one_of([(EVEN, Amount(N)), (negate(EVEN), Amount(N))]) == Amount(N)


def test_sums_join_what_is_due_together():
    amounts = [Amount(N).where(EVEN), Amount(H).where(EVEN), Amount(1)]
    assert total(amounts).parts == ((EVEN, N + H),)
    assert total([Amount(N).where(EVEN), Amount(N).where(negate(EVEN))]) == Amount(N)
    assert total([Amount(N).where(EVEN), Amount(-N).where(EVEN)]) == Amount()


def test_equal_parts_that_may_be_due_at_once_are_two():
    one, other = Amount(N).where(EVEN), Amount(N).where(ge(H, 3))
    agree(one + other, lambda n, h: n * (h % 2 == 0) + n * (h >= 3))
    inner = [(negate(EVEN), Amount(N)), (EVEN, Amount(H))]
    cases = [(EVEN, one_of(inner) + Amount(H)), (negate(EVEN), Amount(2 * N))]
    twice = one_of(cases) + one_of([(EVEN, Amount(H)), (negate(EVEN), Amount(N))])
    agree(twice, lambda n, h: 3 * h if h % 2 == 0 else 3 * n)


def test_conditions_that_cannot_hold_are_left_out():
    wide = ge(H, 3)
    neither = disj(conj(EVEN, negate(wide)), negate(EVEN))
    part = Amount(N)
    split = part.where(negate(wide)).where(EVEN) + part.where(neither).where(conj(EVEN, wide))
    amount = part.where(neither) + split + part.where(negate(EVEN))
    assert len(amount.parts) == 1
    agree(amount, lambda n, h: 2 * n if h % 2 or h < 3 else 0)


CONDITIONS = st.recursive(
    st.sampled_from([EVEN, negate(EVEN), ge(H, 3), negate(ge(H, 3)), eq(N, 2)]),
    lambda inner: st.builds(
        lambda f, parts: f(*parts),
        st.sampled_from([conj, disj]),
        st.lists(inner, min_size=1, max_size=3),
    ),
    max_leaves=4,
)


@given(st.lists(st.tuples(st.sampled_from([N, H, N + H]), st.lists(CONDITIONS, max_size=3))))
def test_sums_of_drawn_conditions(parts):
    def part(size, conditions):
        amount = Amount(size)
        for condition in conditions:
            amount = amount.where(condition)
        return amount

    amount = total(part(*p) for p in parts)
    for point in POINTS:
        due = (s for s, when in parts if all(holds(w, point) for w in when))
        assert amount.at(point) == sum(evaluate(s, point) for s in due)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (7, "7"),
        (N * 5, "5*N"),
        (N * H + N * 3, "N*(3+H)"),
        (N * ceildiv(H, 2) * 864 + N * 1280 - N * H, "N*(1280+864*ceil(H/2)-H)"),
        (H * H - 4, "-4+H*H"),
    ],
)
def test_texts(size, text):
    assert product_text(size) == text
    for point in POINTS:
        known = {**point, "ceil": lambda x: -int(-x // 1)}
        value = size if isinstance(size, int) else size.evaluate(point)
        assert eval(text, known) == value
