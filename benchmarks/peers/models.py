"""Small models as people write them, with the mistakes that people make."""

from __future__ import annotations

import itertools

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class FlatHead(nn.Module):
    """A flatten before the classifier: 7x7 features and no other."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        )  # fmt: skip
        self.head = nn.Linear(16 * 7 * 7, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(torch.flatten(self.features(x), 1))


class MixingHead(FlatHead):
    """The flatten is a view that lets the batch take up what does not fit."""

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x).view(-1, 16 * 7 * 7))


class PooledHead(FlatHead):
    """The cure: pool to 7x7 before the flatten."""

    def __init__(self) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d((7, 7))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(torch.flatten(self.pool(self.features(x)), 1))


class Squeezing(nn.Module):
    """``squeeze()`` takes a batch of one away too."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 16, 3, stride=2)
        self.head = nn.Linear(16, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(F.adaptive_avg_pool2d(self.conv(x), 1).squeeze())


class UNet(nn.Module):
    """Four levels; ``fit`` says what makes the skips meet: nothing, "resize", or "pad"."""

    def __init__(self, fit: str = "", channels: int = 4, classes: int = 2) -> None:
        super().__init__()
        self.fit = fit
        widths = [channels * 2**k for k in range(5)]
        self.down = nn.ModuleList(
            nn.Conv2d(a, b, 3, padding=1) for a, b in zip([3, *widths[:3]], widths[:4], strict=True)
        )
        self.middle = nn.Conv2d(widths[3], widths[4], 3, padding=1)
        self.grow = nn.ModuleList(
            nn.ConvTranspose2d(b, a, 2, stride=2) for a, b in itertools.pairwise(widths)
        )
        self.up = nn.ModuleList(nn.Conv2d(2 * w, w, 3, padding=1) for w in widths[:4])
        self.head = nn.Conv2d(channels, classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[2:]
        if self.fit == "pad":  # the mistake: the height's padding is used for the width as well
            missing = -height % 16
            x = F.pad(x, (0, missing, 0, missing))
        skips = []
        for conv in self.down:
            x = F.relu(conv(x))
            skips.append(x)
            x = F.max_pool2d(x, 2)
        x = F.relu(self.middle(x))
        for k in reversed(range(4)):
            x, skip = self.grow[k](x), skips[k]
            if self.fit == "resize":
                x = F.interpolate(x, size=skip.shape[2:])
            x = F.relu(self.up[k](torch.cat([skip, x], 1)))
        return self.head(x)[:, :, :height, :width]


class AutoEncoder(nn.Module):
    """Three strides down, three up: the size comes back only if 8 divides it."""

    def __init__(self) -> None:
        super().__init__()
        widths = list(itertools.pairwise((3, 8, 16, 32)))
        self.down = nn.Sequential(*(nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in widths))
        self.up = nn.Sequential(*(nn.ConvTranspose2d(b, a, 2, stride=2) for a, b in widths[::-1]))

    def forward(self, x: Tensor) -> Tensor:
        return self.up(F.relu(self.down(x)))


class Patches(nn.Module):
    """Patches by reshape: the side must be a multiple of 16."""

    def __init__(self, patch: int = 16) -> None:
        super().__init__()
        self.patch = patch
        self.embed = nn.Linear(3 * patch * patch, 32)

    def forward(self, x: Tensor) -> Tensor:
        n, c, h, w = x.shape
        p = self.patch
        x = x.reshape(n, c, h // p, p, w // p, p).permute(0, 2, 4, 1, 3, 5)
        return self.embed(x.reshape(n, (h // p) * (w // p), c * p * p))


class Table(nn.Module):
    """One learned vector for each of 4,096 places."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 16, 1)
        self.place = nn.Parameter(torch.zeros(4096, 16))

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x).flatten(2).transpose(1, 2)
        return x + self.place[: x.shape[1]]


class Matting(nn.Module):
    """An image and a mask, joined along channels."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(4, 1, 3, padding=1)

    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        return self.conv(torch.cat([image, mask], 1))


class Guided(nn.Module):
    """A mask of half the image's size, doubled before it is joined."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(4, 1, 3, padding=1)

    def forward(self, image: Tensor, half: Tensor) -> Tensor:
        return self.conv(
            torch.cat([image, half.repeat_interleave(2, 2).repeat_interleave(2, 3)], 1)
        )


class Siamese(nn.Module):
    """Two images of any two sizes."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, 16, 3, 2, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
        )

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return F.cosine_similarity(self.body(a), self.body(b))


class SuperResolution(nn.Module):
    """Twice the size by pixel shuffle."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 12, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return F.pixel_shuffle(self.conv(x), 2)


class Thrifty(nn.Module):
    """Large images are halved first: a branch on the size."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.head = nn.Linear(8, 10)

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[2] > 256 or x.shape[3] > 256:
            x = F.avg_pool2d(x, 2)
        return self.head(self.conv(x).mean((2, 3)))


class Windows(nn.Module):
    """Attention windows of 7: sizes that 7 does not divide are padded, except that the test for it
    looks at the number of pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Linear(49, 49)

    def forward(self, x: Tensor) -> Tensor:
        n, c, h, w = x.shape
        if h * w % 49:
            x = F.pad(x, (0, -w % 7, 0, -h % 7))
        rows, columns = x.shape[2] // 7, x.shape[3] // 7
        x = x.view(n, c, rows, 7, columns, 7).transpose(3, 4).reshape(n, c, rows * columns, 49)
        return self.mix(x).mean((2, 3))


class Pyramid(nn.Module):
    """Pools of 1, 2 and 4: any size becomes 21 values for each channel."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.head = nn.Linear(8 * 21, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        return self.head(torch.cat([F.adaptive_max_pool2d(x, k).flatten(1) for k in (1, 2, 4)], 1))


def plain_conv() -> nn.Module:
    """Nothing but layers that fx's gradual types know."""
    return nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 16, 3, stride=2), nn.ReLU(),
        nn.AdaptiveAvgPool2d((1, 1)),
    )  # fmt: skip
