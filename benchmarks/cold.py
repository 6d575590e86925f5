"""A first `archlint check` of 25 torchvision models, beside importing torch and building them.

    python benchmarks/cold.py [--turns N]

Both in processor time of all their processes, which the load of the machine changes little. The
check has the default settings: nothing is cached, and the real models run at sample sizes.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from table import write

MODELS = (
    "alexnet", "convnext_tiny", "densenet121", "efficientnet_b0", "efficientnet_b1",
    "efficientnet_v2_s", "googlenet", "inception_v3", "mnasnet0_5", "mnasnet1_0", "mobilenet_v2",
    "mobilenet_v3_large", "mobilenet_v3_small", "regnet_x_400mf", "regnet_y_400mf", "resnet18",
    "resnet34", "resnet50", "resnext50_32x4d", "shufflenet_v2_x0_5", "shufflenet_v2_x1_0",
    "squeezenet1_0", "squeezenet1_1", "vgg11", "vgg13",
)  # fmt: skip
BUILD = "import torch, torchvision.models as m\nfor n in {}: getattr(m, n)({})"


def rules() -> str:
    lines = ["archlint: 1", "models:", *(f"  {m}: torchvision:{m}" for m in MODELS), "contracts:"]
    for model in MODELS:
        least = 75 if model == "inception_v3" else 63 if model == "alexnet" else 32
        lines += [
            f"  - id: {model.replace('_', '-')}", f"    models: {model}", "    input: N 3 H W",
            f"    accepts: any N >= 1 and H, W >= {least}", "    output: N 1000",
        ]  # fmt: skip
    return "\n".join([*lines, ""])


def used(command: list[str], folder: Path) -> float:
    """Processor seconds of a command and all that it started."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--turns", type=int, default=3)
    turns = parser.parse_args().turns
    plain = ", ".join(f"{m!r}" for m in MODELS)
    commands = {
        "import torch and torchvision": [sys.executable, "-c", BUILD.format("()", "")],
        "import and build": [sys.executable, "-c", BUILD.format(f"({plain})", "")],
        "check": [sys.executable, "-m", "archlint", "check", "--no-cache", "-q"],
        "check --no-sample": [
            sys.executable, "-m", "archlint", "check", "--no-cache", "-q", "--no-sample",
        ],
    }  # fmt: skip
    best: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "pyproject.toml").touch()
        (folder / "archlint.yaml").write_text(rules())
        for _ in range(turns):
            for what, command in commands.items():
                seconds = used(command, folder)
                best[what] = min(best.get(what, seconds), seconds)
                print(f"{what}: {seconds:.1f} s", flush=True)
    share = best["check"] / best["import and build"]
    summary = [
        f"a cold check takes {share:.2f} of the processor time of importing torch and building "
        f"the {len(MODELS)} models (the least of {turns} turns, load {os.getloadavg()[0]:.1f})"
    ]
    print(*summary)
    rows = [(what, f"{seconds:.1f} s") for what, seconds in best.items()]
    write("cold", "python benchmarks/cold.py", summary, ("what", "processor time"), rows)


if __name__ == "__main__":
    main()
