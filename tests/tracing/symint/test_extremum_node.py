"""``max`` and ``min`` of sizes are compared without a branch on which size it is."""

import itertools
import operator

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import archlint


class Pyramid(nn.Module):
    def forward(self, x):
        levels = 0
        while min(x.shape[-2:]) > 8:
            x = F.avg_pool2d(x, 2)
            levels += 1
        return x, x.new_zeros(levels)


class Levels(nn.Module):
    def forward(self, x):
        h, w, levels = x.shape[2], x.shape[3], 0
        while min(h, w) >= 32:
            h, w, levels = h // 2, w // 2, levels + 1
        return [F.adaptive_avg_pool2d(x, 2) for _ in range(levels)]


@pytest.mark.parametrize("model", [Pyramid, Levels])
def test_a_pyramid_by_the_smaller_side_has_a_path_for_each_number_of_levels(model):
    found = archlint.infer(model(), "N 3 H W")
    assert (found.text, found.exact) == ("any size", True), found.reasons
    for h, w in itertools.product((8, 9, 17, 18, 31, 32, 64, 100, 257), (5, 9, 33, 36, 500)):
        out = found.output(N=1, H=h, W=w)
        real = model()(torch.zeros(1, 3, h, w))
        assert len(out) == len(real)
        assert [tuple(o) for o in out] == [tuple(r.shape) for r in real]


USES = {
    "above": lambda h, w: 1 if min(h, w) > 3 else 2,
    "mirrored": lambda h, w: 1 if max(h, w) >= 4 else 2,
    "below": lambda h, w: 1 if max(h, w) < 3 else 2,
    "equal": lambda h, w: 1 if min(h, w) == 3 else 2,
    "unequal": lambda h, w: 1 if max([h, w]) != 3 else 2,
    "with a size": lambda h, w: 1 if min(h, w) < w else 2,
    "two": lambda h, w: 1 if min(h, 4) < max(w, 2) else 2,
    "both": lambda h, w: 1 if max(h, w) - min(h, w) <= 1 else 2,
    "three": lambda h, w: 1 if max(h, w, 3) == h else 2,
    "nested": lambda h, w: 1 if max(min(h, w), 2) > 2 else 2,
    "compared, then used": lambda h, w: (lambda m: m if m > 2 else 7)(min(h, w)),
    "used, then compared": lambda h, w: (lambda m: m + 1 if m * 2 > 5 and m < 5 else m)(max(h, w)),
    "number": lambda h, w: min(h, w) + 1,
    "float": lambda h, w: 1 if min(h, w) / 2 > 1.5 else 2,
    "float limit": lambda h, w: 1 if min(h, w) > 2.5 else 2,
    "truth": lambda h, w: 1 if min(h - 2, w) else 2,
    "text": lambda h, w: len(str(min(h * 3, w * 5))),
    "key": lambda h, w: {1: 5, 2: 6}.get(min(h, w), 7),
    "range": lambda h, w: sum(1 for _ in range(max(h, w))),
    "index": lambda h, w: [3, 4, 5, 6, 7, 8, 9][min(h, w)],
    "sorted": lambda h, w: sorted([max(h, w), 3])[0],
    "clamp": lambda h, w: max(2, min(h, 4)),
    "negative": lambda h, w: 1 if -min(h, w) < -2 else 2,
    "operator": lambda h, w: 1 if operator.gt(min(h, w), 2) else 2,
    "chained": lambda h, w: 1 if 1 < min(h, w) <= 3 else 2,
    "None": lambda h, w: 1 if min(h, w) == None else 2,  # noqa: E711
    "text and number": lambda h, w: 1 if max(h, w) == "3" else 2,
}


class Uses(nn.Module):
    def __init__(self, use):
        super().__init__()
        self.use = use

    def forward(self, x):
        return x.new_zeros(self.use(x.shape[0], x.shape[1]))


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_every_use_is_right_at_every_size(use):
    found = archlint.infer(Uses(use), "H W")
    for h, w in itertools.product(range(1, 7), repeat=2):
        if found.accepts(H=h, W=w) is not None:
            assert tuple(found.output(H=h, W=w)) == (use(h, w),), (h, w)
    assert found.accepts(H=2, W=3)


def test_it_is_the_object_of_one_of_the_sizes():
    class Same(nn.Module):
        def forward(self, x):
            h, w = x.shape
            small, large = min(h, w), max(w, min(h, 600))
            return x.new_zeros(1 + (small is h) + 2 * (large is w))

    found = archlint.infer(Same(), "H W")
    for h, w in itertools.product((3, 300, 301, 599, 601), repeat=2):
        said = found.output(H=h, W=w)
        assert tuple(said) == tuple(Same()(torch.zeros(h, w)).shape), (h, w)
