"""Broken models that share lines of source with other layers, other models or other outputs."""

from __future__ import annotations

from tests.support.fix_models.case import POOL, image

MAKE_HEAD = """\
def make_head(width):
    return nn.Sequential(nn.Flatten(), nn.Linear(width, 2))


"""
TWO_HEADS = """\
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.aux = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))
"""

SHARED = [
    image("pooled head beside one of a function", MAKE_HEAD + """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
""" + TWO_HEADS + """\
        self.head = make_head(256)

    def forward(self, x):
        x = self.conv(x)
        return self.head(x) + self.aux(x)
"""),
    image("pooled head beside one of the base class", """\
class Base(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(width, 2))


class Net(Base):
    def __init__(self):
        super().__init__(256)
""" + TWO_HEADS + """\

    def forward(self, x):
        x = self.conv(x)
        return self.head(x) + self.aux(x)
"""),
    image("heads appended in a loop", """\
class Net(nn.Module):
    def __init__(self, heads=2):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.heads = nn.ModuleList()
        for _ in range(heads):
            self.heads.append(nn.Sequential(nn.Flatten(), nn.Linear(256, 2)))

    def forward(self, x):
        x = self.conv(x)
        return torch.stack([head(x) for head in self.heads]).sum(0)
"""),
    image("class of two models with other sizes", """\
class Net(nn.Module):
    def __init__(self, width=256):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 4, 3, padding=1), nn.Linear(width, 2)

    def forward(self, x):
        x = self.conv(x)
        return self.fc(x.flatten(1))


def small():
    return Net(64)
""", f"{POOL}|resize the input to 8 x 8", others=(("small", "N 3 H W", "any H == 4 and W == 4"),),
          diff=False),
    image("view used by two models", """\
class Flat(nn.Module):
    def forward(self, x):
        return x.view(x.size(0), -1)


class Rows(nn.Module):
    def __init__(self):
        super().__init__()
        self.flat = Flat()

    def forward(self, x):
        return self.flat(x).sum(1)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.flat = nn.Conv2d(3, 4, 3, padding=1), Flat()
        self.fc = nn.Linear(256, 2)

    def forward(self, x):
        return self.fc(self.flat(self.conv(x)))
""", others=(("Rows", "N 3 H W", "any H, W >= 1"),)),
    image("features returned beside the scores", """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 4, 3, padding=1), nn.Linear(256, 2)

    def forward(self, x):
        x = self.conv(x)
        scores = self.fc(x.flatten(1))
        return scores, x
""", output=""),
]  # fmt: skip
