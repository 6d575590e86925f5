"""Ratios of sizes compared with floats that no double holds exactly: as Python compares doubles."""

from __future__ import annotations

import operator
import random

import pytest
import torch
from torch import nn

import archlint

RATIOS = {
    "h / w": lambda h, w: h / w,
    "(h + 1) / (2 * w)": lambda h, w: (h + 1) / (2 * w),
    "h / (h + w)": lambda h, w: h / (h + w),
    "h * 3 / (w * 7) / 2": lambda h, w: h * 3 / (w * 7) / 2,
    "float(h) / 10": lambda h, w: float(h) / 10,
    "min / max": lambda h, w: min(h, w) / max(h, w),
    "max(h / w, w / h)": lambda h, w: max(h / w, w / h),
    "(h - w) / (h + w)": lambda h, w: (h - w) / (h + w),
}
BOUNDS = (0.1, 0.3, 0.4, 0.7, 1.1, 1.3, 1 / 3, 2 / 3, 1 / 1.5, 16 / 9, 3 / 7, 1.33333, 1.7778)
COMPARED = (operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne)


@pytest.mark.parametrize("name", RATIOS)
def test_a_ratio_of_sizes_is_compared_with_a_float(name):
    ratio, draw = RATIOS[name], random.Random(name)

    class Compared(nn.Module):
        def __init__(self, bound, compare, swapped):
            super().__init__()
            self.bound, self.compare, self.swapped = bound, compare, swapped

        def forward(self, x):
            h, w = x.shape[2:]
            sides = (self.bound, ratio(h, w)) if self.swapped else (ratio(h, w), self.bound)
            return x.mean(3) if self.compare(*sides) else x

    for bound in draw.sample(BOUNDS, 4):
        model = Compared(bound, draw.choice(COMPARED), draw.random() < 0.5)
        found = archlint.infer(model, "N 3 H W")
        assert found.exact, (bound, model.compare)
        near = [(round(bound * w), w) for w in range(1, 40)]
        drawn = [(draw.randint(1, 60), draw.randint(1, 60)) for _ in range(40)]
        for h, w in near + drawn:
            if min(h, w) < 1:
                continue
            real = tuple(model(torch.empty(1, 3, h, w, device="meta")).shape)
            assert found.output(N=1, H=h, W=w) == real, (bound, model.compare, h, w)


def test_a_float_that_was_rounded_before_is_not_compared_as_its_ratio():
    class Twice(nn.Module):
        def forward(self, x):
            h, w = x.shape[2:]
            return x.mean(3) if h / w * 0.1 * 10 >= 1 / 3 else x

    found = archlint.infer(Twice(), "N 3 H W")
    for h, w in ((1, 3), (2, 6), (3, 9), (5, 15), (7, 21), (2, 5), (2, 7)):
        real = tuple(Twice()(torch.empty(1, 3, h, w, device="meta")).shape)
        assert found.output(N=1, H=h, W=w) in (real, None), (h, w)
