"""Where keys that are made from sizes equal others."""

from __future__ import annotations

import itertools

import pytest

from archlint.symbolic import symbol
from archlint.symbolic.formula import holds
from archlint.symbolic.intervals import Box
from archlint.tracing.path import TracedPath
from archlint.tracing.symint.key_texts import is_of_size, keys_equal, marked, readable
from archlint.tracing.symint.node import size_of
from archlint.tracing.symint.numbers import value_at
from archlint.tracing.symint.python_types import sym_int

H, W = symbol("H"), symbol("W")
TEXTS = (
    "{H}", "{W}", "w{H}", "{H}x{W}", "{W}x{H}", "{H}{W}", "1{H}", "{H}1", "[{H}, {W}]", "8", "08",
    "18", "81", "8x9", "8x8", "w8", "W", "H", "[8, 9]", "", "x", "8-9", "{H}-{W}", "-8",
)  # fmt: skip
EVERYTHING = {"H": range(1, 20), "W": range(1, 20)}


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations_with_replacement(TEXTS, 2)))
def test_texts_are_equal_where_they_are_at_plain_sizes(one, other):
    path = TracedPath({"H": 5, "W": 7}, Box({"H": (1, None), "W": (1, None)}))
    path.keys.texts = {marked("H"): H, marked("W"): W}
    marks = {"H": marked("H"), "W": marked("W")}
    equal = keys_equal(path, one.format(**marks), other.format(**marks))
    if equal is None:
        assert "{H}{W}" in (one, other) or {"1{H}", "{H}1"} & {one, other}
        return
    for h, w in itertools.product(*EVERYTHING.values()):
        sizes = {"H": h, "W": w}
        assert holds(equal, sizes) is (one.format(**sizes) == other.format(**sizes)), sizes


def test_a_text_of_what_may_be_negative_is_not_known():
    path = TracedPath({"H": 5}, Box({"H": (1, None)}))
    path.keys.texts = {marked("H - 3"): H - 3}
    assert keys_equal(path, marked("H - 3"), "2") is None
    assert keys_equal(path, marked("of another path"), "2") is None


def test_marks_are_for_keys_only():
    assert readable(f"key {marked('H//2')}") == "key H//2"
    assert is_of_size(("a", marked("H")))
    assert not is_of_size(("a", 8, "H"))


def test_quotients_that_are_exact_are_equal_where_their_sizes_are():
    path = TracedPath({"H": 3, "W": 4}, Box(dict.fromkeys("HW", (1, None))))
    h, w = (sym_int(symbol(name), path) for name in "HW")
    pairs = [(h / 2, w / 2), ((h - 1) / 4, w / 2), (h / 2, 1.5), (h * 0.5, w), (7.25, w / 8)]
    for one, other in pairs:
        equal = keys_equal(path, one, other)
        for at in itertools.product(range(1, 70), (1, 2, 4, 58)):
            env = dict(zip("HW", at, strict=True))
            plain = [value_at(size_of(v), env) if hasattr(v, "node") else v for v in (one, other)]
            assert holds(equal, env) == (plain[0] == plain[1])
    assert keys_equal(path, h / 3, w / 3) is None  # they are rounded
    assert not path.events
