"""The cost of a node does not grow with depth: plain residual stacks of 50, 200 and 800 blocks.

python benchmarks/depth.py
"""

from __future__ import annotations

from functools import partial

import torch
from question import contract, decide, median, seconds
from table import write
from torch import nn

from archlint.engine.question import Question
from archlint.models.targets import from_instance
from archlint.tracing.model_tracer import ModelTracer

_BLOCKS = (50, 200, 800)
_TURNS = 5


class Block(nn.Module):
    """Two convolutions and their input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = torch.relu(self.norm1(self.conv1(x)))
        return torch.relu(x + self.norm2(self.conv2(y)))


def stack(blocks: int) -> nn.Module:
    """A strided stem, ``blocks`` blocks, global pooling, a head."""
    return nn.Sequential(
        nn.Conv2d(3, 8, 7, stride=2, padding=3),
        nn.MaxPool2d(3, stride=2, padding=1),
        *(Block(8) for _ in range(blocks)),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, 1000),
    ).eval()


def main() -> None:
    import z3  # noqa: F401  (an import, which does not count)

    torch.set_num_threads(1)
    asked = contract(32)
    subjects = {n: ModelTracer(asked, from_instance(stack(n))) for n in _BLOCKS}
    nodes = {}
    for n, subject in subjects.items():
        box = Question.of(asked).box
        nodes[n] = len(subject.trace({"N": 2, "H": 224, "W": 256}, box).calls)
    times: dict[int, list[float]] = {n: [] for n in _BLOCKS}
    for _ in range(_TURNS):  # in turns, so that a busy machine is busy for all of them
        for n, subject in subjects.items():
            times[n].append(seconds(partial(decide, subject)))
    rows = []
    costs = []
    for n in _BLOCKS:
        total = median(times[n])
        costs.append(total / nodes[n])
        verdict = decide(subjects[n]).verdict
        rows.append(
            (str(n), str(nodes[n]), f"{total * 1e3:.1f} ms", f"{costs[-1] * 1e6:.1f} µs", verdict)
        )
        print("  ".join(rows[-1]))
    growth = costs[-1] / costs[0]
    summary = [f"a node of {_BLOCKS[-1]} blocks costs {growth:.2f} times one of {_BLOCKS[0]}"]
    print(*summary)
    write(
        "depth",
        "python benchmarks/depth.py",
        summary,
        ("blocks", "nodes", "check, warm", "for each node", "verdict"),
        rows,
    )


if __name__ == "__main__":
    main()
