"""The models of the deployment benchmark: five small ones, and ten of torchvision."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional as F

from benchmarks.pictures import FlattenHead, UNet

TORCHVISION = (
    "squeezenet1_1", "alexnet", "resnet18", "mobilenet_v2", "mobilenet_v3_small",
    "shufflenet_v2_x0_5", "mnasnet0_5", "densenet121", "efficientnet_b0", "regnet_y_400mf",
)  # fmt: skip


class Pools(nn.Module):
    """Four halvings and a mean, as most classifiers: a smallest size and nothing else."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, 1, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.conv(x)
        for _ in range(4):
            x = F.max_pool2d(F.relu(x), 2)
        return x.mean((2, 3))


class Patches(nn.Module):
    """Patches of 8 pixels as tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(192, 16)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.embed(F.pixel_unshuffle(x, 8).flatten(2).transpose(1, 2)).mean(1)


class Window(nn.Module):
    """An unpadded convolution of 7 pixels, and a reflection by 3."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 7)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv(F.pad(self.conv.weight.new_zeros(()) + x, (3, 3, 3, 3), "reflect"))


TOYS: dict[str, Callable[[], nn.Module]] = {
    "unet": UNet, "flatten_head": FlattenHead, "pools": Pools, "patches": Patches, "window": Window,
}  # fmt: skip


def build(name: str) -> nn.Module:
    """The model of a name, always with the same weights."""
    torch.manual_seed(0)
    if name in TOYS:
        return TOYS[name]().eval()
    import torchvision

    return torchvision.models.get_model(name, weights=None).eval()
