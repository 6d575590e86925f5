"""The sizes at which an exported model is compared."""

import pytest
from torch import nn

from archlint.engine.artifact.artifact_points import inside_points
from archlint.engine.check_run import CheckRun
from archlint.engine.explore import explore_model
from archlint.engine.python_contracts import contract_of
from archlint.engine.question import Question
from archlint.models.targets import from_instance
from archlint.runtime.effort_clock import now


@pytest.mark.parametrize(("input", "batch"), [("1 2 H W", {}), ("N 2 H W", {"N": 2})])
def test_ordinary_sizes_are_compared(input, batch):
    """The first size of ``1 2 H W`` that has a name is no batch."""
    contract = contract_of(input=input, accepts="any size")
    with from_instance(nn.AvgPool2d(4)) as source:
        exploration = explore_model(CheckRun.start(contract, source))
    points = inside_points(exploration, Question.of(contract), 20, now() + 10)
    assert {**batch, "H": 224, "W": 224} in points
