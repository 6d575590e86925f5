"""Encoders of images and of text, for the examples of the pack."""

from torch import Tensor, nn


class ImageEncoder(nn.Module):
    """The mean over all patches of an image."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 16, 8, stride=8)

    def forward(self, image: Tensor) -> Tensor:
        return self.patches(image).mean((2, 3))


class TextEncoder(nn.Module):
    """The mean over all tokens of a text."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(100, 16)

    def forward(self, ids: Tensor) -> Tensor:
        return self.table(ids).mean(1)


class SqueezedEncoder(ImageEncoder):
    """Removes the pooled dimensions, and a batch dimension of 1 with them."""

    def __init__(self) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)

    def forward(self, image: Tensor) -> Tensor:
        return self.pool(self.patches(image)).squeeze()


class MixingEncoder(ImageEncoder):
    """Turns each 32 x 32 pixels into an item of the batch."""

    def __init__(self) -> None:
        super().__init__()
        self.pool = nn.AvgPool2d(4)

    def forward(self, image: Tensor) -> Tensor:
        return self.pool(self.patches(image)).permute(0, 2, 3, 1).reshape(-1, 16)
