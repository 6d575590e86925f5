"""NumPy's global generator gives the same numbers after it was restored, whatever was drawn."""

from __future__ import annotations

import numpy as np
import pytest

from archlint.runtime import numpy_generator
from archlint.runtime.numpy_generator import NumpyState

DRAWS = {
    "a number": np.random.rand,
    "a normal number": np.random.randn,
    "two normal numbers": lambda: np.random.randn(2),
    "many": lambda: np.random.rand(5000),
    "a seed": lambda: np.random.seed(9),
    "another generator": lambda: np.random.set_bit_generator(np.random.PCG64(1)),
}
BEFORE = {
    "fresh": lambda: None,
    "in the middle": lambda: np.random.rand(313),
    "a normal number is kept aside": np.random.randn,
    "another generator": lambda: np.random.set_bit_generator(np.random.PCG64(1)),
}


@pytest.fixture(autouse=True)
def numpys_own():
    generator, state = np.random.get_bit_generator(), np.random.get_state()
    np.random.seed(4)
    yield
    np.random.set_bit_generator(generator)
    np.random.set_state(state)


@pytest.fixture(params=["memory", "functions"], autouse=True)
def memory(request, monkeypatch):
    """Once with the generator's memory, once as if it were not what it is known to be."""
    if request.param == "functions":
        monkeypatch.setattr(numpy_generator, "_is_all", lambda _: False)


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
@pytest.mark.parametrize("before", BEFORE.values(), ids=BEFORE)
def test_what_comes_next_is_as_before(before, draw):
    def following():
        return np.random.randn(3).tolist(), np.random.rand(700).tolist()

    before()
    outer = NumpyState()
    expected = following()
    outer.restore()
    state = NumpyState()
    assert not state.changed()
    draw()
    assert state.changed()
    state.restore()
    assert not state.changed()
    assert following() == expected


def test_a_normal_number_that_was_kept_aside_is_missed():
    np.random.randn()
    state = NumpyState()
    np.random.randn()  # changes nothing but that
    assert state.changed()


def test_nothing_is_missing_of_what_the_memory_tells(memory):
    generator = np.random.get_bit_generator()
    _, keys, position, *_ = np.random.get_state()
    told = numpy_generator._memory(generator)
    assert told[:2496] == keys.tobytes()
    assert int.from_bytes(told[2496:], "little") == position
