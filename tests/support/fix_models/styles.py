"""Classifiers with broken contracts, in styles of source of real repositories.

Configurations, registries, layers by computed names, several files and ways of writing.
"""

from __future__ import annotations

from tests.support.fix_models.case import HEAD, image

STYLES = [
    image("dataclass configuration", """\
from dataclasses import dataclass


@dataclass
class Config:
    channels: int = 4
    grid: int = 8
    classes: int = 2


class Net(nn.Module):
    def __init__(self, config: Config = Config()):
        super().__init__()
        self.config = config
        self.stem = nn.Conv2d(3, config.channels, 3, padding=1)
        self.classifier = nn.Linear(config.channels * config.grid * config.grid, config.classes)

    def forward(self, x):
        x = self.stem(x)
        x = torch.flatten(x, start_dim=1)
        return self.classifier(x)
"""),
    image("registry and factory", """\
MODELS = {}


def register(name):
    def add(cls):
        MODELS[name] = cls
        return cls

    return add


@register("tiny")
class Tiny(nn.Module):
    def __init__(self, classes=2):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.fc = nn.Linear(256, classes)

    def forward(self, x):
        x = self.conv(x)
        x = x.view(x.shape[0], -1)
        return self.fc(x)


def make(name="tiny", **kwargs):
    return MODELS[name](**kwargs)
""", target="make"),
    image("layers by f-strings and getattr", """\
class Net(nn.Module):
    def __init__(self, depth=3):
        super().__init__()
        self.depth = depth
        for i in range(depth):
            setattr(self, f"conv{i}", nn.Conv2d(3 if i == 0 else 4, 4, 3, padding=1))
        self.fc = nn.Linear(4 * 8 * 8, 2)

    def forward(self, x):
        for i in range(self.depth):
            x = F.relu(getattr(self, f"conv{i}")(x))
        return self.fc(x.flatten(1))
"""),
    image("ordered dict", """\
from collections import OrderedDict


class Net(nn.Sequential):
    def __init__(self):
        super().__init__(OrderedDict([
            ("conv", nn.Conv2d(3, 4, 3, padding=1)),
            ("relu", nn.ReLU(inplace=True)),
            ("flatten", nn.Flatten()),
            ("fc", nn.Linear(256, 2)),
        ]))
"""),
    image("lambda layer", """\
class Lambda(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(3, 4, 3, padding=1),
            Lambda(lambda x: x.view(x.size(0), -1)),
            nn.Linear(256, 2),
        )

    def forward(self, x):
        return self.net(x)
"""),
    image("keywords to the base class", """\
class Base(nn.Module):
    def __init__(self, *, features, classes):
        super().__init__()
        self.features = features
        self.classifier = nn.Linear(4 * 64, classes)

    def forward(self, x):
        x = self.features(x)
        x = torch.flatten(x, 1)
        x = self.classifier(x)
        return x


class Net(Base):
    def __init__(self, classes=2):
        super().__init__(
            features=nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(inplace=True)),
            classes=classes,
        )
"""),
    image("base class in another file",
          "from base import Classifier\n\n\nclass Net(Classifier):\n    def features(self, x):\n"
          "        return torch.relu(self.conv(x))\n",
          head="import torch\n",
          files={"base.py": HEAD + """\
class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.fc = nn.Linear(256, 2)

    def forward(self, x):
        x = self.features(x)
        return self.fc(x.view(x.size(0), -1))
"""}),
    image("two files and CRLF",
          "from nets_parts import Head\n\n\nclass Net(nn.Module):\n    def __init__(self):\n"
          "        super().__init__()\n        self.conv = nn.Conv2d(3, 4, 3, padding=1)\n"
          "        self.head = Head(256)\n\n    def forward(self, x):\n"
          "        return self.head(self.conv(x))\n",
          newline="\r\n", files={"nets_parts.py": "from torch import nn\n\n\n"
          "class Head(nn.Module):\n"
          "    def __init__(self, width):\n        super().__init__()\n"
          "        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(width, 2))\n\n"
          "    def forward(self, x):\n        return self.layers(x)"}),
    image("conditional definitions", """\
try:
    from torch import compile as _compile
except ImportError:
    _compile = None

if _compile is not None:
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3, padding=1)
            self.fc = nn.Linear(256, 2)

        def forward(self, x):
            x = self.conv(x)
            x = x.reshape(-1, 256)
            return self.fc(x)
else:
    class Net(nn.Module):
        def forward(self, x):
            return x.flatten(1)
"""),
    image("semicolons and continued lines", """\
class Net(nn.Module):
  def __init__(self):
    super().__init__(); self.conv = nn.Conv2d(3, 4, 3, padding=1); \\
        self.fc = nn.Linear(4*8*8, 2)
  def forward(self, x):
    x = self.conv(x); \\
        x = x.view(x.size(0), \\
            -1); return self.fc(x)
"""),
    image("type comments", """\
class Net(nn.Module):
    def __init__(self):
        # type: () -> None
        super(Net, self).__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)  # type: nn.Conv2d
        self.fc = nn.Linear(256, 2)

    def forward(self, x):  # type: (torch.Tensor) -> torch.Tensor
        batch = x.shape[0]  # type: int
        x = self.conv(x)
        x = x.view(batch, -1)  # flatten
        return self.fc(x)
"""),
    image("walrus and conditional expression", """\
class Net(nn.Module):
    def __init__(self, pool=False):
        super().__init__()
        self.pool = nn.MaxPool2d(2) if pool else None
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.fc = nn.Linear(256, 2)

    def forward(self, x):
        if (y := self.conv(x)).requires_grad:
            y = y.contiguous()
        return self.fc(self.pool(y).flatten(1) if self.pool is not None else y.flatten(1))
"""),
    image("computed width", """\
def same(n):
    return (n + 2 * 1 - 3) // 1 + 1


class Net(nn.Module):
    def __init__(self, size=16, classes=2):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 4, 3, 1, 1)
        self.conv2 = nn.Conv2d(4, 6, 3, 1, 1)
        side = same(same(size) // 2)
        self.flat = 6 * side * side
        self.fc1, self.fc2 = nn.Linear(self.flat, 12), nn.Linear(12, classes)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.relu(self.conv2(x))
        x = x.view(-1, self.flat)
        x = F.relu(self.fc1(x))
        return F.log_softmax(self.fc2(x), dim=1)
""", accepts="any H, W >= 16"),
]  # fmt: skip
