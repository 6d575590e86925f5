"""What torchvision declares as the smallest input of its classifiers, beside what is proved.

    python benchmarks/min_size.py [--only GLOB] [--seconds S] > docs/min-size.md

``min_size`` is read from the default weights' ``meta``, which is declared by hand; no weights are
downloaded.
"""

from __future__ import annotations

import argparse
import fnmatch
import sys
import time
import warnings
from pathlib import Path

import torch
import torchvision
from torchvision import models

import archlint
from archlint.contracts.contract import Budget, ModelRef
from archlint.engine.infer.infer import infer_source
from archlint.models.targets import resolve
from archlint.symbolic import symbol
from archlint.symbolic.formula import eq
from archlint.symbolic.solver.solver import Solver, Unsolved

HEAD = """\
# The smallest input of torchvision's classifiers

torchvision declares by hand a `min_size` in the `meta` of its weights: the smallest height and
width that a model accepts. This table compares it with the sets that archlint proves, in eval and
in train mode, for every classification model of torchvision {version}. A set is complete: all
other sizes are refused. In train mode the batch size N matters where a batch norm gets a single
value for each channel.

**{differ} of {declared}** declared sizes are not the smallest side H = W that is accepted in eval
mode (marked ✗). {open} of {all} sets could not be proved to be complete.

The declared size is that of the default weights; a vision transformer is built for the size that
its weights declare, as torchvision does when it loads them.

Made by `python benchmarks/min_size.py > docs/min-size.md`.

| model | declared | smallest | | accepted in eval mode | accepted in train mode |
|---|---|---|---|---|---|"""


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", default="*")
    parser.add_argument("--seconds", type=float, default=60.0, help="for one model and mode")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    rows = []
    counts = {"differ": 0, "declared": 0, "open": 0, "all": 0}
    for name in fnmatch.filter(models.list_models(module=models), options.only):
        declared = declared_size(name)
        found = {m: inferred(name, m, declared, options.seconds) for m in ("eval", "train")}
        counts["open"] += sum(not f.exact for f in found.values())
        counts["all"] += len(found)
        smallest = smallest_square(found["eval"])
        counts["declared"] += declared is not None
        mark = ""
        if declared is not None and smallest is not None:
            differs = declared != (smallest, smallest)
            counts["differ"] += differs
            mark = "✗" if differs else "✓"
        said = "" if declared is None else shown(declared)
        same = words(found["train"]) == words(found["eval"])
        train = "the same" if same else words(found["train"])
        rows.append(
            f"| {name} | {said} | {smallest or '?'} | {mark} | {words(found['eval'])} | {train} |"
        )
        print(rows[-1], file=sys.stderr, flush=True)
    print(HEAD.format(version=torchvision.__version__.split("+")[0], **counts))
    print("\n".join(rows))
    return 0


def declared_size(name: str) -> tuple[int, int] | None:
    """Height and width of ``meta["min_size"]``."""
    weights = models.get_model_weights(name)
    default = getattr(weights, "DEFAULT", None)
    size = default.meta.get("min_size") if default is not None else None
    return None if size is None else (int(size[0]), int(size[1]))


def inferred(
    name: str, mode: str, declared: tuple[int, int] | None, seconds: float
) -> archlint.Acceptance:
    """What the model accepts that the default weights belong to."""
    size = {"image_size": declared[0]} if name.startswith("vit_") and declared else {}
    target = f"torchvision:{name}"
    with resolve(ModelRef(target, target, kwargs=size), Path.cwd()) as source:
        return infer_source(source, [], mode, Budget(128, seconds))


def smallest_square(found: archlint.Acceptance) -> int | None:
    """The least s such that some N x 3 x s x s is accepted; ``None`` if that is not decided."""
    names = found.explored.names
    solver = Solver(names, found.explored.box, time.monotonic() + 20)
    solver.add(found.explored.accepted)
    solver.add(eq(symbol("H"), symbol("W")))
    try:
        point = solver.smallest()
    except Unsolved:
        return None
    return point["H"] if point and found.exact else None


def words(found: archlint.Acceptance) -> str:
    return f"`{found.text}`" + ("" if found.exact else " at least; not exact")


def shown(size: tuple[int, int]) -> str:
    return str(size[0]) if size[0] == size[1] else f"{size[0]} × {size[1]}"


if __name__ == "__main__":
    sys.exit(main())
