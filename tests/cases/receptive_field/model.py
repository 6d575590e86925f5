from torch import nn


def net():
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, dilation=2),
        nn.ConvTranspose2d(8, 4, 2, stride=2),
    )  # fmt: skip


def pooled():
    return nn.Sequential(net(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))


def tags():
    return nn.Linear(8, 2)
