"""Files as editors and tools leave them, classes made at run time, and nested outputs."""

from __future__ import annotations

from tests.support.fix_models.case import HEAD, POOL, SKIP, Case, image

RESIZE = "resize the input to 8 x 8"
NET = """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.fc = nn.Linear(256, 2)

    def forward(self, x):
        x = self.conv(x)
        x = torch.flatten(x, 1)
        return self.fc(x)
"""
DECODER = """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.down = nn.Conv2d(3, 4, 3, padding=1)
        self.up = nn.ConvTranspose2d(4, 2, 2, stride=2)

    def forward(self, x):
        y = self.up(F.max_pool2d(self.down(x), 2))
"""

SOURCES = [
    image("byte order mark", NET, encoding="utf-8-sig"),
    image("mixed line endings", NET.replace("(x)\n", "(x)\r\n")),
    image("old Mac line endings", NET, newline="\r"),
    image("cp1252", "# -*- coding: cp1252 -*-\n" + HEAD + NET.replace(
        "(x, 1)", "(x, 1)  # größer als 8 × 8 – auch"), head="", encoding="cp1252"),
    image("class inside of a function", "def make(width=4):\n" + "".join(
        f"    {line}\n" if line else "\n" for line in NET.replace(
            "3, 4, 3", "3, width, 3").splitlines()) + "\n    return Net()\n", target="make"),
    image("class made by type()", """\
def init(self):
    nn.Module.__init__(self)
    self.conv, self.fc = nn.Conv2d(3, 4, 3, padding=1), nn.Linear(256, 2)


def forward(self, x):
    x = self.conv(x)
    return self.fc(x.view(len(x), -1))


Net = type("Net", (nn.Module,), {"__init__": init, "forward": forward})
"""),
    image("forward chosen in the constructor", """\
class Net(nn.Module):
    def __init__(self, fast=True):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 4, 3, padding=1), nn.Linear(256, 2)
        self.forward = self._fast if fast else self._slow

    def _fast(self, x):
        x = self.conv(x)
        x = x.flatten(1)
        return self.fc(x)

    def _slow(self, x):
        return self._fast(x + 0)
"""),
    image("dataclass module", """\
from dataclasses import dataclass


@dataclass(eq=False)
class Net(nn.Module):
    width: int = 4

    def __post_init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, self.width, 3, padding=1)
        self.fc = nn.Linear(self.width * 64, 2)

    def forward(self, x):
        return self.fc(self.conv(x).relu().flatten(start_dim=1))
"""),
    image("stacked heads of a comprehension", """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.heads = nn.ModuleList([nn.Linear(256, 2) for _ in range(3)])

    def forward(self, x):
        x = self.conv(x)
        return torch.stack([h(torch.flatten(x, 1)) for h in self.heads]).mean(0)
"""),
    image("helper that another contract pins", """\
def flat(x):
    return x.reshape(x.size(0), -1)


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3 * 16, 2)

    def forward(self, x):
        return self.fc(flat(x))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 4, 3, padding=1), nn.Linear(256, 2)

    def forward(self, x):
        return self.fc(flat(self.conv(x)))
""", f"{POOL}|{RESIZE}", others=(("Small", "N 3 H W", "any H == 4 and W == 4"),), diff=False),
    image("code without a file", "exec('''" + NET + "''')\n", RESIZE),
    image("call in a string and comments in a chain", """\
class Net(nn.Module):
    '''Flattens: x.view(x.size(0), -1); then x = torch.flatten(x, 1).'''

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.fc = nn.Linear(256, 2)

    def forward(self, x):
        'torch.flatten(x, 1)'
        x = (
            self.conv(x)  # x.flatten(1)
            .relu()
            # then flatten(1)
            .flatten(1)  # (N, 256)
        )
        return self.fc(x)
"""),
    image("decorator without wraps", """\
def timed(function):
    def inner(self, *args, **kwargs):
        return function(self, *args, **kwargs)
    return inner


""" + NET.replace("    def forward", "    @timed\n    def forward")),
    image("flatten in try and finally", NET.replace("""\
        x = torch.flatten(x, 1)
        return self.fc(x)
""", """\
        try:
            x = torch.flatten(x, 1)
            return self.fc(x)
        finally:
            self.calls = getattr(self, "calls", 0) + 1
""")),
    image("layers in a plain list", """\
class Net(nn.Module):
    def __init__(self, cfg=(8, "M", 4)):
        super().__init__()
        layers, c = [], 3
        for v in cfg:
            if v == "M":
                layers += [nn.MaxPool2d(kernel_size=2, stride=2)]
            else:
                layers += [nn.Conv2d(c, v, kernel_size=3, padding=1), nn.ReLU(inplace=True)]
                c = v
        layers += [nn.AvgPool2d(kernel_size=1, stride=1)]
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Linear(4 * 4 * 4, 2)

    def forward(self, x):
        out = self.features(x)
        out = out.view(out.size(0), -1)
        out = self.classifier(out)
        return out
""", r"AdaptiveAvgPool2d\(\(4, 4\)\) before the flatten"),
    image("LeNet", """\
class LeNet(nn.Module):
    def __init__(self):
        super(LeNet, self).__init__()
        self.conv1 = nn.Conv2d(3, 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1   = nn.Linear(16*5*5, 12)
        self.fc2   = nn.Linear(12, 2)

    def forward(self, x):
        out = F.relu(self.conv1(x))
        out = F.max_pool2d(out, 2)
        out = F.relu(self.conv2(out))
        out = F.max_pool2d(out, 2)
        out = out.view(out.size(0), -1)
        out = F.relu(self.fc1(out))
        out = self.fc2(out)
        return out
""", r"AdaptiveAvgPool2d\(\(5, 5\)\) before the flatten", target="LeNet",
          accepts="any H, W >= 32"),
    image("DQN", """\
class DQN(nn.Module):
    def __init__(self, in_channels=4, n_actions=2):
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv2d(in_channels, 4, kernel_size=8, stride=4), nn.ReLU(),
            nn.Conv2d(4, 4, kernel_size=4, stride=2), nn.ReLU(),
        )
        self.fc = nn.Sequential(nn.Linear(4 * 9 * 9, 8), nn.ReLU(), nn.Linear(8, n_actions))

    def forward(self, x):
        fx = x.float() / 256
        conv_out = self.conv(fx).view(fx.size()[0], -1)
        return self.fc(conv_out)
""", r"AdaptiveAvgPool2d\(\(9, 9\)\) before the flatten", target="DQN", input="N 4 H W",
          accepts="any H, W >= 84"),
    image("spatial transformer", """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 10, 5), nn.Conv2d(10, 20, 5)
        self.localization = nn.Sequential(
            nn.Conv2d(1, 8, 7), nn.MaxPool2d(2, stride=2), nn.ReLU(True),
            nn.Conv2d(8, 10, 5), nn.MaxPool2d(2, stride=2), nn.ReLU(True),
        )
        self.fc_loc = nn.Sequential(nn.Linear(10 * 3 * 3, 32), nn.ReLU(True), nn.Linear(32, 6))
        self.fc1, self.fc2 = nn.Linear(320, 50), nn.Linear(50, 2)

    def stn(self, x):
        xs = self.localization(x)
        xs = xs.view(-1, 10 * 3 * 3)
        theta = self.fc_loc(xs).view(-1, 2, 3)
        return F.grid_sample(x, F.affine_grid(theta, x.size()))

    def forward(self, x):
        x = self.stn(x)
        x = F.relu(F.max_pool2d(self.conv1(x), 2))
        x = F.relu(F.max_pool2d(self.conv2(x), 2))
        x = x.view(-1, 320)
        return self.fc2(F.relu(self.fc1(x)))
""", r"AdaptiveAvgPool2d\(\(3, 3\)\), AdaptiveAvgPool2d\(\(4, 4\)\) before the flatten",
          input="N 1 H W", accepts="any N >= 1 and H, W >= 28"),
]  # fmt: skip

OUTPUTS = [
    Case("named tuple of maps", "from typing import NamedTuple\n\n\nclass Out(NamedTuple):\n"
         "    mask: torch.Tensor\n    score: torch.Tensor\n\n\n" + DECODER
         + "        return Out(mask=y + x[:, :2], score=y.mean((1, 2, 3)))\n",
         "N 3 H W", "any H, W >= 2", SKIP),
]  # fmt: skip
