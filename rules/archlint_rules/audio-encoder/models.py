"""Encoders of two convolutions with stride 2, for the examples of the pack."""

from torch import Tensor, nn


class UnpaddedEncoder(nn.Module):
    """All frames lie within the audio."""

    kernel, padding = 4, 0

    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.Sequential(
            *(nn.Conv1d(width, 8, self.kernel, stride=2, padding=self.padding) for width in (1, 8))
        )

    def forward(self, sound: Tensor) -> Tensor:
        return self.convs(sound)


class PaddedEncoder(UnpaddedEncoder):
    """Frames extend beyond both ends of the audio, which is padded."""

    kernel, padding = 3, 1
