"""What a set of explored paths knows: at each size, and as formulas."""

from types import SimpleNamespace

import pytest
from torch import nn

from archlint.engine.check_run import CheckRun
from archlint.engine.exploration import ExploredPath
from archlint.engine.explore import explore_model
from archlint.engine.python_contracts import contract_of
from archlint.models.targets import from_instance
from archlint.symbolic import symbol
from archlint.symbolic.formula import ge, holds, ne, negate
from archlint.tracing.events import Event


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


def test_many_claims_between_branches_are_no_deep_formula():
    size = symbol("T")
    events = []
    for k in range(400):
        events.append(Event("branch", ne(size, 1000 + k), True, "", (), 0))
        events.append(Event("claim", ge(size, k + 1), True, "", (), 0))
    tracked = SimpleNamespace(events=events, caveats=[])
    trace = SimpleNamespace(outcome="accepted", others=(), path=tracked)
    path = ExploredPath.of(trace)
    for length in (1, 200, 399, 400, 999, 1000, 1399, 1400):
        point = {"T": length}
        known = not 1000 <= length < 1400
        assert holds(path.known, point) is known
        assert holds(negate(path.known), point) is not known
        assert holds(path.accepted, point) is (known and length >= 400)
