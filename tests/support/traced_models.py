"""Models of one function, and their traces on images."""

from __future__ import annotations

from torch import nn

from archlint.contracts.contract import TensorInput
from archlint.symbolic import symbol
from archlint.symbolic.intervals import Box
from archlint.tracing.tracer import trace

N, H, W = map(symbol, "NHW")
IMAGE = TensorInput((N, 3, H, W))
SIZES = {"N": 2, "H": 20, "W": 24}
BOX = Box(dict.fromkeys("NHW", (1, None)))


class Model(nn.Module):
    """A module whose forward is the function given."""

    def __init__(self, forward, **children):
        super().__init__()
        self.steps = forward
        for name, child in children.items():
            setattr(self, name, child)

    def forward(self, *args, **kwargs):
        return self.steps(self, *args, **kwargs)


def run(forward, input=IMAGE, sizes=SIZES, box=BOX, rules=True, **children):
    return trace(Model(forward, **children), input, sizes, box, rules=rules)
