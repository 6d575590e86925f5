"""Regions: the box holds everything that the region holds, and no more where that is simple."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archlint.contracts.contract import TensorInput
from archlint.contracts.region import (
    bounds_of,
    box_of,
    in_box,
    input_constraints,
    input_symbols,
    typical_point,
)
from archlint.symbolic import minimum, symbol
from archlint.symbolic.formula import conj, disj, eq, ge, gt, holds, le, lt, ne, negate
from archlint.symbolic.intervals import Box

N, H, W, T = map(symbol, ("N", "H", "W", "T"))

ask = st.builds(
    lambda compare, name, times, number: compare(symbol(name) * times, number),
    st.sampled_from([ge, gt, le, lt, eq, ne]),
    st.sampled_from(["H", "W"]),
    st.sampled_from([1, 2, 3, -1, -2]),
    st.integers(-4, 12),
)
odd = st.sampled_from(
    [eq(H % 4, 0), ge(H * W, 6), eq(H, W), ge(minimum(H, W), 2), ge(H + W, 3), True, False]
)
regions = st.recursive(
    st.one_of(ask, ask, odd),
    lambda inner: st.one_of(
        st.builds(conj, inner, inner), st.builds(disj, inner, inner), st.builds(negate, inner)
    ),
    max_leaves=5,
)


def inside(interval, number):
    low, high = interval
    return (low is None or low <= number) and (high is None or number <= high)


@settings(max_examples=400)
@given(regions)
def test_bounds_hold_whatever_the_region_holds(region):
    bounds = bounds_of(region)
    for h, w in itertools.product(range(-8, 16), repeat=2):
        if holds(region, {"H": h, "W": w}):
            assert inside(bounds.get("H", (None, None)), h)
            assert inside(bounds.get("W", (None, None)), w)


@settings(max_examples=200)
@given(regions)
def test_the_box_holds_the_region_from_its_start(region):
    box = box_of(("H", "W"), region)
    said = bounds_of(region)
    for h, w in itertools.product(range(16), repeat=2):
        env = {"H": h, "W": w}
        in_it = all(inside(box.ranges[n], v) for n, v in env.items())
        assert holds(in_box(box), env) is in_it
        starts = all(v >= 1 or said.get(n, (None,))[0] is not None for n, v in env.items())
        if holds(region, env) and starts:
            assert in_it


@settings(max_examples=200)
@given(regions)
def test_a_typical_point_is_inside(region):
    box = box_of(("H", "W"), region)
    point = typical_point(box, region)
    if point is not None:
        assert holds(region, point)
        assert holds(in_box(box), point)


BOXES = {
    "sizes are at least 1": (True, (1, None)),
    "a start": (ge(H, 32), (32, None)),
    "0 where it is said": (ge(H, 0), (0, None)),
    "never below 0": (ge(H, -7), (0, None)),
    "an end keeps the start at 1": (le(H, 100), (1, 100)),
    "an end in halves": (le(2 * H, 101), (1, 50)),
    "a start in thirds": (ge(3 * H, 100), (34, None)),
    "one size": (eq(H, 224), (224, 224)),
    "one of several": (disj(eq(H, 224), eq(H, 256)), (224, 256)),
    "a range": (conj(ge(H, 32), le(H, 1024), eq(H % 32, 0)), (32, 1024)),
    "one alternative open": (disj(ge(H, 32), eq(W, 1)), (1, None)),
    "not one size": (ne(H, 5), (1, None)),
    "a threshold of a division": (ge(H // 32, 2), (64, None)),
}


@pytest.mark.parametrize("name", BOXES)
def test_boxes(name):
    region, expected = BOXES[name]
    assert box_of(("H",), region).ranges == {"H": expected}


def test_no_size_at_all():
    assert typical_point(box_of(("H",), False), False) is None
    assert typical_point(Box({}), True) == {}
    assert in_box(Box({})) is True


def test_typical_points_are_ordinary_and_differ():
    region = conj(ge(H, 32), ge(W, 32))
    point = typical_point(box_of(("H", "W"), region), region)
    assert point["H"] != point["W"]
    assert min(point.values()) >= 32


def test_symbols_in_the_order_of_writing():
    image = TensorInput((N, 3, H, W))
    tokens = TensorInput((N, 2 * T), dtype="int64", below=symbol("V"))
    assert input_symbols(image) == ("N", "H", "W")
    assert input_symbols({"image": image, "ids": [tokens]}) == ("N", "H", "W", "T", "V")
    assert input_symbols(TensorInput((W + H, N))) == ("H", "W", "N")
    assert input_symbols([]) == ()


def test_derived_sizes_are_not_negative():
    assert input_constraints(TensorInput((3, H - 2))) is ge(H, 2)
    both = input_constraints({"a": TensorInput((H - 2,)), "b": [TensorInput((W - H, 3))]})
    assert holds(both, {"H": 2, "W": 2})
    assert not holds(both, {"H": 3, "W": 2})
    assert input_constraints(TensorInput((1, 3))) is True
