"""Powers of sizes: bounds from which on a float is too small to hold them."""

from __future__ import annotations

import pytest

from archlint.symbolic import symbol
from archlint.symbolic.intervals import Box
from archlint.tracing.path import TracedPath
from archlint.tracing.symint import powers

H = symbol("H")


def overflows(plain):
    try:
        plain()
    except OverflowError:
        return True
    return False


@pytest.mark.parametrize("h", [1, 5, 17, 18, 300, 308, 309, 400])
@pytest.mark.parametrize("base", [0.5, 1.0, 1.01, 2.0, 10.0, 1e60, -3.0])
def test_a_power_with_a_size_as_exponent(base, h):
    path = TracedPath({"H": h}, Box({"H": (1, None)}))
    found = overflows(lambda: powers.power(path, base, H))
    assert found is overflows(lambda: base**h)
    for other in range(1, 700):
        same = all(e.formula.evaluate({"H": other}) for e in path.events)
        assert not same or overflows(lambda n=other: base**n) is found


@pytest.mark.parametrize("h", [1, 34, 35, 1000])
@pytest.mark.parametrize("exponent", [0.5, 3.0, 150.0, 200.5, -2.0])
def test_a_power_of_a_size(exponent, h):
    path = TracedPath({"H": h}, Box({"H": (1, None)}))
    found = overflows(lambda: powers.power(path, H, exponent))
    assert found is overflows(lambda: h**exponent)
