"""Models whose input, or accepted sizes, ``infer`` finds."""

from torch import nn


def backbone(stride=2, padding=0, classes=10):
    return nn.Sequential(
        nn.Conv2d(3, 4, 5, stride, padding), nn.MaxPool2d(2), nn.AdaptiveAvgPool2d(1),
        nn.Flatten(), nn.Linear(4, classes),
    )  # fmt: skip


def flat_head():
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.MaxPool2d(8), nn.Flatten(), nn.Linear(64, 5)
    )


class Refuses(nn.Module):
    """Takes sides that are a multiple of 4 only, and says so itself."""

    def forward(self, x):
        if x.shape[2] % 4:
            raise ValueError("the height must be a multiple of 4")
        return x


class Secret(nn.Module):
    """Branches on a value, of which no size tells anything."""

    def forward(self, x):
        return x if x.shape[2] < 8 or x.sum() > 0 else x[:, :, 1:]


class Rows(nn.Module):
    def forward(self, x):
        if x.ndim != 2:
            raise ValueError("expected rows")
        return x


class HeadFirst(nn.Module):
    """What it calls last it makes first."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(4, 2)
        self.body = nn.Conv2d(1, 4, 3)

    def forward(self, x):
        return self.head(self.body(x).mean((2, 3)))


class Spoken(nn.Module):
    """Its rows are in a sequence."""

    def __init__(self):
        super().__init__()
        self.each = nn.Linear(5, 3)

    def forward(self, x):
        return self.each(x).amax(2)


class Drawn(nn.Module):
    """Draws a picture: its convolution does not see the input."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(7, 2 * 4 * 4)
        self.smooth = nn.Conv2d(2, 3, 3)

    def forward(self, x):
        return self.smooth(self.first(x).view(-1, 2, 4, 4))


class Reader(nn.Module):
    """Its convolution sees words, not letters."""

    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(30, 6)
        self.slide = nn.Conv1d(6, 2, 3)

    def forward(self, ids):
        return self.slide(self.words(ids).transpose(1, 2)).amax(2)


class Stubborn(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(5, 3)

    def forward(self, x):
        raise ValueError("never")


class Pair(nn.Module):
    def forward(self, left, right):
        return {"sum": left + right, "parts": [left, right[:, :1]]}
