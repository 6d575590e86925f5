"""The sizes that a contract is about, by its input and its clause."""

from __future__ import annotations

import pytest

from archlint.engine.python_contracts import contract_of
from archlint.engine.question import Question
from archlint.symbolic import symbol
from archlint.symbolic.formula import holds

H = symbol("H")
INPUTS = ["N 3 H W", {"image": "N 3 H W"}, {"images": ["N H", "N W"]}]


def question(input, **clause):
    return Question.of(contract_of(input=input, **clause))


@pytest.mark.parametrize("input", INPUTS)
def test_the_clause_bounds_the_sizes_but_for_only(input):
    any_size = question(input, accepts="any H, W >= 32")
    assert any_size.names == ("N", "H", "W")
    assert any_size.box.ranges == {"N": (1, None), "H": (32, None), "W": (32, None)}
    assert any_size.batch == {"N"}
    assert any_size.domain == any_size.premise
    only = question(input, accepts="only H, W >= 32")
    assert only.box.ranges == dict.fromkeys("NHW", (1, None))
    assert holds(only.domain, {"N": 1, "H": 1, "W": 1})
    assert not holds(only.premise, {"N": 1, "H": 1, "W": 1})


@pytest.mark.parametrize("input", INPUTS)
def test_what_one_question_is_asked_is_not_remembered_for_the_next(input):
    one, other = (question(input, accepts="any H >= 5") for _ in range(2))
    assert one.box.ranges == other.box.ranges
    one.box.interval(H * H)
    assert one.box is not other.box
    assert not other.box._intervals


@pytest.mark.parametrize(
    "other", [("N H", "any H >= 6"), ("N W", "any W >= 5"), ("N H", "only H >= 5")]
)
def test_contracts_that_differ_pose_different_questions(other):
    one, another = question("N H", accepts="any H >= 5"), question(other[0], accepts=other[1])
    assert (one.names, one.premise, one.domain) != (another.names, another.premise, another.domain)
