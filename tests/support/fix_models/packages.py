"""Broken models spread over packages, base classes and helpers, and in files of other tools."""

from __future__ import annotations

from tests.support.fix_models.case import HEAD, SKIP, Case, image

FROM_PACKAGE = "from pkg import Net\n"

PACKAGES = [
    image("package with relative imports", FROM_PACKAGE, head="", files={
        "pkg/__init__.py": "from .model import Net\n\n__all__ = ['Net']\n",
        "pkg/blocks.py": HEAD + """\
class Flatten(nn.Module):
    def forward(self, input):
        return input.view(input.size(0), -1)


class ConvBlock(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        self.conv, self.bn = nn.Conv2d(i, o, 3, padding=1, bias=False), nn.BatchNorm2d(o)

    def forward(self, x):
        return F.relu(self.bn(self.conv(x)))
""",
        "pkg/model.py": "from torch import nn\n\nfrom .blocks import ConvBlock, Flatten\n\n\n" """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(ConvBlock(3, 4), Flatten(), nn.Linear(256, 2))

    def forward(self, x):
        return self.body(x)
"""}),
    image("relative import of a parent package", FROM_PACKAGE, head="", newline="\r\n", files={
        "pkg/__init__.py": "from .nets.classifier import Net as Net\n",
        "pkg/nets/__init__.py": "",
        "pkg/ops.py": "def flat(x, *, start=1):\n    return x.flatten(start)\n",
        "pkg/nets/classifier.py": "import torch.nn as nn\n\nfrom .. import ops\n\n\n" """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.fc = nn.Linear(256, 2)

    def forward(self, x):
        x = self.conv(x)
        return self.fc(ops.flat(x, start=1))
"""}),
    image("abstract base in another file", """\
from base import Classifier


class Net(Classifier):
    def encode(self, x):
        return self.conv(x).relu()

    @property
    def width(self):
        return 4
""", files={"base.py": "import abc\n\n" + HEAD + """\
class Classifier(nn.Module, abc.ABC):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, self.width, 3, padding=1)
        self.head = nn.Linear(self.width * 64, 2)

    @property
    @abc.abstractmethod
    def width(self) -> int: ...

    @abc.abstractmethod
    def encode(self, x: torch.Tensor) -> torch.Tensor: ...

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        features = self.encode(x)
        flat = features.reshape(features.size(dim=0), -1)
        return self.head(flat)
"""}),
    image("module in functions in functions", """\
def build(width=4):
    def block(i, o):
        class Block(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv = nn.Conv2d(i, o, 3, padding=1)

            def forward(self, x):
                return self.conv(x).relu()

        return Block()

    def head():
        class Head(nn.Module):
            def __init__(self):
                super().__init__()
                self.fc = nn.Linear(width * 64, 2)

            def forward(self, x):
                return self.fc(x.flatten(start_dim=1))

        return Head()

    return nn.Sequential(block(3, width), head())
""", target="build"),
    image("forward of helper methods", """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self._build_stem()
        self._build_head()

    def _build_stem(self):
        self.conv = nn.Conv2d(3, 4, 3, padding=1)

    def _build_head(self):
        self.fc = nn.Linear(4 * 8 * 8, 2)

    def _features(self, x):
        return F.relu(self.conv(x))

    def _flat(self, x):
        b, *rest = x.shape
        return x.reshape(b, -1)

    def _classify(self, x):
        return self.fc(self._flat(x))

    def forward(self, x):
        return self._classify(self._features(x))
"""),
    image("mixins with super().forward", """\
class Flat:
    def forward(self, x):
        return super().forward(x.view(x.shape[0], -1))


class Scores(nn.Linear):
    pass


class Head(Flat, Scores):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.head = nn.Conv2d(3, 4, 3, padding=1), Head(256, 2)

    def forward(self, x):
        return self.head(self.conv(x))
"""),
    image("setattr and getattr of several heads", """\
class Net(nn.Module):
    TASKS = ("age", "sex")

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        for task in self.TASKS:
            setattr(self, f"head_{task}", nn.Linear(256, 2))

    def forward(self, x):
        x = self.conv(x)
        out = {}
        for task in self.TASKS:
            out[task] = getattr(self, f"head_{task}")(torch.flatten(x, 1))
        return out
""", output=""),
    image("byte order mark, tabs and CRLF", """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)\t# 3 → 4
        self.fc = nn.Linear(256, 2)

    def forward(self, x):
        x = self.conv(x)
        x = x.view(x.size(0), -1)\t# "flat"
        return self.fc(x)
""", encoding="utf-8-sig", tabs=True, newline="\r\n"),
    image("decorators with arguments", """\
import functools


def checked(*, rank):
    def wrap(function):
        @functools.wraps(function)
        def inner(self, x, *more):
            assert x.ndim == rank, f"expected {rank} axes, got {x.ndim}"
            return function(self, x, *more)
        return inner
    return wrap


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.fc = nn.Linear(256, 2)

    @checked(rank=4)
    @torch.no_grad()
    def forward(self, x):
        return self.fc(self.conv(x).view(x.size(0), -1))
"""),
    image("overloads and annotations", """\
from typing import Final, overload


class Net(nn.Module):
    width: Final[int] = 256

    def __init__(self) -> None:
        super().__init__()
        self.conv: nn.Module = nn.Conv2d(3, 4, 3, padding=1)
        self.fc: nn.Linear = nn.Linear(self.width, 2)

    @overload
    def forward(self, x: torch.Tensor) -> torch.Tensor: ...
    @overload
    def forward(self, x: torch.Tensor, features: bool) -> "torch.Tensor": ...
    def forward(self, x: torch.Tensor, features: bool = False) -> "torch.Tensor":
        y: torch.Tensor = self.conv(x)
        if features:
            return y
        z: torch.Tensor = y.flatten(1)
        return self.fc(z)
"""),
    Case("U-Net in a package", "from unet import UNet as Net\n", "N 3 H W", "any H, W >= 4",
         SKIP, "N 1 H W", head="", files={
        "unet/__init__.py": "from unet.unet_model import UNet\n",
        "unet/unet_parts.py": HEAD + '''\
class DoubleConv(nn.Module):
    """(convolution => [BN] => ReLU) * 2"""

    def __init__(self, i, o):
        super().__init__()
        self.double_conv = nn.Sequential(nn.Conv2d(i, o, 3, padding=1), nn.ReLU(inplace=True))

    def forward(self, x):
        return self.double_conv(x)


class Down(nn.Module):
    """Downscaling with maxpool then double conv"""

    def __init__(self, i, o):
        super().__init__()
        self.maxpool_conv = nn.Sequential(nn.MaxPool2d(2), DoubleConv(i, o))

    def forward(self, x):
        return self.maxpool_conv(x)


class Up(nn.Module):
    """Upscaling then double conv"""

    def __init__(self, i, o):
        super().__init__()
        self.up = nn.ConvTranspose2d(i, i // 2, kernel_size=2, stride=2)
        self.conv = DoubleConv(i, o)

    def forward(self, x1, x2):
        x1 = self.up(x1)
        # input is CHW
        x = torch.cat([x2, x1], dim=1)
        return self.conv(x)
''',
        "unet/unet_model.py": '''\
""" Full assembly of the parts to form the complete network """

from .unet_parts import *


class UNet(nn.Module):
    def __init__(self, n_channels=3, n_classes=1):
        super(UNet, self).__init__()
        self.inc = (DoubleConv(n_channels, 4))
        self.down1 = (Down(4, 8))
        self.down2 = (Down(8, 16))
        self.up1 = (Up(16, 8))
        self.up2 = (Up(8, 4))
        self.outc = nn.Conv2d(4, n_classes, 1)

    def forward(self, x):
        x1 = self.inc(x)
        x2 = self.down1(x1)
        x3 = self.down2(x2)
        x = self.up1(x3, x2)
        x = self.up2(x, x1)
        return self.outc(x)
'''}),
]  # fmt: skip
