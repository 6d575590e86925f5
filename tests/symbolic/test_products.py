"""Comparisons of products and what they say of the factors: the same at all sizes of the box."""

from __future__ import annotations

import itertools

import pytest

from archlint.symbolic import symbol
from archlint.symbolic.formula import Comparison, conj, disj, eq, ge, gt, holds, le, lt, ne
from archlint.symbolic.intervals import Box
from archlint.symbolic.products import factored

N, H, W = symbol("N"), symbol("H"), symbol("W")
BOX = Box({"N": (1, None), "H": (1, None), "W": (1, None)})
POINTS = [
    {"N": n, "H": h, "W": w}
    for n, h, w in itertools.product(
        (1, 2, 3), (1, 6, 7, 8, 14, 15, 16, 33, 49), (1, 7, 12, 14, 48)
    )
]


def windows(size):
    return (size + 6) // 7


def piece(size, pieces):
    return size // (size // pieces)


def rounded(size, step):
    return size // step * step


@pytest.mark.parametrize(
    ("formula", "said"),
    [
        (ne(H * (W // 16), 0), ge(W, 16)),
        (eq(H * (W // 16), 0), le(W, 15)),
        (eq(H * W, 1), conj(eq(H, 1), eq(W, 1))),
        (ge(N * H, N * W), ge(H, W)),
        (ge(H * W, 2), disj(ge(H, 2), ge(W, 2))),
        (ne((H - 3) * W, 0), ne(H, 3)),
        (eq(N * H, 2 * N * W), eq(H, 2 * W)),
        (eq(H * W, 49 * windows(H) * windows(W)), conj(eq(H % 7, 0), eq(W % 7, 0))),
        (ge(H * W, 49 * windows(H) * windows(W)), conj(eq(H % 7, 0), eq(W % 7, 0))),
        (eq(H * W % 49, 0), disj(eq(H % 49, 0), eq(W % 49, 0), conj(eq(H % 7, 0), eq(W % 7, 0)))),
        (ne(-H * W % 3, 0), conj(ne(H % 3, 0), ne(W % 3, 0))),
        (eq(6 * H * W % 4, 0), disj(eq(H % 2, 0), eq(W % 2, 0))),
        (eq(3 * (H - 7) * (W // 2) % 6, 0), None),
        (eq(N * H * W % 12, 0), None),
        (ge(H // W, 3), ge(H, 3 * W)),
        (le(H // W, 3), lt(H, 4 * W)),
        (eq(H // (W + N), 1), conj(ge(H, W + N), lt(H, 2 * W + 2 * N))),
        (ne(H // W, 0), ge(H, W)),
        (eq(64 * (H // 16) ** 2, (H // 2) ** 2), eq(8 * (H // 16), H // 2)),
        (ge(3 * H * H, 12 * W * W), ge(H, 2 * W)),
        (ne(H * H * W * W, 4 * N * N), ne(H * W, 2 * N)),
        (eq(piece(H + 5, H) * piece(W + 3, W), H * W), None),
        (ge(H * W, piece(H + 5, H) * piece(W + 3, W)), None),
        (ne(rounded(H, N) * rounded((W + 1) // 2, N), H * ((W + 1) // 2)), None),
        (
            eq(rounded(H, W) * rounded((W + 1) // 2, N), H * ((W + 1) // 2)),
            conj(eq(H % W, 0), eq((W + 1) // 2 % N, 0)),
        ),
        (ge(rounded(H, W) * rounded(W, N), H * W), conj(eq(H % W, 0), eq(W % N, 0))),
        (ge(N * H * W, rounded(H, W) * rounded(W, N) * rounded(N, H)), None),
    ],
)
def test_what_a_comparison_of_products_says(formula, said):
    assert isinstance(formula, Comparison)
    found = factored(formula, BOX)
    assert found is not formula
    for point in POINTS:
        assert holds(found, point) == holds(formula, point)
        assert said is None or holds(said, point) == holds(formula, point)


NARROW = Box({"N": (1, 4), "H": (1, None), "W": (1, None)})
SMALL = [
    {"N": n, "H": h, "W": w} for n, h, w in itertools.product(range(1, 5), range(1, 20), (1, 5, 12))
]


@pytest.mark.parametrize(
    ("formula", "said"),
    [
        (ge((N - H % N) % N, 0), True),
        (eq((N - H % N) % N, 0), None),
        (eq(N * N, 16), eq(N, 4)),
        (ne(N * N, 5), True),
        (ge(N * H, 12), None),
        (eq(H // (N + 1) * N, W), None),
        (ge(W, (H + W // N) // N), None),
        (eq(H, (H * N) // 3), None),
    ],
)
def test_a_factor_or_divisor_of_few_values(formula, said):
    assert isinstance(formula, Comparison)
    found = factored(formula, NARROW)
    assert found is not formula
    assert not isinstance(said, bool) or found is said
    for point in SMALL:
        assert holds(found, point) == holds(formula, point)
        assert said is None or holds(said, point) == holds(formula, point)


@pytest.mark.parametrize("formula", [ge(H // (N - 2), 3), ge((W % H) - N, 3)], ids=str)
def test_divisors_that_may_be_0_or_anything_stay(formula):
    assert factored(formula, NARROW) is formula


@pytest.mark.parametrize(
    "formula",
    [ge(H * W, 3), eq(H * W, 12), eq(H * W, N * 6), ge(H, 3), gt(N * H, N * W), ne(H * W % 7, 1)],
    ids=str,
)
def test_others_stay_as_they_are(formula):
    assert factored(formula, BOX) is formula
