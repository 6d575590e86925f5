"""Why must a CNN have a fixed input size? Most of it need not: ten tiny answers.

A convolution slides the same weights over any size. A fully connected layer has one weight per
input element, so it pins its own input, which pins the layer before it, and so on back to the
image. The contracts beside this file say which of these nets take which sizes.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class DenseNet3(nn.Module):
    """(N, 3) → (N, 1). Three inputs into four neurons: 12 weights; a fourth input needs 16."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = nn.Linear(3, 4, bias=False)
        self.out = nn.Linear(4, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(F.relu(self.hidden(x)))


def features() -> nn.Sequential:
    """(N, 1, H, W) → (N, 16, H//4, W//4)."""
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
    )  # fmt: skip


def dense_head() -> nn.Sequential:
    """For 28 x 28: the last layer has one weight per element of the 16 x 7 x 7 features."""
    return nn.Sequential(features(), nn.Flatten(), nn.Linear(16 * 7 * 7, 10))


def dense_head_unpooled() -> nn.Sequential:
    """For 28 x 28: no layer between image and dense layer drops a single pixel."""
    return nn.Sequential(nn.Conv2d(1, 8, 5), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 24 * 24, 10))


def global_pool() -> nn.Sequential:
    """The mean over all positions has 16 elements, whatever the size."""
    return nn.Sequential(features(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10))


def fully_convolutional() -> nn.Sequential:
    """The dense layer as a 1 x 1 convolution: one answer per position."""
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, stride=2, padding=1), nn.ReLU(),
        nn.Conv2d(8, 16, 3, stride=2, padding=1), nn.ReLU(),
        nn.Conv2d(16, 10, 1),
    )  # fmt: skip


def valid_padding() -> nn.Sequential:
    """LeNet-5's layers: each unpadded convolution eats four pixels, until none are left."""
    return nn.Sequential(
        nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 120, 5), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(120, 10),
    )  # fmt: skip


class SpatialPyramidPooling(nn.Module):
    """(N, C, H, W) → (N, C * 21): the maxima of a 1 x 1, a 2 x 2 and a 4 x 4 grid."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([F.adaptive_max_pool2d(x, n).flatten(1) for n in (1, 2, 4)], dim=1)


def pyramid_pool() -> nn.Sequential:
    """A dense layer behind any size, which still sees where things are."""
    return nn.Sequential(features(), SpatialPyramidPooling(), nn.Linear(16 * 21, 10))


class ResizesInside(nn.Module):
    """(N, 1, H, W) → (N, 10): every image is brought to 28 x 28 first."""

    def __init__(self) -> None:
        super().__init__()
        self.net = dense_head()

    def forward(self, x: Tensor) -> Tensor:
        return self.net(F.interpolate(x, size=(28, 28), mode="bilinear", align_corners=False))


class PadsInside(nn.Module):
    """(N, 1, H, W) → (N, 10): zeros fill a 28 x 28 canvas."""

    def __init__(self) -> None:
        super().__init__()
        self.net = dense_head()

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        # Without this, a negative padding would crop larger images, and nobody would notice.
        if height > 28 or width > 28:
            raise ValueError(f"{height} x {width} does not fit the canvas of 28 x 28")
        return self.net(F.pad(x, (0, 28 - width, 0, 28 - height)))


class PadsToGrid(nn.Module):
    """(N, 1, H, W) → (N, 1, H, W): zeros up to the next multiple of 8, cut off at the end."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Conv2d(1, 8, 8, stride=8)
        self.up = nn.ConvTranspose2d(8, 1, 8, stride=8)

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        padded = F.pad(x, (0, -width % 8, 0, -height % 8))
        return self.up(self.down(padded))[..., :height, :width]
