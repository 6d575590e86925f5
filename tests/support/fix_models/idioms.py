"""Broken models with lambdas, partial functions, generators, `match` and wrapped expressions."""

from __future__ import annotations

from tests.support.fix_models.case import POOL, image

IDIOMS = [
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
]  # fmt: skip
