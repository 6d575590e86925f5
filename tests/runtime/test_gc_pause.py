"""Garbage collection is as it was after a check, and seldom during one."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

import archlint
from archlint.runtime.gc_pause import SELDOM, gc_paused, gc_seldom
from archlint.tracing.trace import Call, Trace


@pytest.fixture(autouse=True)
def _threshold() -> Iterator[None]:
    was = gc.get_threshold()
    yield
    gc.set_threshold(*was)


@pytest.mark.parametrize(
    ("was", "inside"),
    [((700, 10, 10), SELDOM), ((0, 10, 10), 0), ((SELDOM * 2, 5, 5), SELDOM * 2)],
)
def test_searches_are_seldom_inside_and_as_before_afterwards(
    was: tuple[int, int, int], inside: int
) -> None:
    gc.set_threshold(*was)
    with gc_seldom():
        assert gc.get_threshold() == (inside, *was[1:])
    assert gc.get_threshold() == was


def test_searches_are_as_before_after_an_error() -> None:
    was = gc.get_threshold()
    with pytest.raises(ValueError, match="x"), gc_seldom():
        raise ValueError("x")
    assert gc.get_threshold() == was


def test_a_pause_ends_with_the_block() -> None:
    with gc_paused():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_a_check_searches_seldom() -> None:
    class Model(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            assert gc.get_threshold()[0] == SELDOM
            return x

    assert archlint.check(Model(), input="N", accepts="any size", output="N", samples=1)


def test_a_check_restores_a_threshold_that_the_model_sets() -> None:
    class Model(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            gc.set_threshold(5)
            return x

    was = gc.get_threshold()
    assert archlint.check(Model(), input="N", accepts="any size", output="N", samples=1)
    assert gc.get_threshold() == was


class Layer(nn.Linear):
    pass


class Plain(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = Layer(3, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)


class Branching(Plain):
    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x if len(x) > 5 else x + 1)[: len(x) // 2 + 1]


class Looping(Plain):
    def forward(self, x: Tensor) -> Tensor:
        return sum([self.layer(row) for row in x], torch.zeros(4))


class Refusing(Plain):
    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x[:, :2])


@pytest.mark.parametrize("kind", [Plain, Branching, Looping, Refusing])
@pytest.mark.parametrize("samples", [0, 2])
def test_what_a_check_made_is_gone_when_it_returns(kind: type[Plain], samples: int) -> None:
    def check() -> None:
        archlint.check(model, input="N 3", accepts="any N >= 1", samples=samples)

    def left() -> Counter[type]:
        return Counter(k for k in map(type, gc.get_objects()) if k in (Layer, Trace, Call, Tensor))

    model = kind()
    check()  # imports
    gc.collect()
    with gc_paused():
        before = left()
        check()
        assert left() == before


def test_nothing_of_a_refused_run_lives_on() -> None:
    model = Refusing()
    for _ in range(3):
        archlint.check(model, input="N 3", accepts="any N >= 1", samples=0)
    gc.collect()
    assert sum(type(o) is Layer and o is not model.layer for o in gc.get_objects()) == 0
