"""Networks with one prediction per pixel, for the examples of the pack."""

import torch
from torch import Tensor, nn


class UNet(nn.Module):
    """Downsamples twice and upsamples twice, with a skip connection at each resolution."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3, padding=1)
        self.down = nn.ModuleList(nn.MaxPool2d(2) for _ in range(2))
        self.up = nn.ModuleList(nn.ConvTranspose2d(a, 4, 2, stride=2) for a in (4, 8))
        self.last = nn.Conv2d(8, 2, 1)

    def forward(self, image: Tensor) -> Tensor:
        full = self.first(image)
        half = self.down[0](full)
        quarter = self.down[1](half)
        half = torch.cat([half, self.up[0](quarter)], 1)
        return self.last(torch.cat([full, self.up[1](half)], 1))


class HalfSize(nn.Module):
    """Does not upsample its output."""

    def __init__(self) -> None:
        super().__init__()
        self.stride = nn.Conv2d(3, 2, 3, stride=2, padding=1)

    def forward(self, image: Tensor) -> Tensor:
        return self.stride(image)
