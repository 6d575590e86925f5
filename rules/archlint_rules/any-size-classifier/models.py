"""Small classifiers for the examples of the pack."""

from torch import Tensor, nn


class PooledClassifier(nn.Module):
    """Pools over the whole image, so its head does not depend on the image size."""

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(8, classes)

    def forward(self, image: Tensor) -> Tensor:
        return self.head(self.pool(self.features(image)).flatten(1))


class FlattenedClassifier(nn.Module):
    """Has one weight per position of a 32 x 32 image."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(4))
        self.head = nn.Linear(8 * 8 * 8, 10)

    def forward(self, image: Tensor) -> Tensor:
        return self.head(self.features(image).flatten(1))


class UnpaddedClassifier(nn.Module):
    """Each unpadded convolution removes two rows and columns and halves the rest."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(*(nn.Conv2d(width, 4, 3, stride=2) for width in (3, 4, 4, 4)))
        self.head = nn.Linear(4, 10)

    def forward(self, image: Tensor) -> Tensor:
        return self.head(self.features(image).mean((2, 3)))
