"""Windows composed of windows, against all positions one by one."""

import random

import pytest

from archlint.engine.reach.window import Window
from archlint.ops.read_positions import averaged, between, nearest, slide, transposed

DRAWN = (
    lambda d: slide(d.randint(1, 5), d.randint(1, 4), d.randint(0, 3), d.randint(1, 3)),
    lambda d: transposed(d.randint(1, 5), d.randint(1, 4), d.randint(0, 3), d.randint(1, 3)),
    lambda d: nearest(d.randint(1, 4), d.randint(1, 4)),
    lambda d: between(d.randint(1, 4), d.randint(1, 4), d.randint(1, 2)),
    lambda d: averaged(d.randint(1, 4), d.randint(1, 4)),
)


@pytest.mark.parametrize("seed", range(20))
def test_composed(seed):
    draw = random.Random(seed)
    layers = [draw.choice(DRAWN)(draw) for _ in range(4)]
    window = Window()
    for layer in layers:
        window = window.through(layer)
    for position in range(-7, 30):
        reads = {position}
        for layer in reversed(layers):
            reads = {p for o in reads for p in layer.at(o)}
        expected = (min(reads), max(reads)) if reads else None
        assert window.of(position) == expected
    for layer in layers:
        assert layer.at(layer.period + 3) == [p + layer.shift for p in layer.at(3)]


def test_joined():
    fast, slow = Window().through(slide(3, 2, 1, 1)), Window().through(slide(1, 2, -5, 1))
    both = fast.joined(slow)
    assert [both.of(o) for o in range(2)] == [(-1, 5), (1, 7)]
    assert (both.size, both.stride, both.first_centre) == (7, 2, 2)
    assert fast.joined(Window()) is None
