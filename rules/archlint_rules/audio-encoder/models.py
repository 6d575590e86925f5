"""Encoders of two convolutions, each with stride 2, for the examples of the pack."""

from torch import Tensor, nn


class UnpaddedEncoder(nn.Module):
    """Frames lie within the sound."""

    kernel, padding = 4, 0

    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.Sequential(
            *(nn.Conv1d(width, 8, self.kernel, stride=2, padding=self.padding) for width in (1, 8))
        )

    def forward(self, sound: Tensor) -> Tensor:
        return self.convs(sound)


class PaddedEncoder(UnpaddedEncoder):
    """Frames reach beyond both ends of the sound."""

    kernel, padding = 3, 1
