"""Classifiers whose head fixes the size of the image, in many styles of source."""

from __future__ import annotations

from tests.support.fix_models.case import HEAD, POOL, Case, image


def net(forward: str, init: str = "", base: str = "nn.Module") -> str:
    """A class with a convolution, a linear layer for 4 x 8 x 8 features, and this ``forward``."""
    lines = [f"class Net({base}):", "    def __init__(self):", "        super().__init__()"]
    lines += ["        self.conv = nn.Conv2d(3, 4, 3, padding=1)"]
    lines += ["        self.fc = nn.Linear(4 * 8 * 8, 2)"]
    lines += [f"        {line}" for line in init.splitlines()]
    lines += ["", "    def forward(self, x):"]
    lines += [f"        {line}" if line else "" for line in forward.splitlines()]
    return "\n".join(lines) + "\n"


FLATTENS = {
    "view": "x = self.conv(x)\nx = x.view(x.size(0), -1)\nreturn self.fc(x)",
    "batch of -1": "return self.fc(self.conv(x).view(-1, 256))",
    "product": "x = F.relu(self.conv(x))\nx = x.view(-1, 4 * 8 * 8)\nreturn self.fc(x)",
    "len": "x = self.conv(x)\nreturn self.fc(x.reshape(len(x), -1))",
    "number": "y = self.conv(x)\nreturn self.fc(y.view(y.size(0), 256))",
    "keywords": "return self.fc(torch.flatten(input=self.conv(x), start_dim=1))",
    "two steps": "return self.fc(self.conv(x).flatten(2).flatten(1))",
    "names": "x = self.conv(x)\nb, c, h, w = x.shape\nreturn self.fc(x.view(b, c * h * w))",
    "one line": "x = self.conv(x); x = x.flatten(1); return self.fc(x)",
    "several lines": "x = self.conv(x)\nx = torch.flatten(\n    x,\n    1,\n)\nreturn self.fc(x)",
    "nested function": "def flat(y):\n    return y.flatten(1)\n\n"
                       "return self.fc(flat(self.conv(x)))",
    "lambda": "flat = lambda y: y.reshape(y.shape[0], -1)  # noqa: E731\n"
              "return self.fc(flat(self.conv(x)))",
    "else": "x = self.conv(x)\nif x.ndim == 2:\n    return self.fc(x)\n"
            "else: return self.fc(x.flatten(1))",
    "match": "match x.ndim:\n    case 4:\n        return self.fc(self.conv(x).flatten(1))\n"
             "    case _:\n        raise ValueError('expected images')",
    "with": "with torch.autocast('cpu', enabled=False):\n    x = self.conv(x)\n"
            "    return self.fc(x.flatten(1))",
    "augmented": "out = self.fc.bias\n"
                 "out = out + F.linear(self.conv(x).flatten(1), self.fc.weight)\nreturn out",
    "chain": "return self.fc(\n    self.conv(x)\n    .relu()\n    .flatten(start_dim=1)\n)",
}  # fmt: skip

DECORATED = """import functools
import torch
from torch import nn


def logged(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


"""

HEADS = [
    image("CRLF", net(FLATTENS["view"]), newline="\r\n"),
    image("tabs", net(FLATTENS["len"]), tabs=True),
    image("latin-1", '# coding: latin-1\n"""Größe"""\n' + HEAD + net(
        "x = self.conv(x)  # für alle Größen\nx = x.view(x.size(0), -1)\nreturn self.fc(x)"),
        head="", encoding="latin-1"),
    image("wide characters", '"""模型 → 池化"""\n' + HEAD + net(
        "größe = self.conv(x)  # 特征\nreturn self.fc(größe.flatten(1))"), head=""),
    image("form feeds", "\x0c\nclass Other(nn.Module):\n    def forward(self, x):\n"
          "        return x.flatten(1)\n\n\x0c\n" + net(FLATTENS["batch of -1"])),
    image("no final newline", net("x = self.conv(x)\nreturn self.fc(x.flatten(1))").rstrip()),
    image("decorated forward", DECORATED + net(
        "x = self.conv(x)\nreturn self.fc(x.view(x.size(0), -1))").replace(
        "    def forward", "    @logged\n    def forward"), head=""),
    image("private names", net(FLATTENS["view"]).replace("self.conv", "self.__conv")),
    image("docstrings and types", '"""Nets."""\nfrom __future__ import annotations\n\n'
          "import torch\nfrom torch import Tensor, nn\n\n\n" + net(
        '"""Return scores."""\nfeatures: Tensor = self.conv(x)\n'
        "return self.fc(features.flatten(1))").replace("self, x)", "self, x: Tensor) -> Tensor"),
        head=""),
    image("from imports", "from torch.nn import Conv2d, Flatten, Linear, Module, Sequential\n\n\n"
          "def make():\n    return Sequential(Conv2d(3, 4, 3, padding=1), Flatten(), "
          "Linear(256, 2))\n", head="", target="make"),
    image("renamed imports", "import torch as t\nimport torch.nn as tnn\n\n\n" + net(
        "return self.fc(t.flatten(self.conv(x), 1))").replace("nn.", "tnn."), head=""),
    image("sequential of a loop", """\
class Net(nn.Module):
    def __init__(self, widths=(8, 4)):
        super().__init__()
        layers, last = [], 3
        for width in widths:
            layers += [nn.Conv2d(last, width, 3, padding=1), nn.ReLU()]
            last = width
        layers += [nn.Flatten(), nn.Linear(last * 64, 2)]
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        return self.layers(x)
"""),
    image("factory with a table of layers", """\
LAYERS = {
    "conv": lambda: nn.Conv2d(3, 4, 3, padding=1),
    "act": nn.ReLU,
}


def make(names=("conv", "act")):
    net = nn.Sequential()
    for name in names:
        net.add_module(name, LAYERS[name]())
    net.add_module("flat", nn.Flatten())
    net.add_module("head", nn.Linear(256, 2))
    return net
""", target="make"),
    image("inherited forward", """\
class Base(nn.Module):
    width = 4

    def __init__(self):
        super().__init__()
        self.features = self.make_features()
        self.fc = nn.Linear(self.width * 64, 2)

    def make_features(self):
        raise NotImplementedError

    def forward(self, x):
        x = self.features(x)
        return self.fc(torch.flatten(x, 1))


class Net(Base):
    def make_features(self):
        return nn.Sequential(nn.Conv2d(3, self.width, 3, padding=1), nn.ReLU())
"""),
    image("mixin", """\
class FlatHead:
    def classify(self, features):
        return self.fc(features.reshape(features.shape[0], -1))


""" + net("return self.classify(self.conv(x))", base="FlatHead, nn.Module")),
    image("two classes share a helper module", """\
class Flat(nn.Module):
    def forward(self, x):
        return x.view(x.size(0), -1)


class Other(nn.Module):
    def __init__(self):
        super().__init__()
        self.pool, self.flat = nn.AdaptiveAvgPool2d(8), Flat()

    def forward(self, x):
        return self.flat(self.pool(x))


""" + net("return self.fc(self.flat(self.conv(x)))", "self.flat = Flat()"),
          others=(("Other", "N 3 H W", "any H, W >= 1"),)),
    image("heads of a comprehension", """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.heads = nn.ModuleList(nn.Linear(256, 2) for _ in range(3))

    def forward(self, x):
        x = self.conv(x)
        return sum(head(x.flatten(1)) for head in self.heads)
"""),
    image("two heads", net(
        "x = self.conv(x)\none = self.fc(x.flatten(1))\n"
        "other = self.other(x.view(x.size(0), -1))\nreturn one + other",
        "self.other = nn.Linear(256, 2)")),
    image("two heads in one statement", net(
        "x = self.conv(x)\nreturn self.fc(x.flatten(1)) + self.other(x.flatten(1))",
        "self.other = nn.Linear(256, 2)")),
    image("head class used twice", """\
class Head(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.fc = nn.Linear(256, classes)

    def forward(self, x):
        return self.fc(x.flatten(1))


""" + net("x = self.conv(x)\nreturn self.one(x) + self.two(x)",
          "self.one, self.two = Head(2), Head(2)")),
    image("another file",
          "from blocks import flat\n\n\n" + net("return self.fc(flat(self.conv(x)))"),
          files={"blocks.py": "def flat(x):\n    return x.flatten(1)\n"},
          head=HEAD.rstrip() + "\n"),
    image("method with arguments", net(
        "return self.head(self.conv(x), start=1)").replace(
        "    def forward", "    def head(self, y, *, start):\n"
        "        return self.fc(y.flatten(start))\n\n    def forward")),
    Case("sound", """\
def make():
    return nn.Sequential(
        nn.Conv1d(1, 4, 9, stride=4, padding=4),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(4 * 100, 2),
    )
""", "N 1 T", "any T >= 16", r"AdaptiveAvgPool1d\(100\) before the flatten", "N 2", "make"),
    Case("video", """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv3d(3, 2, 3, padding=1)
        self.fc = nn.Linear(2 * 4 * 4 * 4, 2)

    def forward(self, clip):
        clip = self.conv(clip)
        return self.fc(clip.flatten(1))
""", "N 3 T H W", "any T, H, W >= 4", r"AdaptiveAvgPool3d\(\(4, 4, 4\)\) before the flatten",
         "N 2"),
    Case("pair of images", """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.fc = nn.Linear(512, 2)

    def embed(self, x):
        return self.conv(x).flatten(1)

    def forward(self, a, b):
        return self.fc(torch.cat([self.embed(a), self.embed(b)], 1))
""", "{a: N 3 H W, b: N 3 H W}", "any H, W >= 8", POOL, "N 2"),
]  # fmt: skip
HEADS += [image(f"flatten: {name}", net(forward)) for name, forward in FLATTENS.items()]
