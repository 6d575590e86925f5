"""A map agrees with what is known of each size."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import archlint
from archlint.contracts.accepted_set import AcceptedSet, Refusal, region
from archlint.contracts.contract import TensorInput
from archlint.contracts.size_map import (
    ACCEPTED,
    GAINED,
    LOST,
    REFUSED,
    UNKNOWN,
    axes_of,
    difference_map,
    size_map,
)
from archlint.symbolic import symbol


class Flat(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3 * 24, 2)

    def forward(self, x):
        return self.fc(F.max_pool2d(x, 2).flatten(1))


class Grid(nn.Module):
    def forward(self, x):
        return torch.cat([F.interpolate(F.max_pool2d(x, 4), scale_factor=4), x], 1)


class Tokens(nn.Module):
    def forward(self, x):
        return x + torch.zeros(1, 12, 4)[:, : x.shape[1]]


class Values(nn.Module):
    """What it accepts depends on values for some sizes."""

    def forward(self, x):
        if x.shape[2] > 9 and x.sum() > 0:
            return F.pixel_unshuffle(x, 2)
        return x


CASES = {
    "islands": (Flat, "N 3 H W"),
    "grid": (Grid, "N 3 H W"),
    "tokens": (Tokens, "N T 4"),
    "one size": (Tokens, "1 T 4"),
    "not known": (Values, "N 3 H W"),
}


@pytest.mark.parametrize("case", CASES)
def test_the_map_is_the_acceptance_at_every_point(case):
    model, layout = CASES[case]
    acceptance = archlint.infer(model(), layout)
    drawn = size_map(acceptance.entry(), last=40)
    across, down = drawn.axes
    kinds = {True: ACCEPTED, False: REFUSED, None: UNKNOWN}
    for y, row in enumerate(drawn.rows, 1):
        for x, index in enumerate(row, 1):
            point = {**drawn.fixed, across: x} | ({down: y} if down else {})
            assert drawn.zones[index].kind == kinds[acceptance.accepts(**point)], point
            assert drawn.zone_at(point) is drawn.zones[index]
    assert {z.kind for row in drawn.rows for z in (drawn.zones[i] for i in row)} >= {ACCEPTED}


def test_the_layer_that_refuses_is_named_with_its_reason():
    drawn = size_map(archlint.infer(Flat(), "N 3 H W").entry())
    zone = drawn.zone_at({"N": 1, "H": 2, "W": 2})
    assert (zone.kind, zone.label) == (REFUSED, "refused by fc")
    assert "in_features" in zone.why


@pytest.mark.parametrize(
    ("text", "last"),
    [("any size", 64), ("H, W >= 63", 128), ("H == 224 and W == 224", 448), ("H >= 9000", 512)],
)
def test_the_window_shows_the_smallest_accepted_sizes_in_its_middle(text, last):
    sizes = tuple(map(symbol, "HW"))
    accepted = AcceptedSet("m", "eval", TensorInput(sizes), text, exact=True)
    assert size_map(accepted).last == (last, last)


def test_axes():
    assert axes_of(["N", "H", "W"]) == ("H", "W")
    assert axes_of(["N", "T"]) == ("N", "T")
    assert axes_of(["T"]) == ("T", "")


def test_the_contract_and_its_counterexample():
    sizes = tuple(map(symbol, "NHW"))
    accepted = AcceptedSet("m", "eval", TensorInput(sizes), "H >= 9", exact=True)
    drawn = size_map(accepted, contract=region("H, W >= 5"), mark={"N": 2, "H": 5, "W": 5})
    assert drawn.fixed == {"N": 2}
    inside = [[x >= 5 and y >= 5 for x in range(1, 65)] for y in range(1, 65)]
    assert [[i == 0 for i in row] for row in drawn.contract_rows] == inside


def test_no_map():
    number = AcceptedSet("m", "eval", TensorInput((1, 3)), "any size", exact=True)
    assert size_map(number) is None
    shortened = AcceptedSet("m", "eval", TensorInput((symbol("H"),)), "H in … (long)", exact=False)
    assert size_map(shortened) is None


def test_a_difference_has_five_kinds_of_sizes():
    sizes = TensorInput(tuple(map(symbol, "HW")))
    before = AcceptedSet("m", "eval", sizes, "H >= 4", exact=True)
    refusal = Refusal("W <= 8", "fc", "linear", "needs more")
    after = AcceptedSet("m", "eval", sizes, "H >= 6 and W >= 20", False, refusals=(refusal,))
    drawn = difference_map(before, after)
    for h in range(1, 12):
        for w in range(1, 24):
            was, now, not_now = h >= 4, h >= 6 and w >= 20, w <= 8
            kind = (
                ACCEPTED if was and now
                else LOST if was and not_now
                else GAINED if not was and now
                else REFUSED if not was and not_now
                else UNKNOWN
            )  # fmt: skip
            assert drawn.zone_at({"H": h, "W": w}).kind == kind, (h, w)
