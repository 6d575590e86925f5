"""What a contract with bounds costs beside one without, on small nets: time and memory of a check.

``python -m benchmarks.bounded`` checks each net in a process of its own, forked after all imports
and one other check; it counts the processor time, and the peak memory above that of the imports.
The time of the search for fixes, which a broken contract comes with, stands apart.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

import archlint
from archlint.engine.pipeline import check_source
from archlint.engine.python_contracts import contract_of
from archlint.models.targets import from_instance
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


def cost(build: Callable[[], nn.Module], accepts: str) -> tuple[str, float, float, float]:
    """The verdict, the seconds of processor time without and with fixes, MB above the imports."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        model = build().eval()
        Path("/proc/self/clear_refs").write_text("5")  # the peak starts here
        before, start = _peak(), time.process_time()
        with from_instance(model) as source:
            check_source(contract_of(input="N 3 H W", accepts=accepts), source)
            alone = time.process_time() - start
        start = time.process_time()
        verdict = archlint.check(model, "N 3 H W", accepts=accepts)
        seconds, megabytes = time.process_time() - start, _peak() - before
        os.write(write, f"{verdict.word} {alone} {seconds} {megabytes}".encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as answer:
        word, alone, seconds, megabytes = answer.read().split()
    os.waitpid(pid, 0)
    return word, float(alone), float(seconds), float(megabytes)


def _peak() -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1000


def main() -> None:
    torch.set_num_threads(1)
    archlint.check(Convs().eval(), "N 3 H W", accepts="any H, W in 4..9", samples=1)  # imports
    rows, worst = [], (0.0, 0.0, 0.0)
    for name, build in NETS.items():
        row = [name]
        for accepts in (BOUNDED, FREE):
            word, alone, seconds, megabytes = cost(build, accepts)
            row += [word, f"{alone:.2f} s", f"{seconds:.2f} s", f"{megabytes:.0f} MB"]
            if accepts == BOUNDED:
                worst = max(worst[0], alone), max(worst[1], seconds), max(worst[2], megabytes)
        rows.append(row)
        print(" | ".join(row), flush=True)
    summary = [
        f"at most {worst[0]:.2f} s and {worst[2]:.0f} MB for the verdict on {BOUNDED!r}, with the "
        f"search for fixes of a broken one {worst[1]:.2f} s"
    ]
    header = ["net", "bounded", "verdict", "with fixes", "memory"]
    header += ["without bounds", *header[2:]]
    table.write("bounded", "python -m benchmarks.bounded", summary, header, rows)


if __name__ == "__main__":
    main()
