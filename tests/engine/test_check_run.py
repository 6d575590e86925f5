"""A run: the defaults of its limits, and its input."""

from dataclasses import replace

import pytest
from torch import nn

from archlint.engine.check_run import SAMPLES, CheckRun, any_size
from archlint.engine.python_contracts import contract_of
from archlint.models.targets import from_instance
from archlint.runtime.effort_clock import now

CONTRACT = contract_of(input="N 3 H W", accepts="any H, W >= 8", output="N 4 _ _")
SOURCE = from_instance(nn.Conv2d(3, 4, 3))


@pytest.mark.parametrize(
    ("of_contract", "override", "expected"),
    [(None, None, SAMPLES), (3, None, 3), (3, 0, 0), (0, None, 0), (None, 5, 5)],
)
def test_the_number_of_samples(of_contract, override, expected):
    contract = replace(CONTRACT, samples=of_contract)
    assert CheckRun.start(contract, SOURCE, samples=override).samples == expected


def test_the_deadline_is_the_budget_of_the_contract_unless_set():
    run = CheckRun.start(CONTRACT, SOURCE)
    assert 0 < run.deadline - now() <= CONTRACT.budget.seconds
    assert 0 < run.seconds_left <= CONTRACT.budget.seconds
    assert CheckRun.start(CONTRACT, SOURCE, deadline=now() - 1).seconds_left == 0


def test_another_input_is_traced_and_is_in_question():
    run = CheckRun.start(CONTRACT, SOURCE)
    other = contract_of(input="M 3 8 8", accepts="any M").input
    changed = run.with_input(other)
    assert (run.question.names, changed.question.names) == (("N", "H", "W"), ("M",))
    assert changed.tracer.contract.input == changed.contract.input == other
    assert changed.model is run.model


def test_any_size_has_no_conditions_left():
    contract = any_size(CONTRACT)
    assert (contract.clause.kind, contract.clause.region, contract.output) == ("any", True, None)
    assert contract.input == CONTRACT.input
