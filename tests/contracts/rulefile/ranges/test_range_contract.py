"""Profiles as contracts: the input and the phrase of a rule file."""

import itertools

import pytest

from archlint.contracts.rulefile.phrase_parser import parse_clause
from archlint.contracts.rulefile.ranges.declared import DeclaredTensor, Profile, Span
from archlint.contracts.rulefile.ranges.range_contract import contract_of_profile, phrase
from archlint.engine.python_contracts import contract_of
from archlint.errors import ArchlintError, Location
from archlint.symbolic.formula import holds

WHERE = Location("build.sh", 7)
C = Span.fixed(3)


def profile(*tensors, shapes=()):
    made = tuple(DeclaredTensor(name, spans, WHERE, dtype) for name, dtype, *spans in tensors)
    made = tuple(
        DeclaredTensor(t.name, tuple(t.spans), WHERE, t.dtype, shapes=shapes) for t in made
    )
    return Profile("", made, WHERE)


def span(low, high, opt=None, step=1, name="", factor=1, offset=0):
    return Span(low, high, opt, step, name, factor, offset)


CASES = [
    (profile(("images", "", span(1, 16, 8), C, span(32, 64), span(32, 64))),
     "N 3 H W", "any N in 1..16 and H, W in 32..64"),
    (profile(("images", "", span(1, None), C, span(32, None), span(48, None))),
     "N 3 H W", "any N >= 1 and H >= 32 and W >= 48"),
    (profile(("x", "", span(1, 8), C, span(32, 1000, step=32), span(5, None, step=4))),
     "N 3 H W", "any N in 1..8 and H in 32..992 step 32 and W >= 5 and W % 4 == 1"),
    (profile(("x", "", Span.fixed(1), C, Span.fixed(8), Span.fixed(8))), "1 3 8 8", "any size"),
    (profile(("ids", "int64", span(1, 4), span(1, 9))),
     {"shape": "N T", "dtype": "int64"}, "any N in 1..4 and T in 1..9"),
    (profile(("ids", "", span(1, 4), span(1, 9)), ("mask", "", span(1, 4), span(1, 9))),
     {"ids": "N T", "mask": "N T"}, "any N in 1..4 and T in 1..9"),
    (profile(("a", "", span(1, 4), span(1, 9)), ("b", "", span(1, 4), span(2, 9))),
     {"a": "N T", "b": "N T2"}, "any N in 1..4 and T in 1..9 and T2 in 2..9"),
    (profile(("x", "", span(1, 4, name="batch"), span(1, 9, name="in"), span(1, 9, name="in"))),
     "batch in_ in_", "any batch in 1..4 and in_ in 1..9"),
    (profile(("x", "", span(2, 8, name="n"), span(8, 64, step=8, name="_h", factor=8))),
     "n h", "any n in 2..8 and h in 8..64 step 8"),
    (profile(("x", "", span(2, 8, name="n"), span(5, 17, step=2, name="n", factor=2, offset=1))),
     "n 2*n+1", "any n in 2..8 and 2*n+1 in 5..17 step 2"),
    (profile(("x", "", Span.fixed(1), C, span(32, 64), span(32, 64)),
             shapes=((1, 3, 32, 32), (1, 3, 64, 64))),
     "1 3 H W", "any H, W in 32..64 and ((H == 32 and W == 32) or (H == 64 and W == 64))"),
]  # fmt: skip


ONE = [span(1, None), span(8, None), span(5, 20), span(8, None, step=8), span(5, None, step=4),
       span(8, 32, step=8), span(3, 3), span(4, 12, step=4)]  # fmt: skip


def within(size, span):
    above = span.high is None or size <= span.high
    return size >= span.low and above and (size - span.low) % span.step == 0


@pytest.mark.parametrize("first", ONE)
@pytest.mark.parametrize("second", ONE)
def test_a_phrase_says_of_each_size_what_its_span_is(first, second):
    """Also where both have one remainder: ``H % 8, W % 8 == 0``, not ``H, W % 8 == 0``."""
    derived = span(2 * second.low + 1, None, step=2)
    said = phrase([("H", first), ("W", second), ("2*W+1", derived)])
    region = parse_clause(f"any {said}", "accepts").region
    for h, w in itertools.product(range(1, 35), repeat=2):
        assert holds(region, {"H": h, "W": w}) is (within(h, first) and within(w, second)), said


@pytest.mark.parametrize(("declared", "input", "accepts"), CASES)
def test_the_words_of_a_profile(declared, input, accepts):
    words = contract_of_profile(declared)
    assert (words.input, words.accepts) == (input, accepts)
    contract_of(input=words.input, accepts=words.accepts)  # raises if they do not parse


def test_the_clause_holds_exactly_in_the_profile():
    spans = span(1, 3), span(5, 17, step=4), span(4, None, step=3)
    words = contract_of_profile(profile(("x", "", *spans)))
    region = parse_clause(words.accepts, "accepts").region
    names = words.input.split()

    def inside(size, s):
        return size >= s.low and (s.high is None or size <= s.high) and not (size - s.low) % s.step

    for n in range(5):
        for t in range(20):
            for c in range(12):
                point = dict(zip(names, (n, t, c), strict=True))
                expected = all(map(inside, (n, t, c), spans))
                assert holds(region, point) == expected, point


def inputs(words):
    return contract_of(input=words, accepts="any size").input


def test_the_names_of_an_input():
    declared = profile(("images", "", span(1, 16), C, span(32, 64), span(32, 64)))
    words = contract_of_profile(declared, inputs("B 3 S S"))
    assert words.accepts == "any B in 1..16 and S in 32..64"
    assert words.tensors == {"": "images"}


def test_inputs_are_matched_by_name_then_by_order():
    declared = profile(("ids", "", span(1, 4), span(1, 9)), ("len", "", span(1, 4)))
    for names in (("len", "ids"), ("a", "b")):
        shapes = {names[0]: "N", names[1]: "N T"} if "ids" in names else {"a": "N T", "b": "N"}
        words = contract_of_profile(declared, inputs(shapes))
        assert words.accepts == "any N in 1..4 and T in 1..9"


@pytest.mark.parametrize(
    ("input", "message"),
    [
        ("N 3 H", "images has 4 sizes, and the input 'N 3 H' has 3"),
        ("N 4 H W", "size 1 of images is 3, and the input 'N 4 H W' has 4"),
        ("20 3 H W", "size 0 of images is 1..16, and the input '20 3 H W' has 20"),
        ({"x": "N", "y": "N"}, "the profile is about images, and the input about x, y"),
    ],
)
def test_an_input_that_does_not_fit(input, message):
    declared = profile(("images", "", span(1, 16), C, span(32, 64), span(32, 64)))
    with pytest.raises(ArchlintError, match=f"build.sh:7: {message}"):
        contract_of_profile(declared, inputs(input))


def test_dimensions_without_a_number_need_an_input():
    tensor = DeclaredTensor("x", None, WHERE, "", ((0, span(1, 8)), (-1, span(4, 9))))
    declared = Profile("", (tensor,), WHERE)
    with pytest.raises(ArchlintError, match=r"build\.sh:7: the number of sizes of x is not stated"):
        contract_of_profile(declared)
    words = contract_of_profile(declared, inputs("N 3 H W"))
    assert words.accepts == "any N in 1..8 and W in 4..9"
