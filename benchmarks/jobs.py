"""How a sweep scales with `--jobs`: 30 torchvision models, 20 contracts each.

    python benchmarks/jobs.py [--turns N]

`archlint check` runs as a user starts it, with one, then with two worker processes, in turns; wall
time, and the processor time of all its processes. The work is what is left when the start (the
interpreter, and torch in a worker) is taken off, which is measured by a sweep of one small model.
The models do not run (--no-sample): torch would use both processors for one job already.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from table import write

_MODELS = (
    "alexnet", "convnext_tiny", "densenet121", "densenet169", "efficientnet_b0", "efficientnet_b1",
    "efficientnet_b2", "efficientnet_v2_s", "googlenet", "inception_v3", "mnasnet0_5",
    "mnasnet1_0", "mobilenet_v2", "mobilenet_v3_large", "mobilenet_v3_small", "regnet_x_400mf",
    "regnet_x_800mf", "regnet_y_400mf", "regnet_y_800mf", "resnet101", "resnet18", "resnet34",
    "resnet50", "resnext50_32x4d", "shufflenet_v2_x0_5", "shufflenet_v2_x1_0", "squeezenet1_0",
    "squeezenet1_1", "vgg11", "vgg13",
)  # fmt: skip
_SIDES = range(75, 275, 10)


def rules(models: tuple[str, ...], sides: range) -> str:
    """A rule file with a contract for each least side, about all of the models."""
    lines = ["archlint: 1", "models:", *(f"  {m}: torchvision:{m}" for m in models), "contracts:"]
    for side in sides:
        lines += [
            f"  - id: from-{side}",
            f"    models: [{', '.join(models)}]",
            "    input: N 3 H W",
            f"    accepts: any N >= 1 and H, W >= {side}",
            "    output: N 1000",
        ]
    return "\n".join([*lines, ""])


def check(project: Path, jobs: int) -> tuple[float, float]:
    """Seconds of one sweep: on the wall, and of all its processors."""
    command = [
        sys.executable,
        "-m",
        "archlint",
        "check",
        "--no-cache",
        "--no-sample",
        "-q",
        "--jobs",
        str(jobs),
    ]
    used = _used()
    start = time.monotonic()
    subprocess.run(command, cwd=project, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - start, _used() - used


def _used() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--turns", type=int, default=3)
    turns = parser.parse_args().turns
    best: dict[tuple[str, int], tuple[float, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        projects = {
            "start": rules(("squeezenet1_1",), _SIDES[:1]),
            "sweep": rules(_MODELS, _SIDES),
        }
        for name, text in projects.items():
            (Path(folder) / name).mkdir()
            (Path(folder) / name / "pyproject.toml").write_text("")
            (Path(folder) / name / "archlint.yaml").write_text(text)
        for _ in range(turns):
            for name, jobs in (("start", 1), ("sweep", 1), ("sweep", 2)):
                found = check(Path(folder) / name, jobs)
                best[name, jobs] = min(best.get((name, jobs), found), found)
                print(
                    f"{name} --jobs {jobs}: {found[0]:.1f} s, processors {found[1]:.1f} s",
                    flush=True,
                )
    start = best["start", 1][0]
    one, two = best["sweep", 1], best["sweep", 2]
    work = [wall - start for wall, _ in (one, two)]
    summary = [
        f"{len(_MODELS)} models, {len(_SIDES)} contracts each; the least of {turns} turns on "
        f"{os.cpu_count()} processors, load {os.getloadavg()[1]:.1f} over the last five minutes",
        f"two jobs take {two[0] / one[0]:.2f} of the wall time of one",
        f"without the start ({start:.1f} s, torch above all): {work[1] / work[0]:.2f}",
        f"two jobs use {two[1] / one[1]:.2f} times the processor time of one",
    ]
    rows = [
        (
            str(jobs),
            f"{wall:.1f} s",
            f"{wall - start:.1f} s",
            f"{used:.1f} s",
            f"{one[0] / wall:.2f}",
        )
        for jobs, (wall, used) in ((1, one), (2, two))
    ]
    header = ("jobs", "wall time", "without the start", "processor time", "times as fast")
    write("jobs", "python benchmarks/jobs.py", summary, header, rows)
    print(*summary, sep="\n")


if __name__ == "__main__":
    main()
