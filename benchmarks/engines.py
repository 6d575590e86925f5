"""Compares the shape rules with PyTorch's kernels: each model is traced again without rules.

    python benchmarks/engines.py [--only GLOB] [--every] [--points K] [--found FILE] [--jobs N]

For the first model of each family of torchvision and timm (``--every``: for all) the rules decide
what is accepted; then PyTorch's own meta kernels are asked at K sizes, of each path some, with the
rules turned off. Where they disagree, the real model runs at that size, and is right.

What is found goes to ``--found`` as JSON lines at once, and a model that is there already is not
asked again. ``benchmarks/results/engines.md`` is written when no ``--only`` narrows the sweep.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import atlas
import atlas_page as page
from table import write

from archlint.contracts.contract import Contract, ModelRef
from archlint.contracts.output_shape import at
from archlint.contracts.verdict import Verdict
from archlint.engine.exploration import Exploration, ExploredPath
from archlint.engine.infer.infer import infer_source
from archlint.engine.sampling.real_run import run_at
from archlint.engine.sampling.sizes import choose_sizes, moduli
from archlint.errors import ArchlintError
from archlint.models.targets import resolve
from archlint.runner.pool import run
from archlint.runtime.effort_clock import now
from archlint.symbolic.formula import conj, holds, negate
from archlint.symbolic.intervals import Box
from archlint.symbolic.solver.solver import Solver, Unsolved
from archlint.tracing.model_tracer import ModelTracer
from archlint.tracing.trace import dims_of

POINTS = 6
SECONDS = 120.0  # for one model: half to decide, half for the kernels
LARGEST = 1 << 23  # of the product of a point's sizes, for the model to run at it


def decide(contract: Contract, ref: ModelRef, *, root: Path, samples: int | None = None) -> Verdict:
    """In a worker process: the sizes that were asked, and the disagreements, as JSON."""
    import torch

    torch.set_num_threads(1)
    deadline = now() + contract.budget.seconds
    half = replace(contract.budget, seconds=contract.budget.seconds / 2)
    try:
        with resolve(ref, root) as source:
            acceptance = infer_source(source, contract.input, contract.mode, half)
            found, input = acceptance.explored, acceptance.input
            asked = Contract("engines", input, contract.clause, budget=half)
            kernels = ModelTracer(asked, source, rules=False)
            agreed, silent, wrong = 0, [], []
            for point in points(found, samples or POINTS):
                if time.monotonic() > deadline:
                    silent.append("out of time")
                    break
                ours = said(found.path_at(point), point)
                trace = kernels.trace(
                    point, Box({n: (v, v) for n, v in point.items()}), symbolic=False
                )
                if ours is None or trace.outcome == "unknown":
                    silent.append("not decided" if ours is None else trace.error)
                    continue
                accepted = trace.outcome == "accepted"
                theirs = at(dims_of(trace.output), point) if accepted else trace.error
                if ours == (theirs if accepted else ""):
                    agreed += 1
                    continue
                real = None
                if product(point) <= LARGEST:
                    real = run_at(source.for_running(), input, point)
                wrong.append([point, ours, theirs, *judged(ours, theirs, accepted, real)])
    except ArchlintError as e:
        return Verdict("error", message=str(e))
    left: Counter[str] = Counter()
    for way in found.paths:
        left.update(way.trace.kernels)
    words = {"agreed": agreed, "silent": silent, "wrong": wrong, "kernels": left}
    return Verdict("tested", details={"found": json.dumps(words, default=str)})


def judged(ours: Any, theirs: Any, accepted: bool, real: Any) -> tuple[Any, str]:
    """What the real model did, and who is right by it: "rules", "kernels", "neither", "not run"."""
    if real is None or real.accepted is None:
        return (real.error if real else "too large"), "not run"
    truth = real.output if real.accepted else ""
    right = "rules" if ours == truth else "neither"
    if (theirs if accepted else "") == truth:
        right = "kernels"
    return real.output if real.accepted else real.error, right


def points(found: Exploration, count: int) -> list[dict[str, int]]:
    """Of each path a size that it accepts, then one that it refuses, then any of the region."""
    solver = Solver(found.names, found.box, now() + 5)
    solver.add(found.region)
    asked = [conj(w.known, w.accepted) for w in found.paths]
    asked += [conj(w.known, negate(w.accepted)) for w in found.paths]
    wanted = []
    for formula in islice(asked, count):
        try:
            point = solver.find(formula)
        except Unsolved:
            continue
        if point is not None:
            wanted.append(point)
    of: dict[str, set[int]] = {}
    for way in found.paths:
        for name, divisors in moduli(way.trace).items():
            of.setdefault(name, set()).update(divisors)
    return choose_sizes(found.names, found.region, found.box, of, count, points=wanted)


def said(way: ExploredPath | None, point: dict[str, int]) -> Any:
    """The output's sizes, empty for a refusal, ``None`` where nothing was decided."""
    if way is None:
        return None
    return at(dims_of(way.trace.output), point) if holds(way.accepted, point) else ""


def product(point: dict[str, int]) -> int:
    total = 1
    for size in point.values():
        total *= size
    return total


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", default="*", help="targets such as timm:resnet*")
    parser.add_argument("--every", action="store_true", help="every model, not one of each family")
    parser.add_argument("--points", type=int, default=POINTS)
    parser.add_argument("--found", type=Path, default=Path("build/engines.jsonl"))
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    targets = chosen(options.only, options.every)
    found = atlas.known(options.found)
    todo = [t for t in targets if t not in found]
    jobs = [replace(atlas.job(t, SECONDS), samples=options.points) for t in todo]
    for index, verdict in run(jobs, options.jobs, check="engines:decide"):
        record = {"model": todo[index], **json.loads(verdict.details.get("found", "{}"))}
        if len(record) == 1:
            record |= {"agreed": 0, "silent": [verdict.message], "wrong": [], "kernels": {}}
        found[todo[index]] = record
        atlas.keep(options.found, record)
        print(*row(record), *record["wrong"], sep="  ", flush=True)
    records = [found[t] for t in targets]
    summary = summed(records)
    print(*summary, sep="\n")
    if options.only == "*":
        head = ("model", "agree", "one is silent", "differ", "left to kernels by the rules")
        write("engines", "python benchmarks/engines.py", summary, head, [*map(row, records)])
    return int(any(w[-1] in ("kernels", "neither") for r in records for w in r["wrong"]))


def chosen(only: str, every: bool) -> list[str]:
    """The targets to ask: the first of each module that defines models, unless ``every``."""
    from torchvision import models

    first: dict[str, str] = {}
    for target, family in page.families().items():
        library, _, name = target.partition(":")
        if library == "torchvision":
            family = models.get_model_builder(name).__module__
        if fnmatch.fnmatch(target, only):
            first.setdefault(target if every else family, target)
    return list(first.values())


def row(record: Mapping[str, Any]) -> tuple[str, ...]:
    """One line of the table: counts, and in words what differs and what is left to kernels."""
    silent = Counter(str(s).splitlines()[0][:100] for s in record["silent"])
    wrong = Counter(
        f"{w[-1]}: {w[1] or 'refuses'} / {w[2]} / {w[3]}"[:240] for w in record["wrong"]
    )
    left = record["kernels"]
    return (
        record["model"],
        str(record["agreed"]),
        "; ".join(f"{n} {s}" for s, n in silent.items()),
        "; ".join(f"{n} {s}" for s, n in wrong.items()),
        ", ".join(f"{k.rpartition('.')[2]} {n}" for k, n in left.items()),
    )


def summed(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """What the records come to: sizes, who is right where they differ, operators without a rule."""
    right = Counter(w[-1] for r in records for w in r["wrong"])
    agreed = sum(r["agreed"] for r in records)
    none = sum(not r["agreed"] and not r["wrong"] for r in records)
    models: Counter[str] = Counter()
    calls: Counter[str] = Counter()
    for record in records:
        models.update(set(record["kernels"]))
        calls.update(record["kernels"])
    left = ", ".join(f"`{k}` {calls[k]} in {n}" for k, n in models.most_common())
    return [
        f"{len(records)} models, {agreed} sizes at which both engines agree, "
        f"{sum(len(r['silent']) for r in records)} of which one says nothing; "
        f"{none} models without a size that could be compared",
        f"{right.total()} sizes at which they differ; the real model says that the rules are right "
        f"{right['rules']} times, the kernels {right['kernels']}, neither {right['neither']}; "
        f"{right['not run']} were not run",
        f"calls that no rule answered, and in how many models: {left or 'none'}",
    ]


if __name__ == "__main__":
    sys.exit(main())
