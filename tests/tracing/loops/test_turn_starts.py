"""Loops whose turns draw random numbers, against runs with all that they may draw."""

from __future__ import annotations

import itertools
import random

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from torch import nn

import archlint
from tests.support.examples import examples
from tests.tracing.loops.choice_models import EXACT, NOT_WRONG, Refuses, Training
from tests.tracing.loops.drawn_choices import SIZES, outcomes, sources
from tests.tracing.loops.drawn_loops import REFUSED, module_of

LAYOUT = {"x": "N S 3", "y": "N T 3"}
LONG = ((2, 3, 9), (1, 1, 40), (1, 150, 150))
_numbers = itertools.count()


def fits(said, real):
    """Whether an output is as stated, where ``_`` stands for any size."""
    if isinstance(real, tuple):
        return len(said) == len(real) and all(map(fits, said, real))
    return said == real or str(said) == "_"


def check(model, sizes=SIZES, **limits):
    """What is found of a model, which its runs do not contradict; and how many sizes are known."""
    found = archlint.infer(model, LAYOUT, mode="train" if model.training else "eval", **limits)
    known = 0
    for size in sizes:
        point = dict(zip("NST", size, strict=True))
        accepted = found.accepts(**point)
        if accepted is None:
            continue
        every, _ = outcomes(model, size, 24)
        if accepted:
            assert REFUSED not in every, (size, every)
            said = found.output(**point)
            assert all(fits(said, each) for each in every), (size, said, every)
        else:
            assert every == {REFUSED}, (size, every)
        known += 1
    return found, known


@pytest.mark.parametrize("kind", EXACT, ids=lambda k: k.__name__)
@pytest.mark.parametrize("training", [False, True])
def test_a_loop_whose_turns_draw_is_exact_for_every_length(kind, training):
    found, known = check(kind().train(training), (*SIZES[::3], *LONG))
    assert found.exact, found.reasons
    assert found.text == ("S >= T" if kind is Refuses else "any size")
    assert known == len(SIZES[::3]) + len(LONG)


@pytest.mark.parametrize("kind", NOT_WRONG, ids=lambda k: k.__name__)
def test_what_differs_between_turns_is_not_wrong(kind):
    check(kind().eval(), paths=6, seconds=10)


def test_every_length_is_proved_without_running():
    given = {"input": LAYOUT, "accepts": "any N, S, T >= 1", "output": "N T 3", "samples": 0}
    verdict = archlint.check(Training().train(), mode="train", **given)
    assert verdict.word == "proved", verdict.message


class Many(nn.Module):
    """Of 32 paths one reads ``x`` at 1; others are not followed."""

    def forward(self, x):
        drawn = sum(1 for _ in range(5) if random.random() < 0.5)
        return x[:, 1] if drawn == 5 else x[:, 0]


def test_claims_of_one_path_of_too_many_refuse_nothing():
    found = archlint.infer(Many(), "N T")
    assert found.accepts(N=1, T=1) is not False


class Drawn(nn.Module):
    def forward(self, x):
        return x * 2 if torch.rand(1).item() < 0.5 else x[:, :3]


def test_a_drawn_element_is_unknown():
    found = archlint.infer(Drawn(), "N T")
    assert found.output(N=1, T=3) == (1, 3)
    assert found.accepts(N=1, T=4) is None  # its output has 3 or 4


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("drawn_choices")


@settings(examples(2), suppress_health_check=list(HealthCheck))
@given(source=sources())
def test_drawn_loops_with_draws_are_never_wrong(source, folder):
    module = module_of(source, folder, f"drawn_choice_{next(_numbers)}")
    check(module.Drawn().eval(), SIZES[::2], paths=4, seconds=5)
