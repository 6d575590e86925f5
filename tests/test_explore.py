"""Exploring: what is decided is decided inside the region, and of nothing else."""

from __future__ import annotations

import time

import pytest
import torch
from torch import nn

import archlint
from archlint.given import contract_of
from archlint.judge import Question
from archlint.model.resolve import from_instance
from archlint.pipeline import accepted_sizes
from archlint.subject import Subject


class Halving(nn.Module):
    """Adds to an image what is left of it in sixteenths."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = nn.functional.max_pool2d(x, 16)
        return x + nn.functional.interpolate(y, scale_factor=16)


class Thrifty(nn.Module):
    """Small images go another way."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean((2, 3)) if x.shape[2] < 100 else x.flatten(1)[:, :3]


def explored(model, **words):
    contract = contract_of(input="N 3 H W", **words)
    subject = Subject(contract, from_instance(model))
    return accepted_sizes(subject, Question.of(contract), time.monotonic() + 60)


def test_what_the_promise_says_of_the_sizes_settles_what_the_model_needs():
    found = explored(Halving(), accepts="any H >= 16 and H % 16 == 0 and W >= 16 and W % 16 == 0")
    (way,) = found.ways
    assert found.covered
    assert way.trace.path.events == []
    assert (way.decided, way.accepted) == (True, True)


@pytest.mark.parametrize("sizes", [{"H": 17, "W": 32}, {"H": 8, "W": 16}, {"H": 16, "W": 40}])
def test_nothing_is_decided_outside_of_what_the_promise_names(sizes):
    found = explored(Halving(), accepts="any H >= 16 and H % 16 == 0 and W >= 16 and W % 16 == 0")
    assert found.way_of({"N": 1, **sizes}) is None
    assert found.accepts({"N": 1, **sizes}) is None
    assert found.accepts({"N": 1, "H": 48, "W": 16}) is True


def test_a_second_way_starts_from_the_first_sizes_that_are_left():
    found = explored(Thrifty(), accepts="any size")
    assert found.covered
    assert [dict(w.trace.path.env) for w in found.ways] == [
        {"N": 256, "H": 288, "W": 320},
        {"N": 1, "H": 1, "W": 1},
    ]


class Refusing(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.zeros(3, 4) @ x


@pytest.mark.parametrize(
    ("input", "accepts", "word"),
    [
        ("5 H", "only H >= 5 and H <= 3", "vacuous"),
        ("5 H", "only H >= 5", "broken"),
        ("4 H", "only H >= 1", "proved"),
    ],
)
def test_only_of_no_size_says_nothing_even_where_nothing_is_accepted(input, accepts, word):
    verdict = archlint.check(Refusing(), input=input, accepts=accepts, samples=0)
    assert verdict.word == word
