"""A classifier that accepts one image size only, like many that were written for 224 x 224."""

from torch import nn


class FlattenHead(nn.Module):
    """Five convolutions with pools, then a flatten into a Linear layer."""

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for width in (8, 16, 32, 32, 32):
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
            channels = width
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Linear(32 * 7 * 7, classes)

    def forward(self, images):
        features = self.features(images)
        return self.classifier(features.flatten(1))
