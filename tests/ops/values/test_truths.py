"""Comparisons that hold for all elements, or for none, whatever the values are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.distributions import Categorical

import archlint


class Asserts(nn.Module):
    """A model that raises unless ``condition`` holds."""

    def __init__(self, condition: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.condition = condition

    def forward(self, x: Tensor) -> Tensor:
        if not self.condition(x):
            raise ValueError("not all")
        return x


def places(x: Tensor) -> Tensor:
    return torch.arange(x.shape[-1])


HOLD: dict[str, Callable[[Tensor], Any]] = {
    "below": lambda x: (places(x) < x.shape[-1]).all(),
    "not above": lambda x: (places(x) <= x.shape[-1] - 1).all(),
    "from 0": lambda x: (places(x) >= 0).all(),
    "none above": lambda x: not (places(x) > x.shape[-1] - 1).any(),
    "other side": lambda x: torch.lt(-torch.ones_like(places(x)), places(x)).all(),
    "both": lambda x: ((places(x) >= 0) & (places(x) < x.shape[-1])).all(),
    "one of two": lambda x: ((places(x) >= 0) | (x[0] > 0)).all(),
    "other number": lambda x: not (places(x) == x.shape[-1]).any(),
    "ones": lambda x: (torch.ones_like(x) == 1).all() and (torch.ones_like(x) > 0.5).all(),
    "fractions": lambda x: (places(x) > -0.5).all() and not (places(x) <= -0.5).any(),
    "not below 0": lambda x: not (x.relu() < 0).any(),  # of a NaN too
}
VALUES: dict[str, Callable[[Tensor], Any]] = {
    "a NaN": lambda x: (x.relu() >= 0).all(),
    "a NaN in bounds": lambda x: (x.clamp(0, 1) <= 1).all(),
    "some": lambda x: not (x.clamp(0, 1) == 1).any(),
    "one of two": lambda x: ((places(x) < 0) | (x[0] > 0)).all(),
}


@pytest.mark.parametrize("name", HOLD)
def test_what_holds_for_all_values(name):
    model = Asserts(HOLD[name])
    found = archlint.infer(model, "N F")
    assert (found.exact, found.text) == (True, "any size")
    for x in (torch.randn(2, 5), torch.full((1, 1), torch.nan), torch.full((3, 2), -torch.inf)):
        model(x)


@pytest.mark.parametrize("name", VALUES)
def test_what_values_decide(name):
    model = Asserts(VALUES[name])
    assert not archlint.infer(model, "N F").exact
    model(torch.full((2, 5), 0.5))
    with pytest.raises(ValueError, match="not all"):
        model(torch.tensor([[1.0, -1.0, torch.nan]]))


def test_what_never_holds():
    found = archlint.infer(Asserts(lambda x: (places(x) >= x.shape[-1]).any()), "N F")
    assert (found.exact, found.text) == (True, "no size")


class Policy(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.actor = nn.Linear(8, 4)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        choice = Categorical(logits=self.actor(x))
        action = choice.sample()
        return action, choice.log_prob(action), choice.entropy()


def test_a_drawn_action_is_in_its_range():
    found = archlint.infer(Policy(), "N 8")
    assert (found.exact, found.text) == (True, "any size")
