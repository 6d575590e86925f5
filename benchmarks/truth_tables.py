"""Hold the engine against truth tables: sizes at which real models were run.

    python benchmarks/truth_tables.py TABLES… [--only GLOB] [--seconds S] [--jobs N]

A table is a JSON list of records: ``model``, ``build`` (a Python expression over torch,
torchvision and timm), ``input`` (a shape, or ``list of N tensors SHAPE``, of which each N is a
question of its own), ``mode``, ``dims`` (the names of a point's leading numbers) and
``points``: the numbers, then 1 accepted, 0 refused or null, then the output shape or the error.
A wrong answer is printed and makes the exit code 1. "Exact": the set is decided for all sizes and
its words are proved to be the set.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import sys
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from archlint.contracts.contract import Budget, Contract, Input, SizeClause, TensorInput, Wildcard
from archlint.contracts.rulefile.phrase_parser import parse_shape
from archlint.engine.describe.describe import describe
from archlint.engine.question import Question
from archlint.symbolic import evaluate

LINE = 100  # characters
_LIST = "list of N tensors "


def check(task: tuple[dict[str, Any], float, bool]) -> dict[str, Any]:
    """Explore one model and compare with its points."""
    import timm
    import torch
    import torchvision

    from archlint.engine.check_run import CheckRun
    from archlint.engine.explore import explore_model
    from archlint.models.targets import ModelSource
    from archlint.tracing.model_tracer import ModelTracer
    from archlint.tracing.trace import dims_of

    record, seconds, rules = task
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    names = {"torch": torch, "torchvision": torchvision, "timm": timm}
    result: dict[str, Any] = {"model": record["model"], "points": len(record["points"])}
    input = _input(record)
    budget = Budget(96, seconds)
    mode = record["mode"]
    contract = Contract("t", input, SizeClause("any", True, "any size"), mode=mode, budget=budget)
    question = Question.of(contract)
    start = time.perf_counter()
    source = ModelSource(record["model"], lambda: eval(record["build"], names))
    try:
        subject = ModelTracer(contract, source, rules)
    except Exception as e:
        return {**result, "error": f"{type(e).__name__}: {e}"[:300]}
    result["build"] = time.perf_counter() - start
    start = time.perf_counter()
    try:
        run = CheckRun(contract, question, source, subject, 0, time.monotonic() + seconds)
        found = explore_model(run)
    except Exception as e:
        import traceback

        where = traceback.extract_tb(e.__traceback__)[-1]
        text = f"{type(e).__name__}: {e} at {where.filename}:{where.lineno}"
        return {**result, "error": text[:300]}
    result["seconds"] = time.perf_counter() - start
    result["paths"] = len(found.paths)
    start = time.perf_counter()
    deadline = time.monotonic() + 10
    said = describe(question.names, question.box, found.accepted, solver_deadline=deadline)
    result["wording"] = time.perf_counter() - start
    result["text"] = said.text
    result["exact"] = found.covered and said.exact
    result["reasons"] = found.reasons
    kernels: Counter[str] = Counter()
    for way in found.paths:
        kernels.update(way.trace.kernels)
    result["kernels"] = dict(kernels)
    answers: Counter[str] = Counter()
    wrong = []
    for point in record["points"]:
        sizes = dict(zip(record["dims"], point, strict=False))
        truth = point[len(record["dims"])]
        if truth is None:
            continue
        answer = found.accepts(sizes)
        if answer is None:
            answers["unknown"] += 1
            continue
        if truth and not answer and record["device"] == "meta" and _cpu_refuses(subject, sizes):
            answers["right on the CPU"] += 1  # meta kernels look at no index
            continue
        if answer == bool(truth) and answer:
            way = found.path_at(sizes)
            mine = plain(dims_of(way.trace.output), sizes) if way else None
            real = point[len(record["dims"]) + 1]
            if not agree(mine, real):
                answers["shape"] += 1
                wrong.append((sizes, "output", mine, real))
                continue
        answers["right" if answer == bool(truth) else "wrong"] += 1
        if answer != bool(truth):
            way = found.path_at(sizes)
            event = way.first_failed_claim(sizes) if way and not answer else None
            why = event.needs() if event else (way.trace.error if way and not answer else "")
            wrong.append((sizes, answer, why, point[len(record["dims"]) + 1 :]))
    result["answers"] = dict(answers)
    result["wrong"] = wrong[:4]
    return result


def _cpu_refuses(subject: Any, sizes: dict[str, int]) -> bool:
    """What the table's meta kernels took, the real model may not."""
    from archlint.engine.sampling.real_run import run_at

    model = subject.source.for_running(subject.contract.mode)
    return not run_at(model, subject.contract.input, sizes).accepted


def _input(record: dict[str, Any]) -> Input:
    words = record["input"]
    if not words.startswith(_LIST):
        return TensorInput(tuple(parse_shape(words)))
    shape = TensorInput(tuple(parse_shape(words.removeprefix(_LIST))))
    return [shape] * record["points"][0][record["dims"].index("N")]


def _questions(records: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The records; those about lists once for each length."""
    for record in records:
        if not record["input"].startswith(_LIST):
            yield record
            continue
        at = record["dims"].index("N")
        for count in sorted({p[at] for p in record["points"]}):
            points = [p for p in record["points"] if p[at] == count]
            yield {**record, "points": points, "model": f"{record['model']} ({count} images)"}


def plain(output: Any, sizes: dict[str, int]) -> Any:
    """Shapes as nested lists of numbers, and of ``_`` where values decide."""
    if isinstance(output, (list, tuple)):
        return [plain(o, sizes) for o in output]
    if isinstance(output, dict):
        return {k: plain(v, sizes) for k, v in output.items()}
    open_ = output is None or isinstance(output, (str, Wildcard))
    return output if open_ else evaluate(output, sizes)


def agree(mine: Any, real: Any) -> bool:
    """Whether shapes are the real ones where they say any; the tables have lists as mappings."""
    if isinstance(mine, Wildcard):
        return True
    if isinstance(mine, list):
        real = list(real.values()) if isinstance(real, dict) else real
        same = isinstance(real, list) and len(mine) == len(real)
        return same and all(map(agree, mine, real))
    if isinstance(mine, dict):
        same = isinstance(real, dict) and list(mine) == list(real)
        return same and all(agree(mine[k], real[k]) for k in mine)
    return bool(mine == real)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("tables", nargs="+")
    parser.add_argument("--only", default="*")
    parser.add_argument("--seconds", type=float, default=20.0, help="budget for one model")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--no-rules", action="store_true")
    parser.add_argument("--out", help="write all results here as JSON")
    options = parser.parse_args()
    records = [r for t in options.tables for r in json.loads(Path(t).read_text())]
    chosen = [
        r for r in _questions(records) if fnmatch.fnmatch(r["model"], options.only) and r["points"]
    ]
    tasks = [(r, options.seconds, not options.no_rules) for r in chosen]
    results = []
    with ProcessPoolExecutor(options.jobs) as pool:
        for result in pool.map(check, tasks):
            results.append(result)
            show(result)
    if options.out:
        Path(options.out).write_text(json.dumps(results, indent=1))
    total: Counter[str] = Counter()
    for result in results:
        total.update(result.get("answers", {}))
    exact = sum(bool(r.get("exact")) for r in results)
    errors = sum("error" in r for r in results)
    lines = sum(bool(r.get("exact")) and len(r["text"]) <= LINE for r in results)
    print(
        f"{len(results)} models, {exact} exact ({lines} in at most {LINE} characters), "
        f"{errors} errors, points: {dict(total)}"
    )
    return int(bool(total["wrong"] + total["shape"] + errors))


def show(result: dict[str, Any]) -> None:
    if "error" in result:
        print(f"ERROR  {result['model']}: {result['error']}", flush=True)
        return
    word = "exact" if result["exact"] else "open "
    print(
        f"{word}  {result['model']}  {result['paths']} paths  {result['seconds']:.2f}s  "
        f"{result['answers']}  {result['kernels'] or ''}\n       {result['text'][:300]}",
        flush=True,
    )
    for reason in result["reasons"]:
        print(f"       not exact: {reason[:220]}")
    for wrong in result["wrong"]:
        print(f"       WRONG {wrong}")


if __name__ == "__main__":
    sys.exit(main())
