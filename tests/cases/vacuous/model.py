from torch import nn


def net():
    return nn.Conv2d(3, 8, 3)
