"""The two engines against each other: what the shape rules decided, traced again by kernels alone.

    python benchmarks/engines.py [--only GLOB] [--every] [--points K] [--jobs N]

For the first model of each family of torchvision and timm (``--every``: for all) the rules decide
what is accepted; then PyTorch's own meta kernels are asked at K sizes, of each path some, with the
rules turned off. Where they disagree, the real model runs at that size, and is right.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import sys
import time
from itertools import islice
from pathlib import Path
from typing import Any

import atlas
import atlas_page as page
from table import write

from archlint.bounds import Box
from archlint.contract import Contract, ModelRef
from archlint.errors import ArchlintError
from archlint.explore import Explored, Way
from archlint.formula import conj, holds, negate
from archlint.inference.infer import infer_source
from archlint.model.resolve import resolve
from archlint.outputshape import at
from archlint.sample.choose import choose_sizes
from archlint.sample.run import run_at
from archlint.solve import Solver, Unsolved
from archlint.subject import Subject
from archlint.trace.record import dims_of
from archlint.verdict import Verdict
from archlint.workers.pool import run

POINTS = 6
LARGEST = 1 << 23  # of the product of a point's sizes, for the model to run at it


def decide(contract: Contract, ref: ModelRef, *, root: Path, samples: int | None = None) -> Verdict:
    """In a worker process: the sizes that were asked, and the disagreements, as JSON."""
    import torch

    torch.set_num_threads(1)
    deadline = time.monotonic() + contract.budget.seconds / 2
    try:
        with resolve(ref, root) as source:
            acceptance = infer_source(source, contract.input, contract.mode, contract.budget)
            found, input = acceptance.explored, acceptance.input
            asked = Contract("engines", input, contract.promise, budget=contract.budget)
            kernels = Subject(asked, source, rules=False)
            agreed = unknown = 0
            wrong = []
            for point in points(found, contract.samples or POINTS):
                if time.monotonic() > deadline:
                    break
                ours = said(found.way_of(point), point)
                trace = kernels.trace(
                    point, Box({n: (v, v) for n, v in point.items()}), symbolic=False
                )
                if ours is None or trace.outcome == "unknown":
                    unknown += 1
                    continue
                accepted = trace.outcome == "accepted"
                theirs = at(dims_of(trace.output), point) if accepted else trace.error
                if ours == (theirs if accepted else ""):
                    agreed += 1
                    continue
                real = None
                if product(point) <= LARGEST:
                    real = run_at(source.for_running(), input, point)
                truth = "" if real is None else real.output if real.accepted else real.error
                wrong.append([point, ours, theirs, truth, real is not None and real.accepted])
    except ArchlintError as e:
        return Verdict("error", message=str(e))
    words = {"agreed": agreed, "unknown": unknown, "wrong": wrong}
    return Verdict("tested", details={"found": json.dumps(words, default=str)})


def points(found: Explored, count: int) -> list[dict[str, int]]:
    """Sizes that are accepted, sizes that are refused and, of those that are left, any."""
    chosen = choose_sizes(found.names, found.region, found.box, {}, count // 3)
    solver = Solver(found.names, found.box, time.monotonic() + 5)
    solver.add(found.region)
    asked = [conj(w.decided, w.accepted) for w in found.ways]
    asked += [conj(w.decided, negate(w.accepted)) for w in found.ways]
    for formula in islice(asked, count):
        try:
            point = solver.find(formula)
        except Unsolved:
            continue
        if point is not None and point not in chosen:
            chosen.append(point)
    return chosen[:count]


def said(way: Way | None, point: dict[str, int]) -> Any:
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
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    first: dict[str, str] = {}
    for target, family in page.families().items():
        if fnmatch.fnmatch(target, options.only):
            first[target if options.every or "timm" not in family else family] = target
    targets = list(first.values())
    start = time.monotonic()
    rows, agreed, unknown, ours, theirs, unclear = [], 0, 0, 0, 0, 0
    jobs = [atlas.job(t, 60.0) for t in targets]
    for index, verdict in run(jobs, options.jobs, decide="engines:decide"):
        found = json.loads(verdict.details.get("found", "{}"))
        if not found:
            rows.append((targets[index], "-", verdict.message[:160]))
            continue
        agreed += found["agreed"]
        unknown += found["unknown"]
        for point, rules, kernels, truth, ran in found["wrong"]:
            right = str(truth) if ran else ""
            word = "not run" if truth == "" else "rules" if str(rules) == right else "kernels"
            ours += word == "rules"
            theirs += word == "kernels"
            unclear += word == "not run"
            rows.append((targets[index], str(point), f"{rules} / {kernels} / {truth}"[:300]))
            print(*rows[-1], word, flush=True)
    said = [
        f"{len(targets)} models, {agreed} sizes at which both agree, {unknown} of which one says "
        f"nothing; where they differ, running says that the rules are right {ours} times, the "
        f"kernels {theirs} times; {unclear} were not run ({time.monotonic() - start:.0f} s)"
    ]
    print(*said)
    head = ("model", "sizes", "rules / kernels / the real model")
    write("engines", "python benchmarks/engines.py", said, head, rows)
    return int(bool(theirs))


if __name__ == "__main__":
    sys.exit(main())
