"""The largest box: against every box of small ranges."""

import itertools
import random

import pytest

from archlint.contracts.accepted_set import region
from archlint.engine.describe.largest_box import GoodBox, largest_box, typical_member
from archlint.runtime.effort_clock import now
from archlint.symbolic.formula import holds
from archlint.symbolic.intervals import Box

NAMES = ("H", "W")
SETS = [
    "H, W >= 5",
    "H % 4 == 0 and W >= 3",
    "H % 4, W % 4 == 0",
    "H*W <= 40",
    "H + W <= 14",
    "H in 3..6 or W in 8..9",
    "(H in 1..4 and W in 1..4) or (H in 8..12 and W in 8..12) or H == W",
    "H >= W",
    "H//3 == W//3",
    "(H + 1) % 6 in {0, 1, 2} and W != 7",
]


def deadline():
    return now() + 20


def boxes(low, high, point):
    """All boxes around the point inside low..high."""
    for l1, h1 in itertools.product(range(low, point["H"] + 1), range(point["H"], high + 1)):
        for l2, h2 in itertools.product(range(low, point["W"] + 1), range(point["W"], high + 1)):
            yield l1, h1, l2, h2


@pytest.mark.parametrize("text", SETS)
def test_no_box_around_the_point_is_larger(text):
    accepted, outer = region(text), Box(dict.fromkeys(NAMES, (1, 12)))
    good = {(h, w) for h in range(1, 13) for w in range(1, 13)
            if holds(accepted, {"H": h, "W": w})}  # fmt: skip
    draw = random.Random(text)
    for h, w in draw.sample(sorted(good), min(3, len(good))):
        point = {"H": h, "W": w}
        best = max(
            (h1 - l1 + 1) * (h2 - l2 + 1)
            for l1, h1, l2, h2 in boxes(1, 12, point)
            if all(p in good for p in itertools.product(range(l1, h1 + 1), range(l2, h2 + 1)))
        )
        found = largest_box(NAMES, outer, accepted, point, deadline())
        sizes = [range(s.low, s.high + 1) for s in found.spans.values()]
        assert found.largest
        assert all(p in good for p in itertools.product(*sizes))
        assert h in sizes[0]
        assert w in sizes[1]
        assert len(sizes[0]) * len(sizes[1]) == found.count == best


@pytest.mark.parametrize(
    ("text", "point", "expected"),
    [
        ("H % 32 == 0 and W >= 32", (224, 224), [(32, 1024, 32), (32, 1024, 1)]),
        ("(H + 3) % 32 in {0, 1, 2, 3} and W % 8 == 4", (224, 228), [(32, 1024, 32), (4, 1020, 8)]),
        ("H, W >= 63", (224, 224), [(63, 1024, 1), (63, 1024, 1)]),
        ("H in {96, 224} and W >= 1", (224, 224), [(96, 224, 128), (1, 1024, 1)]),
    ],
)
def test_steps(text, point, expected):
    outer = Box(dict.fromkeys(NAMES, (1, 1024)))
    at = dict(zip(NAMES, point, strict=True))
    found = largest_box(NAMES, outer, region(text), at, deadline(), steps=True)
    assert [(s.low, s.high, s.step) for s in found.spans.values()] == expected
    for h, w in itertools.product(range(1, 300, 7), range(1, 300, 3)):
        sizes = {"H": h, "W": w}
        inside = all(s.low <= sizes[n] <= s.high and (sizes[n] - s.low) % s.step == 0
                     for n, s in found.spans.items())  # fmt: skip
        assert holds(found.formula(), sizes) == inside


def test_ranges_without_an_end():
    outer = Box({"H": (1, None), "W": (1, 100)})
    found = largest_box(NAMES, outer, region("H >= 9 and W >= 9"), {"H": 10, "W": 20}, deadline())
    assert [(s.low, s.high) for s in found.spans.values()] == [(9, None), (9, 100)]
    assert isinstance(found, GoodBox)


def test_a_point_outside():
    with pytest.raises(ValueError, match="not accepted"):
        largest_box(NAMES, Box(dict.fromkeys(NAMES, (1, 9))), region("H >= 9"),
                    {"H": 8, "W": 1}, deadline())  # fmt: skip


def test_a_typical_member_keeps_the_wished_sizes():
    outer, accepted = Box(dict.fromkeys(NAMES, (1, 99))), region("H % 7 == 0 and W % 5 == 0")
    assert typical_member(NAMES, outer, accepted, {"H": 21}, deadline()) == {"H": 21, "W": 5}
    assert typical_member(NAMES, outer, accepted, {"H": 22}, deadline()) == {"H": 7, "W": 5}
    assert typical_member(NAMES, outer, region("H > 99"), {}, deadline()) is None
