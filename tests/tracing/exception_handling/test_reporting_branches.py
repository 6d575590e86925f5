"""Branches on values whose sides only report, and those that do more."""

import logging
import warnings

import pytest
import torch
from torch import nn

import archlint

log = logging.getLogger(__name__)


class Often(nn.Module):
    """Calls a function after each of six convolutions, which shrink the image by 2."""

    def __init__(self, check):
        super().__init__()
        self.layer, self.check = nn.Conv2d(3, 3, 3), check

    def forward(self, x):
        for _ in range(6):
            x = self.layer(x)
            x = self.check(self, x)
        return x


def prints(self, x):
    if x.abs().mean() > 50:
        print("large", x.mean().item(), f"{x.mean():.3f}", self.layer)
    return x


def logs(self, x):
    if torch.isnan(x).any():
        log.warning("nan in %s", x.shape)
        warnings.warn(f"nan in {x.shape}", stacklevel=2)
    else:
        log.debug("fine")
    return x


def asks_for_an_item(self, x):
    if not torch.isfinite(x).all().item():
        print("not finite")
    return x


@pytest.mark.parametrize("check", [prints, logs, asks_for_an_item])
def test_both_sides_compute_the_same(check):
    found = archlint.infer(Often(check), "N 3 H W")
    assert found.exact, found
    assert found.text == "H, W >= 13"


def halves(self, x):
    if x.abs().mean() > 50:
        x = x[:, :, 1:]
    return x


def prints_what_may_raise(self, x):
    if x.abs().mean() > 50:
        print(x.item())
    return x


def raises(self, x):
    if x.abs().mean() > 50:
        print("large")
        raise ValueError("large")
    return x


def reports_or_else(self, x):
    if x.abs().mean() > 50:
        print("large")
    else:
        x = x[:, :, 1:]
    return x


def chooses_in_the_condition(self, x):
    if (x[:, :, 1:] if x.mean() > 0 else x[..., :9].view(9)).sum() > 0:
        print("large")
    return x


@pytest.mark.parametrize(
    "check",
    [halves, prints_what_may_raise, raises, reports_or_else, chooses_in_the_condition],
)
def test_a_side_that_does_more_is_a_choice(check):
    assert not archlint.infer(Often(check), "N 3 H W").exact
