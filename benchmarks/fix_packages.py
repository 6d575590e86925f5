"""Broken models spread over packages, base classes, helpers and computed names."""

from __future__ import annotations

from benchmarks.fix_case import HEAD, POOL, SKIP, Case, image

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
    image("lambdas kept as attributes", """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 4, 3, padding=1), nn.Linear(256, 2)
        self.steps = [self.conv, lambda t: t.relu(), lambda t: t.view(t.size(0), -1), self.fc]

    def forward(self, x):
        for step in self.steps: x = step(x)
        return x
"""),
    image("functools.reduce and partial", """\
from functools import partial, reduce

flat = partial(torch.flatten, start_dim=1)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 4, 3, padding=1), nn.Linear(256, 2)

    def forward(self, x):
        return reduce(lambda y, f: f(y), [self.conv, flat, self.fc], x)
""", POOL + "|resize the input to 8 x 8"),
    image("match on a string", """\
class Net(nn.Module):
    def __init__(self, head="linear"):
        super().__init__()
        self.kind = head
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        match head:
            case "linear":
                self.fc = nn.Linear(256, 2)
            case "mean" | "max":
                self.fc = nn.Linear(4, 2)

    def forward(self, x):
        x = self.conv(x)
        match self.kind:
            case "linear": return self.fc(x.flatten(1))
            case "mean": return self.fc(x.mean((2, 3)))
            case _: return self.fc(x.amax((2, 3)))
"""),
    image("walrus in an argument", """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 4, 3, padding=1), nn.Linear(256, 2)

    def forward(self, x):
        return self.fc((y := self.conv(x)).view(y.size(0), y[0].numel()))
"""),
    image("quotes in f-strings", """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 4, 3, padding=1), nn.Linear(256, 2)
        self.names = {"a": "x.flatten(1)"}

    def forward(self, x):
        assert x.ndim == 4, f"{self.names['a']!r} wants 4 axes, {x.ndim=} 'x.flatten(1)'"
        x = self.conv(x); x = x.flatten(1)  # "x.flatten(1)"
        return self.fc(x)
"""),
    image("wrapped as black does", """\
class Net(nn.Module):
    def __init__(
        self,
        num_classes: int = 2,
    ) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(
                3,
                4,
                kernel_size=3,
                padding=1,
            ),
            nn.ReLU(),
        )
        self.classifier = nn.Linear(
            256,
            num_classes,
        )

    def forward(
        self,
        x: torch.Tensor,
    ) -> torch.Tensor:
        return self.classifier(
            torch.flatten(
                self.features(
                    x,
                ),
                start_dim=1,
                end_dim=-1,
            ),
        )
"""),
    image("backslashes and comments between", """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 4, 3, padding=1), nn.Linear(256, 2)

    def forward(self, x):
        y = \\
            self.conv(x)
        # now the head

        y = y \\
            .relu() \\
            .reshape(-1, 4 * 8 * 8)     # 256
        return \\
            self.fc(y)
"""),
    image("hydra-like instantiate", """\
import importlib

CONFIG = {
    "conv": {"_target_": "torch.nn.Conv2d", "in_channels": 3, "out_channels": 4,
             "kernel_size": 3, "padding": 1},
    "flat": {"_target_": "torch.nn.Flatten"},
    "fc": {"_target_": "torch.nn.Linear", "in_features": 256, "out_features": 2},
}


def instantiate(_target_, **kwargs):
    module, _, name = _target_.rpartition(".")
    return getattr(importlib.import_module(module), name)(**kwargs)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleDict({k: instantiate(**v) for k, v in CONFIG.items()})

    def forward(self, x):
        for layer in self.layers.values():
            x = layer(x)
        return x
""", diff=False),
    image("__call__ and slots of a helper", """\
class Flat:
    __slots__ = ("axis",)

    def __init__(self, axis=1):
        self.axis = axis

    def __call__(self, tensor):
        return tensor.flatten(self.axis)


class Net(nn.Module):
    flat = Flat()

    def __init__(self):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 4, 3, padding=1), nn.Linear(256, 2)

    def forward(self, x):
        return self.fc(self.flat(self.conv(x)))
"""),
    image("generator of features", """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.convs = nn.ModuleList([nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 4, 1)])
        self.fc = nn.Linear(256, 2)

    def walk(self, x):
        for conv in self.convs:
            x = conv(x)
            yield x

    def forward(self, x):
        *_, last = self.walk(x)
        return self.fc(last.view(last.size(0), -1))
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
