"""Promised output shapes: on formulas and on numbers."""

import pytest

from archlint.contracts.contract import ANY_SIZE, ANY_SIZES, TensorOutput
from archlint.contracts.output_match import output_formula, output_requirements
from archlint.symbolic import symbol
from archlint.symbolic.formula import conj, eq, holds

N, H, W = map(symbol, "NHW")


def out(*dims):
    return TensorOutput(dims, " ".join(map(str, dims)))


@pytest.mark.parametrize(
    ("expected", "actual", "formula"),
    [
        (out(N, 10), (N, 10), True),
        (out(N, 10), (N, 11), False),
        (out(N, 10), (N * (H // 32), 10), eq(N * (H // 32), N)),
        (out(N, 10), (N,), False),
        (out(N, 10), (N, 10, 1), False),
        (out(), (), True),
        (out(), (1,), False),
        (out(N, ANY_SIZE), (N, H * W), True),
        (out(N, ANY_SIZE), (N,), False),
        (out(N, ANY_SIZES), (N,), True),
        (out(N, ANY_SIZES), (N, 3, H), True),
        (out(N, ANY_SIZES), (), False),
        (out(N, ANY_SIZES, H, W), (N, 3, H, W), True),
        (out(N, ANY_SIZES, H, W), (N, H), False),
        (out(N, ANY_SIZES, H, W), (N, 3, W, H), conj(eq(W, H), eq(H, W))),
        (out(ANY_SIZES), (N, 3), True),
        (out(ANY_SIZES), (), True),
        (out(ANY_SIZES, ANY_SIZE), (), False),
        (out(ANY_SIZES, W), (H,), eq(H, W)),
        (out(N, 10), [(N, 10)], False),
        (out(N, 10), None, False),
        (out(N, 10), {"out": (N, 10)}, False),
        ([out(N), out(H)], [(N,), (H,)], True),
        ([out(N), out(H)], [(N,)], False),
        ([out(N)], (N,), False),
        ([out(N), [out(H)]], [(N,), [(W,)]], eq(W, H)),
        ({"out": out(N)}, {"out": (N,), "aux": (H,)}, True),
        ({"out": out(N)}, {"aux": (H,)}, False),
        ({"out": out(N)}, {}, False),
        ({"out": out(N)}, [(N,)], False),
        ({"out": out(N)}, "a number", False),
        (None, (N, 3), True),
    ],
    ids=str,
)
def test_promised(expected, actual, formula):
    assert output_formula(expected, actual) is formula


def test_numbers_are_matched_like_formulas():
    assert output_formula(out(N, ANY_SIZES, H), (2, 5, 3)) is conj(eq(N, 2), eq(H, 3))
    assert output_formula(out(2, 10), (2, 10)) is True


def test_what_a_broken_promise_says():
    batch, last = output_requirements(out(N, 10), (N * (H // 32), 10))
    assert last.formula is True
    assert batch.needs() == "expected output N 10, got N*(H//32) 10"
    assert batch.sizes == (N * (H // 32), N)
    assert not holds(batch.formula, {"N": 2, "H": 128})


@pytest.mark.parametrize(
    ("expected", "actual", "text", "where"),
    [
        (out(N, 10), (N,), "expected output N 10 (2 sizes), got N (1 size)", "output"),
        (
            out(N, ANY_SIZES, H),
            (),
            "expected output N ... H (at least 2 sizes), got a scalar",
            "output",
        ),
        (out(), (N,), "expected output a scalar (0 sizes), got N (1 size)", "output"),
        ([out(N)], (N,), "expected output to be a list of 1, got one tensor N", "output"),
        ([out(N)], [], "expected output to be a list of 1, got a list of 0", "output"),
        (out(N), [(N,)], "expected output to be one tensor N, got a list of 1", "output"),
        (
            {"a": {"b": out(N)}},
            {"a": {}},
            "expected output[a] to have the key b, got nothing",
            "output[a]",
        ),
        ({"b": out(N)}, {"c": ()}, "expected output to have the key b, got c", "output"),
        ({"b": out(N)}, None, "expected output to be a mapping, got nothing", "output"),
    ],
)  # fmt: skip
def test_what_an_impossible_promise_says(expected, actual, text, where):
    (demand,) = output_requirements(expected, actual)
    assert demand.formula is False
    assert demand.needs() == text
    assert demand.gets({"N": 1}) == text
    assert demand.where == where


def test_braces_in_a_name_are_only_text():
    (demand,) = output_requirements({"{0}": out(N)}, {"{0}": (H,)})
    assert demand.needs() == "expected output[{0}] N, got H"
    (demand,) = output_requirements({"{": out(N)}, {"}": (H,)})
    assert demand.needs() == "expected output to have the key {, got }"
