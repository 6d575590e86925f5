"""What models cost: paths, layers, parameters, and what cannot be answered."""

import json

import pytest
import torch
from torch import nn

import archlint
from archlint.errors import ArchlintError
from archlint.report import cost_text


class Shared(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(4, 4)
        self.second = nn.Linear(4, 4)
        self.second.weight = self.first.weight
        self.half = nn.Linear(4, 2, bias=False, dtype=torch.float16)

    def forward(self, x):
        if x.shape[0] > 8:
            return self.second(self.first(x))
        return self.first(x)


def test_a_formula_for_each_path_and_each_layer():
    found = archlint.cost(Shared(), "N 4", at={"N": 3})
    assert [(p.where, str(p.flops), p.at) for p in found.paths] == [
        ("N <= 8", "32*N", True),
        ("N >= 9", "64*N", False),
    ]
    assert (found.parameters, found.parameter_bytes) == (32, 24 * 4 + 8 * 2)
    layers = {layer.module: (str(layer.flops), layer.parameters) for layer in found.paths[1].layers}
    assert layers == {"first": ("32*N", 20), "second": ("32*N", 4), "half": ("0", 8)}
    assert archlint.cost(Shared(), "N 4", at={"N": 9}).flops.at({"N": 10}) == 640


def test_as_json():
    found = archlint.cost(nn.Conv2d(3, 4, 3), "N 3 H W", at="7x5")
    report = json.loads(cost_text.as_json(found, "1", by_layer=True))
    formula = "N*(864+216*H*W-432*H-432*W)"
    assert report["flops"] == {"formula": formula, "at": 216 * 5 * 3}
    assert report["activation_bytes"]["at"] == 4 * (3 * 7 * 5 + 4 * 5 * 3)
    assert report["activation_bytes"]["formula"] == str(found.activations)
    assert report["parameters"] == {"formula": "112", "at": 112}
    assert report["parameter_bytes"] == {"formula": "448", "at": 448}
    assert report["at"] == {"N": 1, "H": 7, "W": 5}
    assert [layer["flops"]["at"] for layer in report["layers"]] == [3240]


def test_another_dtype():
    found = archlint.cost(nn.Linear(3, 4), "N 3", at="N=2", dtype="bfloat16")
    assert (found.parameter_bytes, str(found.activations)) == (32, "14*N")
    with pytest.raises(ArchlintError, match="'int8' is not a floating-point dtype"):
        archlint.cost(nn.Linear(3, 4), "N 3", dtype="int8")


def test_what_cannot_be_answered():
    with pytest.raises(ArchlintError, match=r"does not accept N=1 H=1 W=1"):
        archlint.cost(nn.Conv2d(3, 4, 3), "N 3 H W", at="1x1")
    with pytest.raises(ArchlintError, match=r"expected sizes for N, H, W, got 'K=1'"):
        archlint.cost(nn.Conv2d(3, 4, 3), "N 3 H W", at="K=1")


def test_the_sizes_that_fit_name_their_path():
    found = archlint.cost(Shared(), "N 4", at={"N": 3}, fits="1 KiB")
    assert cost_text.text(found).endswith("at sizes with N <= 8")
    single = archlint.cost(nn.Linear(4, 4), "N 4", fits="1 KiB")
    assert "at sizes with" not in cost_text.text(single)
