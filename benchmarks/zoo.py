"""Models of other libraries: what each accepts, and the real model run around the borders.

    python benchmarks/zoo.py [--only GLOB] [--seconds S]

GLOB is over "library/name". The libraries are transformers, smp (segmentation_models_pytorch),
monai, torchvision (detection, optical flow, quantizable) and sound. They are not needed by the
tests; what is not installed is left out. The table goes to results/zoo.md.
"""

from __future__ import annotations

import argparse
import fnmatch
import gc
import importlib.util
import re
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import zoo_images
import zoo_transformers
from real_runs import border_sizes, compared
from table import write
from torch import nn

from archlint.contracts.contract import Budget
from archlint.engine.infer.infer import infer_source
from archlint.errors import ArchlintError
from archlint.models.targets import ModelSource

LIBRARIES: dict[str, tuple[str, Callable[[], dict[str, Any]]]] = {
    "transformers": ("transformers", zoo_transformers.samples),
    "smp": ("segmentation_models_pytorch", zoo_images.smp_samples),
    "monai": ("monai", zoo_images.monai_samples),
    "torchvision": ("torchvision", zoo_images.torchvision_samples),
    "sound": ("torch", zoo_images.sound_samples),
}
POINTS = 24  # sizes at which each real model runs, at most
LONGEST = 160  # characters of a cell


@dataclass(frozen=True)
class Row:
    """One model: what was found, and how often running agreed."""

    name: str
    verdict: str  # "exact", "tested" or "failed"
    words: str
    why: str
    ran: int
    wrong: tuple[str, ...]
    seconds: float
    kernels: dict[str, int]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", default="*")
    parser.add_argument(
        "--seconds", type=float, default=60.0, help="for one model, and again to run it"
    )
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    rows = []
    for library, (package, samples) in LIBRARIES.items():
        if importlib.util.find_spec(package) is None:
            print(f"{package} is not installed", file=sys.stderr)
            continue
        for name, (build, words) in samples().items():
            full = f"{library}/{name}"
            if fnmatch.fnmatch(full, options.only):
                rows.append(examine(full, build, words, options.seconds))
                show(rows[-1])
                gc.collect()
    if options.only == "*":
        print(table(rows))
    return 1 if any(row.wrong or row.verdict == "failed" for row in rows) else 0


def examine(name: str, build: Callable[[], nn.Module], words: Any, seconds: float) -> Row:
    """Infer what the model accepts, then run it around the borders."""
    from archlint.engine.python_contracts import contract_of

    start = time.monotonic()
    given = contract_of(input=words, accepts="any size").input
    try:
        found = infer_source(ModelSource(name, build), given, "eval", Budget(128, seconds))
    except ArchlintError as e:
        return Row(name, "failed", "", str(e), 0, (), time.monotonic() - start, {})
    took = time.monotonic() - start
    sizes = border_sizes(found, POINTS)
    runs = compared(found, build(), sizes, seconds)
    kernels: Counter[str] = Counter()
    for way in found.explored.paths:
        kernels.update(way.trace.kernels)
        kernels.update({f"{op}: {how}": 1 for op, how in way.trace.faults.items()})
    verdict = "exact" if found.exact else "tested"
    why = "; ".join(found.reasons)
    return Row(name, verdict, found.text, why, runs.ran, tuple(runs.wrong), took, dict(kernels))


def show(row: Row) -> None:
    print(f"{row.verdict:7} {row.name:50} {row.seconds:6.1f} s  {row.ran:3} ran  {row.words[:90]}")
    for text in (row.why, *row.wrong):
        if text:
            print("       ", "WRONG " if text in row.wrong else "", text[:400])
    if row.kernels:
        print("        kernels:", ", ".join(f"{k} {n}" for k, n in row.kernels.items())[:600])
    sys.stdout.flush()


def table(rows: list[Row]) -> str:
    summary = []
    for library in LIBRARIES:
        mine = [r for r in rows if r.name.startswith(f"{library}/")]
        exact = sum(r.verdict == "exact" for r in mine)
        if mine:
            summary.append(f"{library}: {exact} of {len(mine)} exact ({exact / len(mine):.0%})")
    wrong = sum(len(r.wrong) for r in rows)
    summary.append(f"{wrong} wrong of {sum(r.ran for r in rows)} sizes at which real models ran")
    kernels: Counter[str] = Counter()
    for row in rows:
        kernels.update(dict.fromkeys(row.kernels, 1))
    most = ", ".join(f"{k} ({n})" for k, n in kernels.most_common(12))
    summary.append(f"operators without a shape rule, by models: {most or 'none'}")
    cells = [
        (r.name, r.verdict, short(r.words), short(r.why), str(r.ran), f"{r.seconds:.1f}")
        for r in rows
    ]
    header = ("model", "verdict", "accepts", "what is not proved", "sizes run", "s")
    return str(write("zoo", "python benchmarks/zoo.py", summary, header, cells))


def short(text: str) -> str:
    text = re.sub(r"\S*/site-packages/", "", text)  # where this machine has it
    return text if len(text) <= LONGEST else text[: LONGEST - 2] + " …"


if __name__ == "__main__":
    sys.exit(main())
