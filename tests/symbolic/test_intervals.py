"""Intervals against brute force: never too narrow, and tight for the patterns that matter."""

import itertools

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from archlint.symbolic import ceildiv, floordiv, maximum, minimum
from archlint.symbolic.formula import conj, disj, eq, ge, holds, le, ne
from archlint.symbolic.intervals import Box
from tests.support.examples import examples
from tests.support.sizes import SYMBOLS, size, trees, value
from tests.symbolic.test_formula import build, formula_trees, truth

H, W, N = SYMBOLS.values()
FAR = [-1000, -97, -12, 12, 97, 1000]  # stand for the values of an unbounded side


@st.composite
def boxes(draw):
    """A box and values inside it, for each symbol."""
    ranges, inside = {}, {}
    for name in SYMBOLS:
        low = draw(st.integers(-6, 6))
        high = low + draw(st.integers(0, 5))
        values = list(range(low, high + 1))
        if draw(st.booleans()):
            values += [v for v in FAR if v > high]
            high = None
        if draw(st.integers(0, 3)) == 0:
            values += [v for v in FAR if v < low]
            low = None
        ranges[name], inside[name] = (low, high), values
    if draw(st.booleans()) and ranges["N"] == (None, None):
        del ranges["N"]
    return Box(ranges), inside


def every(inside):
    for values in itertools.product(*(inside[n] for n in SYMBOLS)):
        yield dict(zip(SYMBOLS, values, strict=True))


@examples(100)
@given(boxes(), trees(leaves=6))
@example(
    (Box({"H": (1, None), "W": (1, None)}), {"H": [1, 5], "W": [1, 7], "N": [3]}), ("%", "H", "W")
)
def test_intervals_hold_every_value(box_inside, tree):
    box, inside = box_inside
    try:
        low, high = box.interval(size(tree))
    except ZeroDivisionError:
        assume(False)
    for env in every(inside):
        found = value(tree, env)
        if found is not None:
            assert low is None or low <= found, env
            assert high is None or found <= high, env


@examples(100)
@given(boxes(), formula_trees)
def test_what_is_decided_is_so(box_inside, tree):
    box, inside = box_inside
    decided = box.decide(build(tree))
    if decided is not None:
        for env in itertools.islice(every(inside), 400):
            expected = truth(tree, env)
            assert expected is None or expected is decided, env


def stride_2(x, times):
    for _ in range(times):
        x = (x - 1) // 2 + 1
    return x


RANGES = {"H": (1, None), "W": (32, 64), "N": (0, 9), "T": (None, None)}
TIGHT = {
    "remainder": (H % 7, (0, 6)),
    "remainder of what may be negative": ((H - 300) % 7, (0, 6)),
    "negative remainder": ((-H) % 7, (0, 6)),
    "scaled remainder": (3 * (H % 7) + 1, (1, 19)),
    "remainder of a product": ((H * W) % 4, (0, 3)),
    "window padding": (H + (7 - H % 7) % 7, (7, None)),
    "padding alone": ((7 - H % 7) % 7, (0, 6)),
    "rounded up minus itself": (7 * ceildiv(H, 7) - H, (0, 6)),
    "itself minus rounded down": (W - 8 * (W // 8), (0, 7)),
    "ceil chain": (stride_2(H, 5), (1, None)),
    "ceil chain, bounded": (stride_2(W, 5), (1, 2)),
    "floor chain": (W // 2 // 2 // 2, (4, 8)),
    "convolution": ((W + 2 * 3 - 7) // 2 + 1, (16, 32)),
    "product": (512 * (W // 32) * H, (512, None)),
    "min": (minimum(W, N), (0, 9)),
    "max": (maximum(H, W), (32, None)),
    "symbolic divisor": (W // H, (0, 64)),
    "symbolic quotient of a bounded": (floordiv(N, W), (0, 0)),
    "negated": (-W, (-64, -32)),
    "constant": (5, (5, 5)),
}


@pytest.mark.parametrize("name", TIGHT)
def test_tight_where_it_matters(name):
    expr, expected = TIGHT[name]
    assert Box(RANGES).interval(expr) == expected


DECIDED = {
    "a remainder is never the divisor": (ne(H % 7, 7), True),
    "a remainder is below the divisor": (le(H % 7, 6), True),
    "padding never shrinks": (ge(H + (7 - H % 7) % 7, H), True),
    "a chain never reaches 0": (ge(stride_2(H, 5), 1), True),
    "in range": (conj(ge(W, 32), le(W, 64)), True),
    "out of range": (disj(eq(W, 31), ge(W, 65)), False),
    "unclear": (ge(W, 40), None),
    "one side decides": (disj(ge(W, 40), ge(H, 1)), True),
    "not one of them": (conj(ge(W, 40), ge(0, H)), False),
    "unknown symbol": (ge(SYMBOLS["N"] + H, 0), True),
}


@pytest.mark.parametrize("name", DECIDED)
def test_decided(name):
    formula, expected = DECIDED[name]
    assert Box(RANGES).decide(formula) is expected


def test_bools_need_no_box():
    assert Box({}).decide(True) is True
    assert Box({}).decide(False) is False
    assert Box({}).decide(ge(H, 0)) is None
    assert Box({"H": (3, 3)}).decide(eq(H, 3)) is True
    assert holds(eq(H, 3), {"H": 3})


def test_a_box_within_ranges():
    box = Box({"H": (1, None), "W": (4, 9)})
    assert box.within({"H": (7, None)}).ranges == {"H": (7, None), "W": (4, 9)}
    assert box.within({"W": (1, 6), "N": (2, 3)}).ranges == {
        "H": (1, None),
        "W": (4, 6),
        "N": (2, 3),
    }
    assert box.within({"H": (0, None), "W": (4, 20)}) is box
    assert box.within({}) is box


ATOMS = [H, W, H // 2, W // 2, H // 4, ceildiv(W, 3), N + 6]


@examples(100)
@given(
    boxes(),
    st.lists(
        st.tuples(st.integers(-3, 3), st.sampled_from(ATOMS), st.sampled_from([1, *ATOMS])),
        min_size=2,
        max_size=5,
    ),
    st.integers(-5, 5),
)
def test_sums_of_products_hold_every_value(box_inside, terms, const):
    box, inside = box_inside
    low, high = box.interval(sum((a * b * k for k, a, b in terms), const))
    for env in every(inside):
        found = const + sum(k * at(a, env) * at(b, env) for k, a, b in terms)
        assert low is None or low <= found, env
        assert high is None or found <= high, env


def at(factor, env):
    return factor if isinstance(factor, int) else factor.evaluate(env)


@pytest.mark.parametrize("h", [H, H // 2, (H + 6) // 8])
@pytest.mark.parametrize("w", [W, W // 2, ceildiv(W, 3)])
@pytest.mark.parametrize("k", [2, 3])
def test_terms_of_two_groups_cancel(h, w, k):
    box = Box({"H": (1, None), "W": (1, None)})
    assert box.interval(h * w + w - k * (h // k) * w - k * (w // k))[0] == 0
    assert box.interval(h * w - k * (h // k) * w - (k - 1) * w)[1] == 0


@pytest.mark.parametrize("x", [H, 3 * H + 1, (H + 6) // 4, H + W])
@pytest.mark.parametrize("y", [W, (W + 5) // 3, N + 2])
def test_quotients_of_what_a_quotient_divides(x, y):
    for ranges in ({"H": (1, None), "W": (1, 9), "N": (0, 4)}, {"H": (12, 40), "W": (2, 3)}):
        box = Box({"N": (1, 4), **ranges})
        values = [range(box.ranges[n][0], min(box.ranges[n][1] or 30, 30) + 1) for n in "HWN"]
        for quotient in (x // y, x // (x // y)):
            low, high = box.interval(quotient)
            for point in itertools.product(*values):
                try:
                    found = quotient.evaluate(dict(zip("HWN", point, strict=True)))
                except ZeroDivisionError:
                    continue
                assert low is None or low <= found, point
                assert high is None or found <= high, point
    box = Box({"H": (28, None)})
    assert box.interval(((H + 6) // 8) // ((H + 28) // 56))[0] == 1
    assert box.interval(((H + 6) // 8) // (((H + 6) // 8) // ((H + 28) // 56)))[0] == 1


def test_the_same_part_of_a_box_is_one_box():
    box = Box({"H": (1, None), "W": (1, None)})
    part = box.within({"H": (3, 9)})
    assert part.ranges == {"H": (3, 9), "W": (1, None)}
    assert box.within({"H": (3, 9), "W": (0, None)}) is part
    assert box.within({"H": (0, None)}) is box
    assert box.within({"H": (4, 9)}) is not part
