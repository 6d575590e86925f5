"""The sizes on the path from the input to the layer that refuses."""

import pytest
from torch import nn

from archlint.api import check


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
