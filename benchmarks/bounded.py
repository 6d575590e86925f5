"""What a contract with bounds costs beside one without, on small nets: time and memory of a check.

``python -m benchmarks.bounded`` checks each net in a process of its own, forked after all imports
and one other check; it counts the processor time, and the peak memory above that of the imports.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

import archlint
from benchmarks import table
from benchmarks.deployment_nets import TOYS

BOUNDED = "any N in 1..64 and H, W in 63..1024"
FREE = "any H, W >= 63"


class Convs(nn.Sequential):
    """Two convolutions and a head, for images of any size."""

    def __init__(self) -> None:
        super().__init__(
            nn.Conv2d(3, 16, 3, 2, 1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3, padding=1),
            nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10),
        )  # fmt: skip


NETS: dict[str, Callable[[], nn.Module]] = {"convs": Convs, **TOYS}


def cost(build: Callable[[], nn.Module], accepts: str) -> tuple[str, float, float]:
    """The verdict, the seconds of processor time, and MB above the imports."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        model = build().eval()
        Path("/proc/self/clear_refs").write_text("5")  # the peak starts here
        before, start = _peak(), time.process_time()
        verdict = archlint.check(model, "N 3 H W", accepts=accepts)
        seconds, megabytes = time.process_time() - start, _peak() - before
        os.write(write, f"{verdict.word} {seconds} {megabytes}".encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as answer:
        word, seconds, megabytes = answer.read().split()
    os.waitpid(pid, 0)
    return word, float(seconds), float(megabytes)


def _peak() -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1000


def main() -> None:
    torch.set_num_threads(1)
    archlint.check(Convs().eval(), "N 3 H W", accepts="any H, W in 4..9", samples=1)  # imports
    rows, worst = [], (0.0, 0.0)
    for name, build in NETS.items():
        row = [name]
        for accepts in (BOUNDED, FREE):
            word, seconds, megabytes = cost(build, accepts)
            row += [word, f"{seconds:.2f} s", f"{megabytes:.0f} MB"]
            if accepts == BOUNDED:
                worst = max(worst[0], seconds), max(worst[1], megabytes)
        rows.append(row)
        print(" | ".join(row), flush=True)
    summary = [f"at most {worst[0]:.2f} s and {worst[1]:.0f} MB for {BOUNDED!r}"]
    header = ["net", "bounded", "time", "memory", "without bounds", "time", "memory"]
    table.write("bounded", "python -m benchmarks.bounded", summary, header, rows)


if __name__ == "__main__":
    main()
