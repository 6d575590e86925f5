"""Before and after: shrunk, grown, the same or undecided, with the smallest sizes that tell."""

import dataclasses

import pytest

from archlint.contracts.accepted_set import AcceptedSet, OutputCase, Refusal
from archlint.contracts.contract import TensorInput
from archlint.contracts.rulefile.phrase_parser import parse_size
from archlint.project.compare import compare

SIZES = TensorInput(tuple(map(parse_size, ("N", "3", "H", "W"))), text="N 3 H W")


def entry(accepts, exact=True, output="N 10", refusals=(), input=SIZES):
    return AcceptedSet("net", "eval", input, accepts, exact, output, tuple(refusals))


def points(change):
    return [e and e.point for e in (change.shrunk, change.grown, change.output)]


def at(h, w, n=1):
    return {"N": n, "H": h, "W": w}


@pytest.mark.parametrize(
    ("before", "after", "word", "shrunk", "grown"),
    [
        ("H, W >= 32", "H, W >= 32", "same", None, None),
        ("H, W >= 32", "H >= 32 and W >= 32", "same", None, None),
        ("H, W >= 32", "H, W >= 33", "shrunk", at(32, 32), None),
        ("H, W >= 32", "W >= 32", "grown", None, at(1, 32)),
        ("H % 8 == 0", "H % 12 == 0", "grown and shrunk", at(8, 1), at(12, 1)),
        ("any size", "N >= 2 or H >= 33", "shrunk", at(1, 1), None),
        ("any size", "no size", "shrunk", at(1, 1), None),
        ("H*W <= 100", "H*W <= 99", "shrunk", at(10, 10), None),
        ("ceil(H/32) == 7 and W == 224", "H in 193..224 and W == 224", "same", None, None),
    ],
)
def test_sets(before, after, word, shrunk, grown):
    change = compare(entry(before), entry(after))
    assert change.word == word
    assert points(change) == [shrunk, grown, None]
    assert change.not_compared == ""


@pytest.mark.parametrize(
    ("before", "after", "word", "where"),
    [
        ("N 10", "N 7", "other output", at(4, 4)),
        ("N ceil(H/2)", "N (H+1)//2", "same", None),
        ("N ceil(H/2)", "N H//2", "other output", at(5, 4)),
        (["N 10", "N 10"], ["N 10"], "other output", at(4, 4)),
        ({"out": "N 10"}, {"out": "N 10 1"}, "other output", at(4, 4)),
    ],
)
def test_outputs(before, after, word, where):
    both = (entry("H, W >= 4", output=o) for o in (before, after))
    change = compare(*both)
    assert change.word == word
    assert points(change)[2] == where


def test_the_layer_that_refuses_the_example():
    layers = [
        Refusal("H <= 31", "stem", "max_pool2d", "needs a longer side"),
        Refusal("W <= 31", "head", "linear", "needs 7 columns"),
    ]
    before, after = entry("H >= 16", refusals=[]), entry("H, W >= 32", refusals=layers)
    assert str(compare(before, after).shrunk.refusal) == "stem (max_pool2d) needs a longer side"
    grown = compare(after, entry("H >= 32"))
    assert grown.grown.point == at(32, 1)
    assert grown.grown.refusal is layers[1]
    assert compare(after, entry("W >= 32")).lines()["grown"] == (
        "N=1 H=1 W=32 was refused, is accepted now\n"
        "refused because stem (max_pool2d) needs a longer side"
    )


# What is not exact


def test_a_set_that_is_not_exact_any_more():
    change = compare(entry("H >= 8"), entry("H in 8..20", exact=False))
    assert change.word == "not compared"
    assert "not exact" in change.not_compared
    assert (change.shrunk, change.grown) == (None, None)


def test_what_is_known_to_be_refused_counts():
    refuses = [Refusal("H <= 9", "stem", "conv2d", "needs more")]
    change = compare(entry("H >= 8"), entry("H in 10..20", exact=False, refusals=refuses))
    assert (change.word, change.shrunk.point) == ("shrunk", at(8, 1))
    assert change.not_compared


def test_a_set_that_has_become_exact():
    assert compare(entry("H == 8", exact=False), entry("H >= 8")).word == "not compared"
    assert compare(entry("H == 8", exact=False), entry("H >= 9")).shrunk.point == at(8, 1)


def test_neither_is_exact():
    one = entry("H == 8", exact=False)
    assert compare(one, entry("H == 8", exact=False)).word == "same"
    assert compare(one, entry("H in 8..9", exact=False)).word == "not compared"


def test_what_was_not_compared_is_not_the_same():
    """Two equal records of outputs that nobody knows."""
    one = entry("H >= 8", output=None)
    change = compare(one, one)
    assert (change.word, change.same) == ("not compared", False)


def test_words_that_were_cut():
    cut = entry("H == 8 or … (4000 characters)", exact=False)
    assert compare(cut, entry("H >= 8")).word == "not compared"
    assert compare(cut, entry("H == 8 or … (4001 characters)", exact=False)).word == "not compared"
    assert compare(cut, cut).word == "same"  # as far as is known: it is not exact


def test_what_cannot_be_compared():
    other = TensorInput(SIZES.dims[:3], text="N 3 H")
    assert (
        compare(entry("H >= 8"), entry("H >= 8", input=other)).not_compared == "their inputs differ"
    )
    change = compare(entry("H >= 8"), entry("H >= 8", output=None))
    assert (change.word, change.not_compared) == (
        "not compared",
        "the output now is not recorded, for example at N=1 H=8 W=1",
    )
    change = compare(entry("H*H*H*H*W % 997 == 996"), entry("W*H*H*W*H % 983 == 5"), seconds=0.0)
    assert change.word == "not compared"


# Outputs without one formula


def outputs(*cases):
    return dataclasses.replace(
        entry("any size", output=None), outputs=tuple(OutputCase(*c) for c in cases)
    )


@pytest.mark.parametrize(
    ("before", "after", "where"),
    [
        ([("any size", ["float32", "N 4"])], [("any size", ["float32", "N 9"])], at(1, 1)),
        ([("any size", ["float32", "N 4"])], [("any size", ["<None>", "N 4"])], at(1, 1)),
        ([("any size", "N 4")], [("any size", "float16 N 4")], at(1, 1)),
        ([("any size", {"a": "N 4"})], [("any size", {"b": "N 4"})], at(1, 1)),
        ([("any size", {"a": "N 4"})], [("any size", ["N 4"])], at(1, 1)),
        ([("H >= 9", "N 4"), ("H <= 8", "N 2")], [("H >= 7", "N 4"), ("H <= 6", "N 2")], at(7, 1)),
        ([("H >= 9", "N H"), ("H <= 8", "N 8")], [("any size", "N max(8,H)")], None),
        ([("any size", "int64 N")], [("any size", "int64 N")], None),
    ],
)
def test_whole_outputs(before, after, where):
    change = compare(outputs(*before), outputs(*after))
    assert (change.word, change.not_compared) == ("other output" if where else "same", "")
    assert (change.output and change.output.point) == where


def test_an_output_that_is_not_recorded_is_not_the_same():
    some = outputs(("H >= 9", "N 4"))
    for one, other in ((some, some), (some, outputs(("any size", "N 4")))):
        change = compare(one, other)
        assert change.word == "not compared"
        assert (
            change.not_compared == "the output before is not recorded, for example at N=1 H=1 W=1"
        )
