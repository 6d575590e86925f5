"""The curves of the page of what a model costs."""

import re

from torch import nn

import archlint
from archlint.report.page.cost_page import cost_page


class ThreeLengths(nn.Module):
    """Products below 100, nothing below 200, and refused above unless 7 divides ``3 * T * T``."""

    def forward(self, x):
        if x.shape[-1] < 100:
            return x @ x.mT
        return x if x.shape[-1] < 200 else x.reshape(len(x), -1, 7)[:, :, :5]


def test_each_size_costs_what_its_path_does():
    found = archlint.cost(ThreeLengths(), "N 3 T", at={"T": 150, "N": 1})
    curve = re.findall(r'polyline points="([^"]+)"', cost_page(found))[0]
    heights = [float(point.split(",")[1]) for point in curve.split()]
    inside = [h for h in heights if h < 240]
    assert len(inside) == 10
    assert heights[10:] == [240.0] * len(heights[10:])
    assert len(heights) < 64
