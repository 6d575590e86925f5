"""Descriptions: the exact words, the proof, and that the words mean what they say."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archlint.contracts.rulefile.phrase_parser import parse_clause
from archlint.engine.describe.describe import describe
from archlint.engine.describe.restrict import simplified
from archlint.runtime.effort_clock import now
from archlint.symbolic import ceildiv, maximum, minimum, symbol
from archlint.symbolic.formula import conj, disj, eq, ge, gt, holds, le, lt, ne, negate
from archlint.symbolic.intervals import Box

N, T, H, W = map(symbol, "NTHW")
OPEN = Box(dict.fromkeys("NTHW", (1, None)))


def inside(size, low, high):
    return conj(ge(size, low), le(size, high))


def of(formula, box=OPEN, seconds=20.0):
    return describe("NTHW", box, formula, solver_deadline=now() + seconds)


def check_same(one, other, ranges):
    """Brute force."""
    for values in itertools.product(*ranges.values()):
        env = {"N": 1, "T": 1, "H": 1, "W": 1, **dict(zip(ranges, values, strict=True))}
        assert holds(one, env) == holds(other, env), env


def check_words(description):
    """The words, read as a rule file's phrase, are the formula."""
    if description.text == "no size":
        return False
    said = description.text
    return parse_clause(said if said == "any size" else f"only {said}", "accepts").region


def both(make):
    return conj(make(H), make(W))


ONE = [
    (ge(H, 1), "any size"),
    (conj(ge(H, 33), lt(H, 33)), "no size"),
    (ge(H, 32), "H >= 32"),
    (gt(H * H, 100), "H >= 11"),
    (le(H, 224), "H <= 224"),
    (eq(H, 224), "H == 224"),
    (inside(H, 224, 255), "H in 224..255"),
    (eq(H // 32, 7), "H in 224..255"),
    (disj(eq(H, 224), eq(H, 256)), "H in {224, 256}"),
    (disj(*(eq(H, v) for v in range(32, 257, 32))), "H in 32..256 step 32"),
    (disj(le(H, 4), inside(H, 221, 224)), "H in 1..4 or H in 221..224"),
    (disj(eq(H, 1), ge(H, 33)), "H == 1 or H >= 33"),
    (disj(le(H, 3), eq(H % 2, 0)), "H <= 3 or H % 2 == 0"),
    (disj(le(H, 2), ne(H % 3, 2)), "H <= 2 or H % 3 != 2"),
    (disj(eq(H, 3), eq(H % 16, 0)), "H == 3 or H % 16 == 0"),
    (disj(le(H, 3), conj(ge(H, 5), eq(H % 2, 0))), "H <= 3 or H >= 6 and H % 2 == 0"),
    (conj(ge(H, 5), ne(H, 9)), "H >= 5 and H != 9"),
    (conj(ne(H, 9), ne(H, 11)), "H not in {9, 11}"),
    (eq(H % 32, 0), "H % 32 == 0"),
    (ne(H % 4, 1), "H % 4 != 1"),
    (conj(ge(H, 32), eq(H % 32, 0)), "H % 32 == 0"),
    (conj(ge(H, 33), eq(H % 32, 0)), "H >= 64 and H % 32 == 0"),
    (conj(le(H, 1024), eq(H % 32, 0)), "H in 32..1024 step 32"),
    (disj(eq(H % 32, 0), ge(H % 32, 29)), "H % 32 in {0, 29, 30, 31}"),
    (disj(le(H % 32, 9), ge(H % 32, 29)), "(H+3) % 32 <= 12"),
    (inside(H % 32, 3, 20), "H % 32 in 3..20"),
    (disj(eq(H, 7), conj(ge(H, 20), eq(H % 4, 0))), "H == 7 or H >= 20 and H % 4 == 0"),
    (conj(eq(H % 2, 0), eq(H % 3, 0)), "H % 6 == 0"),
    (disj(conj(ge(H, 7), eq(H % 2, 0)), conj(ge(H, 7), eq(H % 2, 1))), "H >= 7"),
    (ge((H - 7) // 2 * 3 - (H + 1) // 4, 50), "H >= 49"),
]

SEVERAL = [
    (both(lambda s: ge(s, 32)), "H, W >= 32"),
    (both(lambda s: eq(s, 224)), "H == 224 and W == 224"),
    (both(lambda s: inside(s, 224, 255)), "H, W in 224..255"),
    (both(lambda s: eq(s % 32, 0)), "H % 32 == 0 and W % 32 == 0"),
    (both(lambda s: disj(eq(s % 32, 0), eq(s % 32, 31))), "H % 32, W % 32 in {0, 31}"),
    (both(lambda s: conj(ge(s, 20), eq(s % 4, 0))), "H, W >= 20 and H % 4 == 0 and W % 4 == 0"),
    (conj(ge(N, 2), both(lambda s: ge(s, 32))), "N >= 2 and H, W >= 32"),
    (le(maximum(H, W), 224), "H, W <= 224"),
    (ge(minimum(H, W), 7), "H, W >= 7"),
    (conj(disj(eq(N, 1), ge(H, 8)), disj(ne(N, 1), ge(H, 8))), "H >= 8"),
    (
        disj(both(lambda s: le(s, 4)), both(lambda s: inside(s, 221, 224))),
        "H, W in 1..4 or H, W in 221..224",
    ),
    (
        both(lambda s: disj(inside(s, 16, 23), inside(s, 224, 231))),
        "(H in 16..23 or H in 224..231) and (W in 16..23 or W in 224..231)",
    ),
    (disj(ge(H, 32), ge(W, 32)), "H >= 32 or W >= 32"),
    (disj(le(H, 4), le(W, 4)), "H <= 4 or W <= 4"),
    (disj(conj(eq(T, 1), ge(H, 32)), conj(ge(T, 2), ge(H, 64))), "H >= 64 or T == 1 and H >= 32"),
    (ge(N * ceildiv(H, 32) * ceildiv(W, 32), 2), "N >= 2 or H >= 33 or W >= 33"),
    (
        eq(512 * (H // 32) * (W // 32), 25088),
        "H, W in 224..255 or H in 32..63 and W in 1568..1599 or H in 1568..1599 and W in 32..63",
    ),
    (
        disj(eq(ceildiv(H, 4) * ceildiv(W, 4), 3136), eq(ceildiv(H, 4) * ceildiv(W, 4), 1)),
        "H, W <= 4 or ceil(H/4)*ceil(W/4) == 3136",
    ),
    (
        disj(eq(ceildiv(H, 4) * ceildiv(W, 4), 3136), eq(ceildiv(H, 4) * ceildiv(W, 4), 6)),
        "ceil(H/4)*ceil(W/4) in {6, 3136}",
    ),
    (
        disj(
            conj(ne(H, 224), ne(H, 240)), conj(eq(H, 224), ne(W, 224)), conj(eq(H, 240), ne(W, 240))
        ),
        "(H != 224 or W != 224) and (H != 240 or W != 240)",
    ),
    (
        conj(
            eq(49 * ((H + 3) // 28) * ((W + 3) // 28), ceildiv(H, 4) * ceildiv(W, 4)),
            ge(((H + 3) // 28) * ((W + 3) // 28), 1),
        ),
        "H % 28, W % 28 in {0, 25, 26, 27}",
    ),
    (eq(H, W), "H == W"),
    (ne(H, W), "H != W"),
    (ge(H, W), "H >= W"),
    (conj(ge(H, W), ge(W, H), eq(H % 8, 0)), "H == W and H % 8 == 0"),
    (eq(T, H * W), "H*W == T"),
    (le(H * W, 1024), "H*W <= 1024"),
    (conj(le(H * W, 1024), eq(H % 2, 0)), "H % 2 == 0 and H*W <= 1024"),
    (le(H + W, 100), "H+W <= 100"),
    (ge(H + W, 4), "H+W >= 4"),
    (conj(ge(N, 2), le(H * W, 4096), ge(H, 2)), "N, H >= 2 and H*W <= 4096"),
]


@pytest.mark.parametrize(("formula", "expected"), ONE, ids=[e for _, e in ONE])
def test_one_size(formula, expected):
    found = of(formula)
    assert (found.text, found.exact) == (expected, True)
    check_same(found.formula, formula, {"H": range(1, 1200)})
    check_same(check_words(found), formula, {"H": range(1, 1200)})


@pytest.mark.parametrize(("formula", "expected"), SEVERAL, ids=[e[:60] for _, e in SEVERAL])
def test_several_sizes(formula, expected):
    found = of(formula)
    assert (found.text, found.exact) == (expected, True)
    sides = [1, 4, 5, 7, 16, 31, 32, 33, 56, 64, 221, 224, 240, 255, 256, 1568, 1600, 12544]
    ranges = {"N": (1, 2), "T": (1, 2, 1024), "H": sides, "W": sides}
    check_same(found.formula, formula, ranges)
    check_same(check_words(found), formula, ranges)


WHOLE = [
    (
        (conj(ge(H, 16), ge(W, 16), eq((N * (H - 3) * (W - 3)) % 25, 0))),
        "H, W >= 16 and (N*(H-3)*(W-3)) % 25 == 0",
    ),
    (eq((H // 16) * (W // 16), 196), "(H//16)*(W//16) == 196"),
    (
        conj(ge(H, 4), ge(W, 4), eq((1024 * N * (H // 4) * (W // 4)) % 65536, 0)),
        "H, W >= 4 and (N*(H//4)*(W//4)) % 64 == 0",
    ),
    (eq((H // 2) * (W // 2), 2 * (H // 2) + 2 * (W // 2) + 140), "(H//2-2)*(W//2-2) == 144"),
]


@pytest.mark.parametrize(("formula", "expected"), WHOLE, ids=[e for _, e in WHOLE])
def test_a_comparison_is_not_split_into_many_cases(formula, expected):
    found = of(formula)
    assert (found.text, found.exact) == (expected, True)
    check_same(found.formula, formula, {"N": (1, 16), "H": range(1, 99, 3), "W": range(1, 99)})


def test_a_size_that_only_its_bounds_name_is_left_out():
    """Where a shorter phrase is looked for, too."""
    pinned = eq(((H + 5) // 8) * ((W + 5) // 8), 784)
    found = of(conj(ge(N, 1), pinned, ge(H, 32), ge(W, 32), ge(T, 0)))
    assert (found.text, found.exact) == ("H, W >= 32 and ((H+5)//8)*((W+5)//8) == 784", True)


PLAIN = [
    (conj(ge(H, 1), eq(H * W, minimum(65, H * W))), "H*W <= 65"),
    (eq((H // 8) * (W // 8), minimum((H // 8) * (W // 8) + 1, 65) - 1), "(H//8)*(W//8) <= 64"),
    (
        disj(eq(T, 1), eq(T, maximum(0, minimum(24, H + T) - minimum(24, H)))),
        "T == 1 or H+T <= 24",
    ),
    (conj(disj(eq(H, W), eq(W, 1), eq(H, 1)), eq(H, W)), "H == W"),
    (conj(ge(W, H - 5), ge(H, W + 5)), "H == W+5"),
    (
        conj(ne(maximum(0, H - 5), 0), eq((3 * N * W * maximum(0, H - 5)) % maximum(0, H - 5), 0)),
        "H >= 6",
    ),
    (ge(W * maximum(0, H - minimum(5, H)), 5), "W*(H-5) >= 5"),
    (eq(H * ((896 * H * W) // (224 * H * H)), 4 * W), "(4*W) % H == 0"),
    (
        conj(
            ne(N * (H - 4) * (H - 4), 0),
            eq((4 * T * (H - 4) * (H - 4)) % (4 * N * (H - 4) * (H - 4)), 0),
        ),
        "H != 4 and T % N == 0",
    ),
]


@pytest.mark.parametrize(("formula", "expected"), PLAIN, ids=[e for _, e in PLAIN])
def test_plain_comparisons(formula, expected):
    found = of(formula)
    assert (found.text, found.exact) == (expected, True)
    ranges = {"N": range(1, 4), "T": range(1, 30, 3), "H": range(1, 40, 1), "W": range(1, 70, 3)}
    for values in itertools.product(*ranges.values()):
        env = dict(zip(ranges, values, strict=True))
        try:
            expected_truth = holds(formula, env)
        except ZeroDivisionError:
            continue
        assert holds(found.formula, env) == expected_truth, env


def test_inside_the_box_only_what_matters_there():
    box = Box({"H": (32, 1024)})
    assert of(inside(H, 10, 2000), box).text == "any size"
    assert of(ge(H, 100), box).text == "H >= 100"
    assert of(inside(H, 100, 1024), box).text == "H >= 100"
    assert of(le(H, 99), box).text == "H <= 99"
    assert of(eq(H % 32, 0), box).text == "H % 32 == 0"
    assert of(lt(H, 32), box).text == "no size"
    assert of(eq(H, 0), Box({"H": (0, None)})).text == "H == 0"


def test_without_time_the_formula_itself_is_said_whole():
    formula = disj(conj(ge(H, W), eq(H % 3, 1)), lt(H * W, 99))
    found = of(formula, seconds=-1.0)
    assert found.exact
    assert found.formula is formula
    ranges = {"H": range(1, 40), "W": range(1, 40)}
    check_same(check_words(found), formula, ranges)


def test_all_halvings_of_a_size_are_read_back():
    least = [conj(ge(H, 5 << k), le(H, (10 << k) - 1), ge(W, 2 << k)) for k in range(59)]
    accepted = disj(le(H, 4), *least)
    found = of(accepted)
    assert found.exact
    region = check_words(found)
    for k in range(59):
        for height in ((5 << k) - 1, 5 << k, (10 << k) - 1):
            for width in (1, (2 << k) - 1, 2 << k):
                point = {"H": height, "W": width}
                assert holds(region, point) == holds(accepted, point), point


def test_what_is_cut_is_not_called_exact():
    formula = disj(*(conj(eq(H, i), ge(W, (i * 37) % 101)) for i in range(2, 200)))
    found = of(formula, seconds=-1.0)
    assert not found.exact
    assert "…" in found.text


def test_a_division_by_zero_is_no_member():
    formula = conj(ne(W - 3, 0), ge(H // (W - 3), 2))
    found = of(formula)
    assert found.exact
    for h, w in itertools.product(range(1, 30), (1, 2, 4, 5, 9)):
        env = {"H": h, "W": w}
        assert holds(found.formula, env) == holds(formula, env)


PRODUCTS = [
    eq(49 * N * ((H + 3) // 28) * ((W + 3) // 28), N * ceildiv(H, 4) * ceildiv(W, 4)),
    eq(H * W, 64 * (H // 8) * (W // 8)),
    eq(H * W, 64 * (W // 8) * (H // 8)),
    ge(64 * (H // 8) * (W // 8), H * W),
    ge(H * W, 64 * (H // 8) * (W // 8) + 1),
    eq(4 * N * ceildiv(H, 16) * ceildiv(W, 16), N * ceildiv(H, 8) * ceildiv(W, 8)),
    ge(N * ceildiv(H, 8) * ceildiv(W, 8), 4 * N * ceildiv(H, 16) * ceildiv(W, 16)),
    eq(H * W, 6 * (H // 2) * (W // 2)),
    eq((H // 2) * (W // 3), 0),
    eq(ceildiv(H, 2) * ceildiv(W, 3), 1),
    ne(ceildiv(H, 2) * ceildiv(W, 3), 1),
    ge(ceildiv(H, 2) * (W // 3), 1),
    ge((H // 2) * (W // 3), 2),
    ge(ceildiv(H, 2) * ceildiv(W, 3), 2),
    le(ceildiv(H, 2) * ceildiv(W, 3), 1),
    le((H // 2) * (W // 3), 0),
    le((H // 2) * (W // 3), 1),
    eq(ceildiv(H, 4) * ceildiv(W, 4), ceildiv(W, 4)),
    gt((H // 4) * (W // 4), W // 4),
    conj(ge(H, 4), gt((H // 4) * (W // 4), H // 4), le(W, 30)),
    conj(ge(H, 9), ge(W, 9), eq(ceildiv(H, 4) * ceildiv(W, 4), 9)),
    conj(ge(H, 9), ge(W, 9), ge(ceildiv(H, 4) * ceildiv(W, 4), 10)),
    conj(ge(H, 9), le(H, 12), ge(H, 3), disj(ge(H, 11), eq(W, H)), eq(H * W, 12 * W)),
]


@pytest.mark.parametrize("formula", PRODUCTS, ids=str)
def test_products_are_said_of_their_factors(formula):
    for one in (formula, negate(formula)):
        for low in (0, 1, 5):
            small = simplified(one, Box({"N": (1, None), "H": (low, 90), "W": (low, None)}))
            check_same(small, one, {"N": (1, 3), "H": range(low, 91), "W": range(low, 64, 1)})


NUMBERS = st.integers(1, 40)


@st.composite
def comparisons_of(draw, size):
    kind = draw(st.sampled_from(["ge", "le", "eq", "ne", "range", "mod", "mods"]))
    a, b = draw(NUMBERS), draw(st.integers(2, 9))
    if kind == "range":
        return inside(size, a, a + b)
    if kind == "mod":
        return eq(size % b, a % b)
    if kind == "mods":
        return ge((size + a) % b, b // 2)
    return {"ge": ge, "le": le, "eq": eq, "ne": ne}[kind](size, a)


def sets_of(size):
    return st.recursive(
        comparisons_of(size),
        lambda inner: st.tuples(st.sampled_from([conj, disj]), inner, inner).map(
            lambda t: t[0](t[1], t[2])
        ),
        max_leaves=4,
    )


@settings(max_examples=60)
@given(sets_of(H))
def test_any_set_of_one_size(formula):
    found = of(formula)
    assert found.exact
    check_same(found.formula, formula, {"H": range(1, 200)})
    check_same(check_words(found), formula, {"H": range(1, 200)})


RELATIONS = st.sampled_from(
    [eq(H, W), ge(H, W), le(H * W, 30), ge(H + W, 9), eq(H * W, 12), ge(H // 2 * W, 7), True]
)


@pytest.mark.slow
@settings(max_examples=40)
@given(st.sampled_from([conj, disj]), sets_of(H), sets_of(W), RELATIONS, st.booleans())
def test_any_set_of_two_sizes(join, first, second, relation, opposite):
    formula = join(first, second, negate(relation) if opposite else relation)
    found = of(formula, Box({"H": (1, 60), "W": (1, None)}), seconds=3.0)
    assert found.exact or len(found.text) > 400
    ranges = {"H": range(1, 61), "W": [*range(1, 50), 97, 210]}
    check_same(found.formula, formula, ranges)
    check_same(check_words(found), formula, ranges)


def test_a_size_and_a_remainder_are_no_list():
    """``H, W % 8 in {0, 1}`` would be read as the remainder of both."""
    small = disj(eq(H, 1), eq(H, 3))
    remainder = disj(eq(W % 8, 1), eq(W % 8, 3))
    description = of(conj(small, remainder))
    assert description.exact
    check_words(description)
    assert ", W %" not in description.text
