"""Square roots, bit lengths, powers of two and logarithms, by brute force."""

import copy
import math
import pickle
import random

import pytest

from archlint.contracts.rulefile.phrase_parser import parse_size
from archlint.runner.cache.codec import decode, encode
from archlint.runtime.effort_clock import now
from archlint.symbolic import symbol
from archlint.symbolic.formula import eq, ge, holds, le, ne
from archlint.symbolic.intervals import Box
from archlint.symbolic.solver.z3_backend import Z3Solver
from archlint.symbolic.step_functions import (
    bit_length_of,
    isqrt_of,
    log10_below,
    log_below,
    power_below,
    square_root_of,
)
from archlint.symbolic.substitution import substitute

H, W = symbol("H"), symbol("W")
PLAIN = {
    isqrt_of: lambda n: math.isqrt(max(n, 0)),
    bit_length_of: lambda n: max(n, 0).bit_length(),
    log_below: lambda n: math.floor(math.log(max(n, 1))),
    log10_below: lambda n: math.floor(math.log10(max(n, 1))),
    power_below: lambda n: max(k for k in (2**i for i in range(64)) if k == 1 or k <= n),
}
VALUES = [*range(-3, 70), 127, 128, 129, 1000, 2**20 - 1, 2**20]


@pytest.mark.parametrize("function", PLAIN)
def test_values(function):
    for h in VALUES:
        assert function(H - 3).evaluate({"H": h}) == PLAIN[function](h - 3)
        assert function(h) == PLAIN[function](h)
        assert substitute(function(H + 1), {"H": h}) == PLAIN[function](h + 1)


@pytest.mark.parametrize("function", PLAIN)
@pytest.mark.parametrize("compare", [ge, le, eq, ne])
def test_a_comparison_with_a_number_is_a_threshold(function, compare):
    for number in range(-2, 20):
        formula = compare(function(2 * H + 1) * 3, number)
        for h in VALUES:
            left = function(2 * h + 1) * 3
            assert holds(formula, {"H": h}) is compare(left, number), (number, h)
        assert "isqrt" not in str(formula)


@pytest.mark.parametrize("function", PLAIN)
def test_bounds(function):
    for low in range(-3, 12):
        for high in range(low, 40, 7):
            bounds = Box({"H": (low, high)}).interval(function(H))
            assert bounds == (function(low), function(high))
    assert Box({"H": (None, None)}).interval(function(H)) == (function(-1), None)


@pytest.mark.parametrize("function", PLAIN)
def test_z3_agrees(function):
    draw = random.Random(0)
    for _ in range(12):
        a, b, c = draw.randint(1, 3), draw.randint(0, 5), draw.randint(0, 12)
        formula = eq(function(a * H * W + b) * 2, H + W + c)
        solver = Z3Solver(("H", "W"), Box({"H": (1, 24), "W": (1, 24)}), now() + 60)
        right = {(h, w) for h in range(1, 25) for w in range(1, 25)
                 if function(a * h * w + b) * 2 == h + w + c}  # fmt: skip
        found = solver.smallest(formula)
        smallest = min(right, key=lambda p: (sum(p), p), default=None)
        assert (None if found is None else (found["H"], found["W"])) == smallest


def test_the_definition_of_a_root_lasts():
    solver = Z3Solver(("H",), Box({"H": (1, 1000)}), now() + 60)
    formula = eq(isqrt_of(H) * isqrt_of(H), H)
    assert solver.smallest(formula) == {"H": 1}
    solver.add(formula)
    solver.add(ge(H, 50))
    assert solver.smallest() == {"H": 64}


@pytest.mark.parametrize("function", PLAIN)
def test_what_is_printed_is_read(function):
    size = function(2 * H * W + 3) * 5 - 1
    assert parse_size(str(size)) is size
    assert decode(encode(size)) is size
    assert pickle.loads(pickle.dumps(size)) is size
    assert copy.deepcopy(size) is size


def test_roots_of_products():
    assert square_root_of(4 * H * H * W * W) is 2 * H * W
    assert square_root_of(49) == 7
    assert square_root_of(H * W) is square_root_of(2 * H * H) is square_root_of(H * H + 1) is None
