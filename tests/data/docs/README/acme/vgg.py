"""A small VGG whose head is made for images of 224 x 224."""

from torch import nn


def stage(ins, outs):
    return nn.Sequential(nn.Conv2d(ins, outs, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))


class VGGFlat(nn.Module):
    """Flattens what its five stages leave of the image."""

    def __init__(self, classes=1000):
        super().__init__()
        widths = [3, 8, 8, 16, 16, 32]
        self.features = nn.Sequential(*map(stage, widths, widths[1:]))
        self.flatten = nn.Flatten()
        self.classifier = nn.Sequential(
            nn.Linear(1568, 256),
            nn.ReLU(),
            nn.Linear(256, classes),
        )

    def forward(self, image):
        return self.classifier(self.flatten(self.features(image)))
