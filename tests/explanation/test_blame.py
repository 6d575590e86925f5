"""Which layers violate a contract together, and what each would change."""

import pytest
import torch
from torch import nn

from archlint.engine.check_run import CheckRun
from archlint.engine.explore import explore_model
from archlint.engine.prove import prove
from archlint.engine.python_contracts import contract_of, source_of
from archlint.explanation.blame import blame, blame_lines
from archlint.runtime.effort_clock import now


def conv_net():
    return nn.Sequential(nn.Conv2d(1, 2, 5), nn.MaxPool2d(2), nn.Conv2d(2, 3, 5))


class TwoHeads(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(64, 3), nn.Linear(64, 2)

    def forward(self, x):
        y = x.flatten(1)
        return self.a(y), self.b(y)


def broken(model, accepts):
    deadline = now() + 20
    contract = contract_of(input="N 1 H W", accepts=accepts)
    run = CheckRun.start(contract, source_of(model), deadline=deadline)
    violation = prove(run, explore_model(run)).violation
    assert violation is not None
    return run, violation


def names(model, accepts):
    result = blame(*broken(model, accepts))
    assert result.complete
    return [c.name for c in result.causes]


@pytest.mark.parametrize(
    ("low", "layers"), [(12, ["2"]), (5, ["1", "2"]), (4, ["0", "1", "2"]), (6, ["2"])]
)
def test_only_necessary_layers_are_blamed(low, layers):
    # 5x5 needs 5; its output a pool of 2: 6; the second 5x5: (H-4)//2 >= 5, so H >= 14.
    assert set(names(conv_net(), f"any H, W >= {low}")) == set(layers)


def test_a_claim_of_two_layers_is_blamed_on_both():
    assert names(TwoHeads(), "any H, W >= 8") == ["a", "b"]


def test_the_contract_holds_without_all_causes_and_not_without_fewer():
    from archlint.explanation.relaxation import accepted_without

    run, violation = broken(conv_net(), "any H, W >= 1")
    sites = [c.site for c in blame(run, violation).causes]

    def holds(relaxed):
        exploration = accepted_without(run, relaxed, 16)
        assert exploration.covered
        return prove(run, exploration).violation is None

    assert holds(sites)
    assert not any(holds([s for s in sites if s is not left]) for left in sites)


def test_lines_state_what_each_would_change():
    assert blame_lines(blame(*broken(conv_net(), "any H, W >= 12"))) == [
        "without `2` every size of the contract would be accepted"
    ]
    flat = nn.Sequential(nn.Flatten(), nn.Linear(64, 3))
    assert blame_lines(blame(*broken(flat, "any H, W >= 8"))) == [
        "without `1` every size of the contract would be accepted",
        "`1.weight` 3x64 would have to be 3x72 for N=1 H=8 W=9: larger by 24 untrained weights",
    ]


def test_a_line_of_a_users_module_can_be_to_blame():
    class Adds(nn.Module):
        def forward(self, x):
            y = nn.functional.interpolate(nn.functional.max_pool2d(x, 2), scale_factor=2)
            return x + y

    (name,) = names(Adds(), "any H, W >= 2")
    assert name.startswith("add at")
    assert "test_blame.py:" in name


def test_an_exception_of_user_code_is_not_a_claim():
    class Raises(nn.Module):
        def forward(self, x):
            if x.shape[2] > 8:
                raise ValueError("too high")
            return x

    causes = blame(*broken(Raises(), "any H >= 8"))
    assert causes.causes == ()
    assert blame_lines(causes) == []


def test_a_parallel_layer_keeps_its_claim():
    """Relaxing one layer does not relax a layer beside it."""

    class Parallel(nn.Module):
        def __init__(self):
            super().__init__()
            self.left = nn.Conv2d(1, 1, 9)
            self.right = nn.Conv2d(1, 1, 9)

        def forward(self, x):
            return torch.stack([self.left(x), self.right(x)])

    assert names(Parallel(), "any H, W >= 4") == ["left", "right"]
