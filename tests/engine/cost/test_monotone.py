"""Growth of amounts, and the smallest sizes above a limit, against enumeration."""

import itertools

import pytest

from archlint.engine.cost.monotone import grows, smallest_over
from archlint.symbolic import ceildiv, maximum, minimum, symbol
from archlint.symbolic.intervals import Box

N, H, W = map(symbol, "NHW")
GROWING = [
    N * H * W * 3 + N * 40,
    N * (ceildiv(H, 4) - 1) * (W // 2 - 1) * 7 + N,
    H * H * W + maximum(N, W) * 5,
    (H + W) ** 2 * N,
    minimum(H, W // 3) * N + H,
]
OTHERS = [H - W, H % 7 + N, N * (H // 4 - 3) * W, H * H - H * 12, N * 5 - H // 2]
BOX = Box({"N": (1, 9), "H": (4, 15), "W": (4, 15)})
POINTS = [
    dict(zip("NHW", p, strict=True))
    for p in itertools.product(range(1, 10), range(4, 16), range(4, 16))
]


def falls(size):
    """Whether the size falls somewhere in the box as one symbol rises by one."""
    return any(
        size.evaluate({**p, n: p[n] + 1}) < size.evaluate(p)
        for p in POINTS
        for n in "NHW"
        if p[n] < BOX.ranges[n][1]
    )


@pytest.mark.parametrize("size", GROWING, ids=str)
def test_what_grows(size):
    assert grows(size, BOX)
    assert not falls(size)


@pytest.mark.parametrize("size", OTHERS, ids=str)
def test_what_may_fall(size):
    assert not grows(size, BOX)
    assert falls(size)


@pytest.mark.parametrize("size", GROWING, ids=str)
def test_the_smallest_sizes_above_a_limit(size):
    values = sorted(size.evaluate(p) for p in POINTS)
    for limit in (-1, *values[:: len(values) // 6], values[-1]):
        over = [p for p in POINTS if size.evaluate(p) > limit]
        expected = min(over, key=lambda p: (sum(p.values()), *p.values()), default=None)
        assert smallest_over(size, limit, "NHW", BOX) == expected


def test_without_upper_bounds_and_without_effort():
    size = N * H * W
    box = Box({"N": (1, None), "H": (1, None), "W": (1, None)})
    assert smallest_over(size, 26, "NHW", box) == {"N": 3, "H": 3, "W": 3}
    assert smallest_over(size, 26, "NHW", box, effort=5) is None
