"""Peak memory of a check without sampling, against importing torch and building the model.

    python benchmarks/memory.py

Each figure is the largest resident size of a process of its own. (A RegNet computes its widths
with tensors and cannot be built on meta: it is held against the imports alone.)
"""

from __future__ import annotations

import contextlib
import resource
import subprocess
import sys
import warnings
from pathlib import Path

from table import write

_MODELS = ("resnet18", "resnet50", "densenet121", "swin_t", "vgg16", "vit_h_14", "regnet_y_128gf")


def built(name: str) -> None:
    """What any tool needs: torch, torchvision and the model without its weights."""
    import torch
    import torchvision

    with torch.device("meta"), contextlib.suppress(NotImplementedError):
        torchvision.models.get_model(name, weights=None)  # a RegNet cannot be built there


def checked(name: str) -> None:
    """The question of the benchmarks, decided without running the model."""
    from question import contract, least, source

    from archlint.engine.pipeline import check_source

    verdict = check_source(contract(least(name)), source(name), samples=0)
    print(verdict.word, end=" ")


def peak(what: str, name: str) -> tuple[float, str]:
    """Peak resident MiB of a fresh process, and what it printed."""
    command = [sys.executable, "-W", "ignore", str(Path(__file__)), what, name]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    *said, kib = done.stdout.split()
    return int(kib) / 1024, " ".join(said)


def main() -> None:
    if len(sys.argv) == 3:
        warnings.simplefilter("ignore")
        {"built": built, "checked": checked}[sys.argv[1]](sys.argv[2])
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
        return
    rows = []
    ratios = []
    for name in _MODELS:
        base, _ = peak("built", name)
        check, word = peak("checked", name)
        ratios.append(check / base)
        rows.append((name, f"{base:.0f} MiB", f"{check:.0f} MiB", f"{ratios[-1]:.2f}", word))
        print("  ".join(rows[-1]), flush=True)
    summary = [f"a check peaks at {max(ratios):.2f} times the memory of building on meta, at most"]
    print(*summary)
    write(
        "memory",
        "python benchmarks/memory.py",
        summary,
        ("model", "import, build on meta", "check", "ratio", "verdict"),
        rows,
    )


if __name__ == "__main__":
    main()
