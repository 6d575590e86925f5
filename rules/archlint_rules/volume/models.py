"""Networks for volumes, for the examples of the pack."""

from torch import Tensor, nn


class VolumeNet(nn.Module):
    """Downsamples a volume and upsamples it again."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Conv3d(1, 4, 2, stride=2)
        self.up = nn.ConvTranspose3d(4, 2, 2, stride=2)

    def forward(self, volume: Tensor) -> Tensor:
        return self.up(self.down(volume))


class FixedDepth(nn.Module):
    """Mixes exactly 16 slices with a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.depth = nn.Linear(16, 16)
        self.last = nn.Conv3d(1, 2, 1)

    def forward(self, volume: Tensor) -> Tensor:
        mixed = self.depth(volume.transpose(2, 4)).transpose(2, 4)
        return self.last(mixed)
