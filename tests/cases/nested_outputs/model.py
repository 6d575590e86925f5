from typing import NamedTuple

import torch
from torch import Tensor, nn


class Scores(NamedTuple):
    classes: Tensor
    boxes: Tensor


class Pyramid(nn.Module):
    """A dict of maps, a list of maps, a named tuple."""

    def __init__(self, kind):
        super().__init__()
        self.kind = kind
        self.down = nn.ModuleList(nn.Conv2d(3 if i == 0 else 8, 8, 3, 2, 1) for i in range(3))

    def forward(self, x):
        maps = []
        for conv in self.down:
            x = conv(x)
            maps.append(x)
        if self.kind == "dict":
            return {"fine": maps[0], "coarse": maps[2]}
        if self.kind == "tuple":
            return Scores(x.mean((2, 3)), torch.stack([x.amax((2, 3)), x.amin((2, 3))], 1))
        return maps
