"""What a set of explored paths knows: at each size, and as formulas."""

import pytest
from torch import nn

from archlint.engine.check_run import CheckRun
from archlint.engine.explore import explore_model
from archlint.engine.python_contracts import contract_of
from archlint.models.targets import from_instance
from archlint.symbolic.formula import holds


class Halves(nn.Module):
    """Refuses odd heights, and depends on values from a height of 9 on."""

    def forward(self, x):
        if x.shape[2] > 8:
            return x[:, : int(x.sum())]
        if x.shape[2] % 2:
            raise ValueError("odd")
        return nn.functional.max_pool2d(x, 2)


@pytest.fixture(scope="module")
def exploration():
    contract = contract_of(input="N 3 H W", accepts="any size")
    return explore_model(CheckRun.start(contract, from_instance(Halves())))


@pytest.mark.parametrize(
    ("height", "width", "accepted"),
    [(4, 2, True), (4, 1, False), (3, 2, False), (8, 9, True), (9, 2, None), (0, 2, None)],
)
def test_one_size(exploration, height, width, accepted):
    point = {"N": 1, "H": height, "W": width}
    assert exploration.accepts(point) is accepted
    assert (exploration.path_at(point) is None) is (accepted is None)
    if height:
        assert holds(exploration.known, point) is (accepted is not None)
        assert holds(exploration.accepted, point) is (accepted is True)


def test_what_is_unknown_has_a_reason_and_nothing_is_unseen(exploration):
    assert not exploration.covered
    assert exploration.reasons
    assert not any(
        holds(exploration.unseen, {"N": 1, "H": h, "W": w}) for h in range(1, 12) for w in (1, 2)
    )


def test_accepting_paths_reach_an_output(exploration):
    assert [p.trace.outcome for p in exploration.accepting] == ["accepted"]


def test_the_first_claim_that_fails(exploration):
    (path,) = exploration.accepting
    claim = path.first_failed_claim({"N": 1, "H": 4, "W": 1})
    assert claim is not None
    assert not holds(claim.formula, {"N": 1, "H": 4, "W": 1})
    assert path.first_failed_claim({"N": 1, "H": 4, "W": 2}) is None
