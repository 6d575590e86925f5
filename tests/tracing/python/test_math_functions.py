"""Functions of ``math`` and ``operator``, on sizes as on numbers."""

import math
import operator

import pytest

from archlint.symbolic import symbol
from archlint.symbolic.formula import holds
from archlint.symbolic.intervals import Box
from archlint.tracing.path import TracedPath
from archlint.tracing.python.math_functions import math_of_sizes
from archlint.tracing.symint.node import size_of
from archlint.tracing.symint.numbers import value_at
from archlint.tracing.symint.python_types import sym_int

SIZES = [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 15, 16, 17, 24, 30, 36, 49, 60, 64, 100, 127, 128, 129,
         148, 149, 999, 1000, 1001, 2**20, 2**29 - 1, 2**29, 2**29 + 1]  # fmt: skip

CALLS = {
    "gcd": lambda h: math.gcd(h, 12),
    "gcd of a multiple": lambda h: math.gcd(2 * h, 12, 18),
    "gcd with 0": lambda h: math.gcd(h, 0),
    "lcm": lambda h: math.lcm(h, 8),
    "lcm of three": lambda h: math.lcm(4, h, 6),
    "isqrt": lambda h: math.isqrt(h),
    "isqrt of a product": lambda h: math.isqrt(3 * h + 1),
    "isqrt of a square": lambda h: math.isqrt(h * h),
    "sqrt rounded": lambda h: math.floor(math.sqrt(h)),
    "sqrt up": lambda h: math.ceil(math.sqrt(h)),
    "sqrt of a square": lambda h: math.sqrt(h * h),
    "a square": lambda h: math.isqrt(h) ** 2 == h,
    "log2": lambda h: math.floor(math.log2(h)),
    "log2 up": lambda h: math.ceil(math.log2(h)),
    "log2 compared": lambda h: math.log2(h) >= 4,
    "a power of two": lambda h: math.log2(h).is_integer(),
    "2 ** floor(log2)": lambda h: 2 ** math.floor(math.log2(h)),
    "the next power of two": lambda h: 1 << (h - 1).bit_length(),
    "log": lambda h: math.floor(math.log(h)),
    "log up": lambda h: math.ceil(math.log(h)),
    "log times 3": lambda h: math.floor(3 * math.log(h)),
    "log times 5, up": lambda h: math.ceil(math.log(h) * 5),
    "log1p up": lambda h: math.ceil(math.log1p(h)),
    "log compared": lambda h: math.log(h) > 3.5,
    "log from the right": lambda h: math.log(h) >= 2,
    "log equal": lambda h: math.log(h) == 0,
    "log10": lambda h: math.floor(math.log10(h)) + 1,
    "log10 up": lambda h: math.ceil(math.log10(h)),
    "a power of ten": lambda h: math.log10(h).is_integer(),
    "log to base 2": lambda h: math.floor(math.log(h, 2)),
    "log to base 2, up": lambda h: math.ceil(math.log(h, 2)),
    "log to base 10": lambda h: math.floor(math.log(h, 10)),
    "log to base 10, up": lambda h: math.ceil(math.log(h, 10)),
    "quotient of logs": lambda h: math.floor(math.log(h) / math.log(2)),
    "pow": lambda h: math.pow(h, 2),
    "fmod": lambda h: math.fmod(h, 5),
    "fabs": lambda h: math.fabs(h - 20),
    "copysign": lambda h: math.copysign(1.0, h),
    "copysign of a size": lambda h: math.copysign(h, 20 - h),
    "copysign by a quotient": lambda h: math.copysign(1.0, (h - 1) / 2),
    "copysign by a negative quotient": lambda h: math.copysign(h, (20 - h) / 4),
    "copysign by a rounded quotient": lambda h: math.copysign(2.0, (h - 7) / 3),
    "copysign by 0": lambda h: math.copysign(2, h // 7),
    "isfinite": lambda h: math.isfinite(h),
    "isnan of a quotient": lambda h: math.isnan(h / 7),
    "isinf of a root": lambda h: math.isinf(math.sqrt(h)),
    "index": lambda h: operator.index(h) + 1,
}


def number(value, env):
    return value_at(size_of(value), env) if hasattr(value, "node") else value


@pytest.mark.parametrize("name", CALLS)
def test_a_call_on_a_size_is_as_on_numbers(name):
    call = CALLS[name]
    covered = set()
    for h in SIZES:
        if h in covered:
            continue
        path = TracedPath({"H": h}, Box({"H": (1, None)}))
        with math_of_sizes():
            result = call(sym_int(symbol("H"), path))
        through = [o for o in SIZES if all(holds(e.formula, {"H": o}) for e in path.events)]
        assert h in through
        for other in through:
            assert number(result, {"H": other}) == call(other), other
            assert type(number(result, {"H": other})) is type(call(other))
        covered.update(through)
        assert len(path.events) <= 2, path.events
    assert covered == set(SIZES)


def test_the_originals_are_back():
    original = math.isqrt
    with math_of_sizes():
        assert math.isqrt(17) == 4
        assert math.isqrt is not original
    assert math.isqrt is original
