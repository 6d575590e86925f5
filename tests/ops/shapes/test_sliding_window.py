"""Results that lie as their input does, where the input is a part of a channels-last tensor."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

import archlint.ops  # noqa: F401
from tests.ops.oracle import T, agree

sizes = st.fixed_dictionaries({k: st.sampled_from([1, 1, 2, 3, 5]) for k in "nhw"})
OPERATORS = {
    "conv": lambda c: (torch.conv2d, T(6, c, 1, 1)),
    "conv of a channels-last weight": lambda c: (torch.conv2d, T(6, c, 2, 2, perm=(0, 3, 1, 2))),
    "conv_transpose": lambda c: (torch.conv_transpose2d, T(c, 6, 2, 2)),
    "conv of a part as weight": lambda c: (
        torch.conv2d, T(6, c, 2, 2, perm=(0, 3, 1, 2), part=2), None, 1, 1,
    ),
    "depthwise": lambda c: (torch.conv2d, T(c, 1, 3, 3), None, 1, 1, 1, c),
    "max_pool": lambda c: (F.max_pool2d, 2, 2, 1),
    "avg_pool": lambda c: (F.avg_pool2d, 2, 2, 1),
    "adaptive_avg_pool": lambda c: (F.adaptive_avg_pool2d, (2, 3)),
    "adaptive_avg_pool to 1": lambda c: (F.adaptive_avg_pool2d, 1),
    "adaptive_max_pool": lambda c: (F.adaptive_max_pool2d, 2),
    "interpolate": lambda c: (F.interpolate, (4, 3), None, "bilinear", False),
    "nearest": lambda c: (F.interpolate, (4, 3)),
    "batch_norm": lambda c: (F.batch_norm, T(c), T(c)),
    "group_norm": lambda c: (F.group_norm, 2),
    "pixel_shuffle": lambda c: (F.pixel_shuffle, 2),
    "channel_shuffle": lambda c: (F.channel_shuffle, 2),
    "reflect": lambda c: (F.pad, (0, 0, 0, 0), "reflect"),
    "pad": lambda c: (F.pad, (1, 0, 0, 2)),
}  # fmt: skip


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("part", [1, 2, 3])
@settings(max_examples=40, deadline=None)
@given(env=sizes, other=sizes, channels=st.sampled_from([4, 4, 8, 1]))
def test_a_part_of_a_channels_last_tensor(name, part, env, other, channels):
    op, *args = OPERATORS[name](channels)
    x = T("n", channels, "h", "w", perm=(0, 3, 1, 2), part=part)
    agree(op, x, *args, env=env, other=other, layout=True)
