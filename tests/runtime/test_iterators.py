"""Iterators that a model holds are read without advancing them, and no verdict rests on them."""

import itertools
from collections import deque

import pytest
from torch import nn

import archlint
from archlint.runtime.iterators import iterator_state, same_iterator_state


def counted():
    number = 0
    while True:
        yield number
        number += 1


def delegated():
    yield from counted()


def repeated():
    for _ in [1] * 20:
        yield 1


ITERATORS = {
    "count": itertools.count,
    "cycle": lambda: itertools.cycle([0, 1, 2]),
    "list": lambda: iter(list(range(20))),
    "tuple": lambda: iter(tuple(range(20))),
    "range": lambda: iter(range(20)),
    "str": lambda: iter("01234567890123456789"),
    "dict": lambda: iter(dict.fromkeys(range(20))),
    "deque": lambda: iter(deque(range(20))),
    "reversed": lambda: reversed(list(range(20))),
    "map": lambda: map(int, "01234567890123456789"),
    "filter": lambda: filter(lambda v: v >= 0, range(20)),
    "zip": lambda: zip(range(20), range(20), strict=True),
    "enumerate": lambda: enumerate("a" * 20),
    "chain": lambda: itertools.chain([0], range(1, 20)),
    "islice": lambda: itertools.islice(itertools.count(), 20),
    "accumulate": lambda: itertools.accumulate(range(20)),
    "pairwise": lambda: itertools.pairwise(range(20)),
    "product": lambda: itertools.product(range(4), range(5)),
    "groupby": lambda: itertools.groupby(range(20)),
    "tee": lambda: itertools.tee(range(20))[0],
    "generator": counted,
    "delegated": delegated,
    "repeated": repeated,
    "expression": lambda: (v + 1 for v in range(20)),
}


@pytest.mark.parametrize("name", ITERATORS)
def test_reading_how_far_it_is_advances_nothing(name):
    read, other = ITERATORS[name](), ITERATORS[name]()
    for _ in range(5):
        had = iterator_state(read)
        assert same_iterator_state(had, iterator_state(read))
        assert repr(type(next(read))) == repr(type(next(other)))
        assert not same_iterator_state(had, iterator_state(read)), "an item was taken unseen"
    if name not in ("groupby",):
        assert next(read) == next(other)


class Held(nn.Module):
    """Gives another output at every run but the first; whether it takes is a branch or not."""

    def __init__(self, iterator, least):
        super().__init__()
        self.iterator = iterator
        self.first = None
        self.least = least

    def forward(self, x):
        if x.shape[1] < self.least:
            return x
        seen = next(self.iterator)
        if self.first is None:
            self.first = seen
        return x if seen == 0 else x.mean(1)


@pytest.mark.parametrize("name", ["count", "map", "generator"])
@pytest.mark.parametrize("least", [0, 6])
def test_a_path_that_takes_an_item_is_not_proved(name, least):
    model = Held(ITERATORS[name](), least).eval()
    verdict = archlint.check(model, "N T", accepts="any N, T", output="N T", samples=0)
    assert verdict.word != "proved"
    assert not archlint.infer(Held(ITERATORS[name](), least).eval(), "N T").exact


def test_one_that_is_left_alone_costs_nothing():
    model = Held(itertools.count(), 10**9).eval()
    verdict = archlint.check(model, "N T", accepts="any N, T < 99", output="N T", samples=2)
    assert verdict.word == "proved"
