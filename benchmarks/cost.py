"""FLOPs and parameters by formula against ``FlopCounterMode`` on the real model, at five sizes.

    python benchmarks/cost.py [torchvision | timm] [--only GLOB] [--every N]

Each model is traced once on symbolic sizes; its formulas are evaluated at five sizes that it
accepts, with several batch sizes and sides, also odd ones, and compared with what
``FlopCounterMode`` counts while the model runs there on meta tensors. ``--every 5`` takes each
fifth model of timm.
"""

from __future__ import annotations

import argparse
import fnmatch
import multiprocessing
import time
import warnings
from dataclasses import replace
from typing import Any

import torch
from question import classifiers, contract, run_of, source
from table import write
from torch.utils.flop_counter import FlopCounterMode

from archlint.contracts.contract import SizeClause
from archlint.engine.cost.flops import flops
from archlint.engine.explore import explore_model
from archlint.models.targets import ModelSource
from archlint.tracing.model_tracer import ModelTracer

SIZES = 5
_ANY = SizeClause("any", True, "any size")
_SIDES = (
    (1, 224, 224), (2, 64, 96), (8, 384, 512), (3, 75, 101), (1, 299, 240), (2, 256, 256),
    (5, 225, 223), (3, 224, 224), (4, 224, 224), (7, 224, 224), (2, 240, 240), (1, 256, 256),
    (3, 448, 448), (2, 288, 288), (1, 512, 384), (6, 192, 192), (2, 336, 336), (1, 384, 384),
    (3, 256, 256), (4, 384, 384), (5, 256, 256), (2, 384, 384), (1, 299, 299), (2, 299, 299),
    (2, 224, 224), (5, 224, 224), (3, 299, 299), (4, 299, 299), (6, 384, 384), (7, 256, 256),
)  # fmt: skip


def measure(job: tuple[str, str]) -> dict[str, Any]:
    """One model: how many of five sizes agree, and the seconds of the trace and of the sum."""
    family, name = job
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    row: dict[str, Any] = {"name": name, "family": family, "equal": 0, "sizes": 0, "note": ""}
    try:
        found = source(name) if family == "torchvision" else timm_source(name)
        traced = ModelTracer(replace(contract(1), clause=_ANY, output=None), found)
        start = time.process_time()
        exploration = explore_model(run_of(traced))
        row["trace"] = time.process_time() - start
        start = time.process_time()
        counted = {id(p): flops(p.trace) for p in exploration.accepting}
        row["count"] = time.process_time() - start
        model = found.for_running("eval").to("meta")
        for batch, height, width in (*_SIDES, *own_sizes(model)):
            point = {"N": batch, "H": height, "W": width}
            point = {n: point[n] for n in exploration.names}
            path = exploration.path_at(point) if row["sizes"] < SIZES else None
            if path is None or exploration.accepts(point) is not True:
                continue
            row["sizes"] += 1
            expected = real(model, batch, height, width)
            got = counted[id(path)].total.at(point)
            row["equal"] += got == expected
            if got != expected:
                row["note"] = f"{point}: {got}, expected {expected}"
            if counted[id(path)].uncounted:
                row["note"] += f"; {counted[id(path)].uncounted[0]}"
    except Exception as e:
        row["note"] = f"{type(e).__name__}: {e}"[:120]
    return row


def own_sizes(model: torch.nn.Module) -> list[tuple[int, int, int]]:
    """Batches of the size that a model of timm is made for."""
    config = getattr(model, "default_cfg", None) or {}
    _, height, width = config.get("input_size", (3, 224, 224))
    return [(batch, height, width) for batch in range(1, 9)]


def real(model: torch.nn.Module, batch: int, height: int, width: int) -> int:
    """What ``FlopCounterMode`` counts at one size."""
    image = torch.empty(batch, 3, height, width, device="meta")
    with FlopCounterMode(display=False) as mode, torch.enable_grad():
        model(image)
    return int(mode.get_total_flops())


def timm_source(name: str) -> ModelSource:
    """A model of timm as archlint finds it, with random weights."""
    import timm

    return ModelSource(name, lambda: timm.create_model(name, pretrained=False).eval())


def timm_names(every: int) -> list[str]:
    """Each so many-th of timm's models, and no larger than a workstation holds."""
    import timm

    huge = ("*giant*", "*huge*", "*enormous*", "*7b*", "*_xxlarge*", "*_so400m*", "*_g_*")
    names = (n for n in timm.list_models() if not any(fnmatch.fnmatch(n, h) for h in huge))
    return list(names)[::every]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("family", nargs="?", choices=("torchvision", "timm"), default="torchvision")
    parser.add_argument("--only", default="*")
    parser.add_argument("--every", type=int, default=5)
    args = parser.parse_args()
    names = classifiers() if args.family == "torchvision" else timm_names(args.every)
    jobs = [(args.family, n) for n in names if fnmatch.fnmatch(n, args.only)]
    rows = []
    with multiprocessing.get_context("fork").Pool(1, maxtasksperchild=4) as pool:
        for row in pool.imap(measure, jobs):
            rows.append(row)
            print(row["name"], f"{row['equal']} of {row['sizes']}", row["note"], flush=True)
    equal = sum(r["sizes"] > 0 and r["equal"] == r["sizes"] for r in rows)
    timed = [r for r in rows if "count" in r]
    share = sum(r["count"] for r in timed) / max(sum(r["trace"] for r in timed), 1e-9)
    summary = [
        f"{equal} of {len(rows)} models: equal at every size that was run",
        f"adding up takes {100 * share:.1f} % of the time of the traces",
    ]
    print(*summary, sep="\n")
    if args.only == "*":
        every = f" --every {args.every}" if args.family == "timm" else ""
        write(
            f"cost_{args.family}",
            f"python benchmarks/cost.py {args.family}{every}",
            summary,
            ("model", "equal", "note"),
            [(r["name"], f"{r['equal']} of {r['sizes']}", r["note"]) for r in rows],
        )


if __name__ == "__main__":
    main()
