"""Inputs read from the pattern of a ``Rearrange`` in front of the first layer."""

import math
import random
import re

import pytest
import torch
from torch import nn

import archlint
from archlint.engine.rearranged_input import rearranged_input


class Rearrange(nn.Module):
    """The layer of einops, for patterns with one name for each axis."""

    def __init__(self, pattern, **lengths):
        super().__init__()
        self.pattern, self.axes_lengths = pattern, lengths

    def forward(self, x):
        left, right = (
            [(g or a).split() for g, a in re.findall(r"\(([^()]*)\)|(\S+)", side)]
            for side in self.pattern.split("->")
        )
        if x.ndim != len(left):
            raise KeyError(x.ndim)  # as einops does
        sizes = {}
        for axes, size in zip(left, x.shape, strict=True):
            known = math.prod(self.axes_lengths.get(a, 1) for a in axes)
            if size % known:
                raise ValueError(f"{size} is not a multiple of {known}")
            sizes |= {a: self.axes_lengths.get(a, size // known) for a in axes}
        axes = [a for group in left for a in group]
        whole = x.reshape([sizes[a] for a in axes])
        turned = whole.permute([axes.index(a) for group in right for a in group])
        return turned.reshape([math.prod(sizes[a] for a in group) for group in right])


def _drawn(draw):
    """A model that cuts an input into patches, and the input that it takes."""
    count, channels = draw.randint(1, 3), draw.choice([1, 2, 3, 5])
    patches = {f"p{i}": draw.choice([1, 2, 4]) for i in range(count)}
    last = draw.randint(0, 1)
    cut = [f"(d{i} p{i})" for i in range(count)]
    left = ["b", *cut, "c"] if last else ["b", "c", *cut]
    features = ["c", *patches]
    draw.shuffle(features)
    width = channels * math.prod(patches.values())
    places = [f"d{i}" for i in range(count)]
    right = ["b", f"({' '.join(places)})", f"({' '.join(features)})"]
    layer = draw.choice([nn.Linear(width, 4), nn.LayerNorm(width)])
    if draw.random() < 0.3:  # a convolution of patches has its channels second
        right = ["b", f"({' '.join(features)})", *places]
        layer = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[count - 1](width, 4, 1)
    names = {1: "L", 2: "H W", 3: "T H W"}[count]
    model = nn.Sequential(Rearrange(f"{' '.join(left)} -> {' '.join(right)}", **patches), layer)
    return model, f"N {names} {channels}" if last else f"N {channels} {names}"


@pytest.mark.parametrize("seed", range(40))
def test_the_input_of_drawn_patterns_is_what_the_model_takes(seed):
    model, text = _drawn(random.Random(seed))
    assert rearranged_input(model) == text
    model(torch.zeros([int(w) if w.isdigit() else 4 for w in text.split()]))


@pytest.mark.parametrize(
    ("pattern", "lengths", "layer", "text"),
    [
        ("b c n -> b n c", {}, nn.Linear(6, 2), "N 6 L"),
        ("b () h w -> b (h w)", {"h": 4, "w": 5}, nn.Linear(20, 2), "N 1 4 5"),
        ("b (two d) -> two b 1 d", {"two": 2}, nn.Linear(6, 2), None),
        ("b ... d -> b d ...", {}, nn.Linear(6, 2), None),
        ("b c (h p) w -> b (h w) (p c)", {"p": 4}, nn.Linear(6, 2), None),  # 6 is no 4 * c
        ("b c (h p) w -> b (h w) (p q c)", {"p": 2}, nn.Linear(6, 2), None),
        ("b c h w -> b (h w) c", {}, nn.Embedding(6, 2), None),
    ],
)
def test_a_pattern_is_read_if_it_says_the_channels(pattern, lengths, layer, text):
    assert rearranged_input(nn.Sequential(Rearrange(pattern, **lengths), layer)) == text


def test_a_rearrangement_after_the_first_layer_says_nothing():
    model = nn.Sequential(nn.Linear(6, 8), Rearrange("b n (h d) -> b h n d", h=2))
    assert rearranged_input(model) is None
    assert rearranged_input(nn.ReLU()) is None


def test_infer_guesses_a_video_of_patches():
    model = nn.Sequential(
        Rearrange("b c (f p) (h q) (w r) -> b (f h w) (p q r c)", p=2, q=4, r=4), nn.Linear(96, 8)
    )
    found = archlint.infer(model)
    assert found.input.text == "N 3 T H W"
    assert found.text == "T % 2 == 0 and H % 4 == 0 and W % 4 == 0"
