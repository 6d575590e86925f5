"""Sizes of a user, and common sizes that a model accepts."""

import pytest
from torch import nn

import archlint
from archlint.engine.example_sizes import common_sizes, parse_sizes
from archlint.errors import ArchlintError
from archlint.runtime.effort_clock import now
from archlint.symbolic import symbol
from archlint.symbolic.formula import conj, ge


@pytest.mark.parametrize(
    ("at", "sizes"),
    [
        ("5x7", {"N": 1, "H": 5, "W": 7}),
        ("2x5x7", {"N": 2, "H": 5, "W": 7}),
        ("H=5, W=7", {"N": 1, "H": 5, "W": 7}),
        ("H = 5 W = 7", {"N": 1, "H": 5, "W": 7}),
        (" 5 x 7 ", {"N": 1, "H": 5, "W": 7}),
        ("7", {"N": 1, "H": 1, "W": 7}),
        ({"H": 2, "W": 3}, {"N": 1, "H": 2, "W": 3}),
    ],
)
def test_parse_sizes(at, sizes):
    assert parse_sizes(("N", "H", "W"), at) == sizes


@pytest.mark.parametrize(
    "at",
    [
        "",
        "1x2x3x4",
        "Q=3",
        "big",
        "H=5",
        {"W": 3},
        "H=5,W=abc",
        "H=5,W=-3",
        "H=5,H=6,W=7",
        "5x7px",
        "1.5x2",
    ],
)
def test_invalid_sizes(at):
    with pytest.raises(ArchlintError):
        parse_sizes(("N", "H", "W"), at)


@pytest.mark.parametrize(
    ("model", "sizes"),
    [
        (nn.Conv2d(3, 4, 3), {"N": 1, "H": 224, "W": 224}),
        (nn.Conv2d(3, 4, 300), {"N": 1, "H": 300, "W": 300}),  # no common size is large enough
        (nn.Sequential(nn.Flatten(), nn.Linear(3 * 64 * 64, 2)), {"N": 1, "H": 64, "W": 64}),
        (nn.Conv2d(4, 4, 3), {"N": 1, "H": 1, "W": 1}),  # accepts nothing: any known size
    ],
)
def test_common_sizes(model, sizes):
    exploration = archlint.infer(model, "N 3 H W").explored
    found = common_sizes(exploration, now() + 10)
    if exploration.accepted is False:
        assert exploration.accepts(found) is False
    else:
        assert found == sizes


@pytest.mark.parametrize(
    ("features", "low", "side"),
    [(8, 1, 80), (8, 76, 76), (10, 1, 96)],  # 76 to 83 and 92 to 99 are accepted
)
def test_the_smallest_sizes_of_a_contract_and_usual_ones_come_before_round_ones(
    features, low, side
):
    convs = nn.Conv2d(3, 4, 8, 4), nn.Conv2d(4, 4, 4, 2)
    model = nn.Sequential(*convs, nn.Flatten(), nn.Linear(4 * features**2, 2))
    exploration = archlint.infer(model, "N 3 H W").explored
    asked = conj(ge(symbol("H"), low), ge(symbol("W"), low))
    found = common_sizes(exploration, now() + 10, within=exploration.accepted, of_contract=asked)
    assert found == {"N": 1, "H": side, "W": side}


def test_common_sizes_of_volumes_are_smaller():
    exploration = archlint.infer(nn.Conv3d(1, 2, 3), "N 1 D H W").explored
    assert common_sizes(exploration, now() + 10) == {"N": 1, "D": 64, "H": 64, "W": 64}
