"""The layer to blame, as its author would write it, and the way to it."""

import pytest
from torch import nn

from archlint.api import check
from archlint.engine.diagnosis.diagnose import _layer


@pytest.mark.parametrize(
    ("module", "text"),
    [
        (nn.Linear(3, 4), "Linear(3, 4)"),
        (nn.Linear(3, 4, bias=False), "Linear(3, 4, bias=False)"),
        (nn.MaxPool2d(2), "MaxPool2d(kernel_size=2, stride=2)"),
        (nn.MaxPool2d(3, 2, 1), "MaxPool2d(kernel_size=3, stride=2, padding=1)"),
        (nn.Conv2d(3, 8, 3), "Conv2d(3, 8, kernel_size=(3, 3))"),
        (nn.Conv2d(3, 8, (3, 5), stride=2), "Conv2d(3, 8, kernel_size=(3, 5), stride=(2, 2))"),
        (nn.BatchNorm2d(8), "BatchNorm2d(8)"),
        (nn.Flatten(), "Flatten()"),
        (nn.Sequential(), "Sequential"),
    ],
    ids=str,
)
def test_a_layer_without_its_defaults(module, text):
    assert _layer(nn.Sequential(module), "0") == text


def test_a_layer_that_is_not_there():
    assert _layer(nn.Sequential(), "3.conv") == ""


class Odd(nn.Conv2d):
    def extra_repr(self):
        return "\n".join("ab")


def test_a_layer_that_says_too_much():
    assert _layer(Odd(1, 1, 1), "") == "Odd"


@pytest.mark.parametrize(
    ("model", "input", "says"),
    [
        (
            nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.Flatten(), nn.Linear(800, 2)),
            "N 3 H W",
            "image H×W → conv2d H×W → flatten 8*H*W → Linear has one weight per element",
        ),
        (nn.Conv2d(3, 8, 7), "N 3 H W", "image H×W → no window of the kernel fits"),
        (nn.Conv2d(4, 8, 3), "N C 9 9", "input C×9×9 → a kernel has weights for each channel"),
        (nn.LayerNorm(4), "N T C", "input T×C → LayerNorm has one weight per element"),
        (nn.Linear(4, 2), "T C", "input C → Linear has one weight per element"),
        (
            nn.Sequential(nn.Conv3d(1, 2, 2), nn.MaxPool3d(3)),
            "N 1 T H W",
            "clip T×H×W → no window of the kernel fits",
        ),
    ],
    ids=str,
)
def test_because(model, input, says):
    assert check(model, input, accepts="any size", samples=0).details["because"] == says
