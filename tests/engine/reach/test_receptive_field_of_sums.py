"""Receptive fields of sums of parts whose sizes are written in different ways."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from archlint.engine.reach.receptive_field import EVERYTHING
from tests.engine.reach.test_receptive_field import agrees, fields


class Rejoins(nn.Module):
    """Parts that are halved and doubled in other ways, which some sizes would broadcast."""

    def __init__(self, how):
        super().__init__()
        self.how = how
        self.down, self.deep = nn.Conv1d(3, 4, 3, 2, 1), nn.Conv1d(4, 4, 3, 2, 1)
        self.across = nn.Conv1d(3, 4, 1)

    def forward(self, x):
        fine = self.down(x)
        if self.how == "pyramid":
            return fine + F.interpolate(self.deep(fine), scale_factor=2)
        if self.how == "pool":
            return fine * self.across(F.avg_pool1d(x, 2))
        if self.how == "cut":
            return x[..., 2:] + x[..., :-2]
        return torch.minimum(fine, self.across(F.max_pool1d(x, 2, ceil_mode=True)))


@pytest.mark.parametrize("how", ["pyramid", "pool", "cut", "minimum"])
def test_parts_whose_sizes_are_written_in_other_ways(how):
    field = agrees(Rejoins(how), 96)
    assert field.stride == (1 if how == "cut" else 2)


class Broadcast(nn.Module):
    """A long stride makes one position of all small inputs, which every other one reads."""

    def __init__(self):
        super().__init__()
        self.far = nn.Conv1d(3, 4, 50, 50, 49)

    def forward(self, x):
        return self.far(x) + x.new_zeros(x.shape[-1])


def test_what_is_broadcast_is_not_followed():
    (((field,),)) = fields(Broadcast(), "N 3 T")
    assert field.size is None or field.size == EVERYTHING
