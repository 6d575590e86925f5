"""What every model of torchvision and timm accepts: the atlas, in docs/atlas.md.

    python benchmarks/atlas.py [--only GLOB] [--found FILE] [--jobs N] [--check]

Each model is asked as ``archlint infer`` asks it, in eval mode, in a job of its own with a time
limit. What is found goes to ``--found`` as JSON lines at once, and a model that is there already is
not asked again: an interrupted sweep goes on where it was. At the end ``docs/atlas.md`` is written.

``--check`` writes no page: it sweeps and says which models' lines differ from the page (exit code
1 if any does), which makes the page a regression test. The seconds may differ.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import queue
import sys
import time
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import atlas_page as page

from archlint.contracts import output_shape as outputshape
from archlint.contracts.contract import Budget, Contract, ModelRef, SizeClause
from archlint.contracts.job import Job
from archlint.contracts.verdict import Proof, Verdict
from archlint.errors import ArchlintError
from archlint.runner.pool import run

CHUNK = 50  # models that one worker process takes before a new one: memory stays flat


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", default="*", help="targets such as timm:resnet*")
    parser.add_argument("--found", type=Path, default=Path("build/atlas.jsonl"))
    parser.add_argument("--jobs", type=int, default=2, help="worker processes")
    parser.add_argument("--seconds", type=float, default=60.0, help="for one model")
    parser.add_argument("--check", action="store_true", help="compare with docs/atlas.md")
    options = parser.parse_args()
    families = page.families()
    chosen = [t for t in families if fnmatch.fnmatch(t, options.only)]
    start = time.monotonic()
    found = known(options.found)
    todo = [t for t in chosen if t not in found]
    for record in swept(todo, options.jobs, options.seconds):
        found[record["model"]] = record
        keep(options.found, record)
        show(record, len(found), len(chosen))
    records = [found[t] for t in chosen]
    print(f"{len(todo)} models asked in {time.monotonic() - start:.0f} s; {summary(records)}")
    if options.check:
        changed = page.differences(records)
        print("\n".join(changed) or "the page holds")
        return int(bool(changed))
    if options.only == "*":
        page.PAGE.write_text(page.written(records, families))
    return 0


def swept(targets: Sequence[str], jobs: int, seconds: float) -> Iterator[dict[str, Any]]:
    """The records of the targets, as they come from ``jobs`` worker processes."""
    answers: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()

    def serve(chunk: Sequence[str]) -> None:
        asked = [job(t, seconds) for t in chunk]
        for index, verdict in run(asked, 1, check="atlas:decide"):
            answers.put(record_of(chunk[index], verdict))

    chunks = [targets[i : i + CHUNK] for i in range(0, len(targets), CHUNK)]
    with ThreadPoolExecutor(jobs) as pool:
        served = [pool.submit(serve, c) for c in chunks]
        for _ in targets:
            while True:
                try:
                    yield answers.get(timeout=5)
                    break
                except queue.Empty:
                    for f in served:
                        if f.done() and f.exception():
                            raise f.exception() from None  # type: ignore[misc]


def job(target: str, seconds: float) -> Job:
    """The question what a target accepts of the input that its library gives it."""
    clause = SizeClause("any", True, "any size")
    contract = Contract("atlas", [], clause, budget=Budget(128, seconds))
    return Job(contract, ModelRef(target, target), Path.cwd())


def decide(contract: Contract, ref: ModelRef, *, root: Path, samples: int | None = None) -> Verdict:
    """In a worker process: what ``ref`` accepts, as JSON in the verdict's details."""
    import torch

    from archlint.engine.infer.infer import infer_source
    from archlint.models.targets import resolve

    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    building: list[float] = []
    start = time.monotonic()
    try:
        with resolve(ref, root) as source:
            build = source.for_tracing

            def timed(mode: str = "eval") -> torch.nn.Module:
                began = time.monotonic()
                model = build(mode)
                building.append(time.monotonic() - began)
                return model

            source.for_tracing = timed  # type: ignore[method-assign]
            found = infer_source(source, contract.input, contract.mode, contract.budget)
    except ArchlintError as e:
        return Verdict("error", contract.id, ref.name, message=str(e))
    kernels: Counter[str] = Counter()
    faults: dict[str, str] = {}
    for way in found.explored.paths:
        kernels.update(way.trace.kernels)
        faults.update(way.trace.faults)
    words = {
        "input": page.input_text(found.input),
        "accepts": found.text,
        "exact": found.exact,
        "output": page.shape_text(outputshape.words(found.output_formulas)),
        "reasons": list(found.reasons),
        "undecided": "" if found.exact else found.undecided,
        "kernels": dict(kernels),
        "faults": faults,
        "build": round(sum(building), 3),
        "seconds": round(time.monotonic() - start, 3),
    }
    claims = len(set().union(*(w.trace.path.claims for w in found.explored.paths)))
    proof = Proof(len(found.explored.paths), claims, found.exact)
    word = "proved" if found.exact else "tested"
    return Verdict(word, contract.id, ref.name, proof=proof, details={"found": json.dumps(words)})


def record_of(target: str, verdict: Verdict) -> dict[str, Any]:
    """One line of the found."""
    words = json.loads(verdict.details.get("found", "{}"))
    if not words:
        return {"model": target, "exact": False, "error": verdict.message, "reasons": []}
    proof = {"paths": verdict.proof.paths, "claims": verdict.proof.claims}
    return {"model": target, **words, **proof}


def known(path: Path) -> dict[str, dict[str, Any]]:
    """What an earlier sweep found; a line that was cut off is asked again."""
    found = {}
    for line in path.read_text().splitlines() if path.exists() else ():
        try:
            record = json.loads(line)
        except json.JSONDecodeError:
            continue
        found[record["model"]] = record
    return found


def keep(path: Path, record: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(json.dumps(record) + "\n")


def show(record: dict[str, Any], done: int, of: int) -> None:
    word = "error" if "error" in record else "exact" if record["exact"] else "open "
    said = record.get("error") or f"{record['accepts'][:80]}  {'; '.join(record['reasons'])[:160]}"
    cost = f"{record.get('seconds', 0):.1f} s, {record.get('paths', 0)} paths"
    print(f"{done}/{of}  {word}  {record['model']}  {cost}  {said}", flush=True)


def summary(records: Sequence[dict[str, Any]]) -> str:
    exact = sum(r["exact"] for r in records)
    seconds = sum(r.get("seconds", 0) for r in records)
    build = sum(r.get("build", 0) for r in records)
    return f"{exact} of {len(records)} exact; {seconds:.0f} s of work, {build:.0f} s of it building"


if __name__ == "__main__":
    sys.exit(main())
