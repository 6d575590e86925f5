"""Infers what the models of checked-out repositories accept, and runs the real models.

    python benchmarks/wild.py FOLDER... [--only GLOB] [--seconds S] [--points P] [--running R]
                              [--models M] [--jobs N] [--json FILE]
                              [--write benchmarks/results/wild.md]

The models of each folder are those that ``archlint init`` would try: it reads the source, builds
what needs no arguments, guesses the input, and turns to the parts of a model that could not be
built or run. Arguments and inputs that ``init`` leaves to the user get usual values by their names
(wild_arguments.py). Each model has a process of its own with limits of time and memory, and no
network. wild_models.yaml has the models of some repositories that need more than that.
Then the real model runs at P sizes on the borders of the inferred set, inside and outside, for at
most R seconds of processor time.

A model is *contradicted* if a run contradicts what was inferred, *exact* if its set is proved, else
*tested*. What cannot be built, or accepts no guessed input, is counted apart. ``--json`` appends a
line for each model; models that the file has are not run again. Exits with 1 if a model is
contradicted. GLOB is over "folder/model".
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import os
import re
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import wild_table
import yaml
from wild_arguments import usual_arguments, usual_input

from archlint.contracts.contract import Budget, Contract, Input, ModelRef, SizeClause
from archlint.contracts.job import Job
from archlint.contracts.verdict import Verdict
from archlint.errors import ArchlintError, Location
from archlint.project.discover.candidates import discover
from archlint.runner.pool import run
from archlint.runtime.offline import jobs_offline

MODELS = Path(__file__).with_name("wild_models.yaml")
PATHS = 128
USUAL = (224, 64, 32, 16, 256, 1, 128, 28, 512, 5)  # sizes at which a model may run, whatever it is


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--only", default="*", metavar="GLOB", help="names such as folder/model")
    parser.add_argument(
        "--seconds", type=float, default=60.0, help="to infer a model, and to run it"
    )
    parser.add_argument("--points", type=int, default=60, help="sizes at which each model runs")
    parser.add_argument(
        "--running", type=float, default=3.0, help="seconds to run one model at all its sizes"
    )
    parser.add_argument(
        "--models", type=int, default=100, help="of one folder, at most; twice as many are tried"
    )
    parser.add_argument("--jobs", type=int, default=1, help="worker processes")
    parser.add_argument("--json", type=Path, help="append results to this file, and go on from it")
    parser.add_argument("--write", type=Path, help="write the table to this file")
    options = parser.parse_args()
    sweep = Sweep(options)
    with jobs_offline():
        for folder in options.folders:
            sweep.examine(folder.resolve())
    rows = [r for f in options.folders for r in sweep.of(f.resolve().name)]
    print(wild_table.text(rows))
    if options.write:
        names = [f.resolve().name for f in options.folders]
        wild_table.write(options.write, rows, names, options.points)
    return int(any(row["word"] == "contradicted" for row in rows))


class Sweep:
    """The results so far, by folder and model."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._rows: dict[tuple[str, str], dict[str, Any]] = {}
        lines = options.json.read_text("utf-8") if options.json and options.json.exists() else ""
        for row in map(json.loads, lines.splitlines()):
            self._rows[row["repository"], row["model"]] = row

    def of(self, repository: str) -> list[dict[str, Any]]:
        """The results of one folder."""
        return [row for (where, _), row in self._rows.items() if where == repository]

    def examine(self, folder: Path) -> None:
        """Examine the models of a folder; a part of models only if those models all fail."""
        written = [j for j in self._written(folder) if self._word(folder, j.ref.name) is None]
        self._run(folder, written[: self._options.models])
        models = discover(folder, folder)
        usual = {m: a for m in models.needing if (a := usual_arguments(m)) is not None}
        while True:
            failed = {
                m for m in models.buildable if self._word(folder, m.name) in wild_table.NOT_RUN
            }
            new = [m for m in models.ready((), failed) if self._word(folder, m.name) is None]
            new += [m for m in usual if self._word(folder, m.name) is None]
            only = self._options.only
            new = [m for m in new if fnmatch.fnmatch(f"{folder.name}/{m.name}", only)]
            rows = self.of(folder.name)
            left = self._options.models - sum(r["word"] not in wild_table.NOT_RUN for r in rows)
            if left <= 0 or not new or len(rows) >= 2 * self._options.models:
                break
            step = -(-len(new) // left)  # evenly spread
            chosen = new[::step]
            arguments = [{**m.kwargs(folder), **usual.get(m, {})} for m in chosen]
            targets = zip(chosen, arguments, strict=True)
            self._run(folder, [self._job(folder, m.name, m.target(folder), a) for m, a in targets])

    def _written(self, folder: Path) -> list[Job]:
        """The folder's models in wild_models.yaml."""
        jobs = []
        entries = yaml.safe_load(MODELS.read_text("utf-8")).get(folder.name, ())
        names = [words["target"].rpartition(":")[2] for words in entries]
        for words, name in zip(entries, names, strict=True):
            if names.count(name) > 1:  # a file is named as a file or as a module
                file = words["target"].partition(":")[0].removesuffix(".py")
                name = f"{re.split('[./]', file)[-1]}.{name}"
            name += " (written)"
            if fnmatch.fnmatch(f"{folder.name}/{name}", self._options.only):
                jobs.append(
                    self._job(folder, name, words["target"], words["kwargs"], words["input"])
                )
        return jobs

    def _word(self, folder: Path, model: str) -> str | None:
        row = self._rows.get((folder.name, model))
        return row["word"] if row else None

    def _job(
        self, root: Path, name: str, target: str, kwargs: dict[str, Any], input: Any = None
    ) -> Job:
        from archlint.engine.python_contracts import contract_of

        where = Location(str(root / "models.archlint.yaml"), 1)
        ref = ModelRef(name, target, (), kwargs, where)
        budget = Budget(PATHS, self._options.seconds)
        tensors = contract_of(input=input, accepts="any size").input if input else []
        clause = SizeClause("any", True, "any size")
        runs = f"{self._options.points} {self._options.running}"
        contract = Contract(runs, tensors, clause, budget=budget)
        return Job(contract, ref, root)

    def _run(self, folder: Path, jobs: list[Job]) -> None:
        """Add the results of models."""
        grace = 4 * self._options.seconds
        for index, verdict in run(jobs, self._options.jobs, check="wild:examined", grace=grace):
            row = _row(folder.name, jobs[index].ref.name, verdict)
            self._rows[folder.name, row["model"]] = row
            if self._options.json:
                with self._options.json.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(row) + "\n")
            print(wild_table.line(row), flush=True)


def _row(repository: str, model: str, verdict: Verdict) -> dict[str, Any]:
    row = {"repository": repository, "model": model}
    if "row" in verdict.details:
        return row | dict(json.loads(verdict.details["row"]))
    # Its process was ended, or died.
    word = "not built" if "could not be built" in verdict.message else "tested"
    return row | {"word": word, "reasons": [verdict.message], "seconds": verdict.seconds}


def examined(
    contract: Contract, ref: ModelRef, *, root: Path, samples: int | None = None
) -> Verdict:
    """In a worker process: the row of one model, as JSON in the verdict's details."""
    import torch

    from archlint.models.targets import resolve

    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    start = time.process_time()
    row: dict[str, Any]
    os.chdir(root)  # for models that read a file of the checkout
    try:
        with resolve(ref, root) as source:
            row = _examined(source, contract)
    except ArchlintError as error:
        row = {"word": "not built", "reasons": [str(error)]}
    row.setdefault("seconds", time.process_time() - start)
    row["seconds"] = round(row["seconds"], 2)
    return Verdict("tested", contract.id, ref.name, details={"row": json.dumps(row)})


def _examined(source: Any, contract: Contract) -> dict[str, Any]:
    """What the model accepts of the first guessed input that it accepts at some size."""
    from archlint.contracts.accepted_set import input_as_yaml
    from archlint.engine.input_guess import likely_inputs
    from archlint.engine.python_contracts import contract_of

    model = source.for_tracing(contract.mode)
    try:
        inputs = [contract.input] if contract.input else likely_inputs(model)
    except ArchlintError as error:
        words = usual_input(model)
        if words is None:
            return {"word": "no input", "reasons": [str(error)]}
        inputs = [contract_of(input=words, accepts="any size").input]
    rows = []
    for input in inputs:
        row = _with_input(source, contract, input)
        fixed = row.pop("fixed", False)
        rows.append({**row, "input": input_as_yaml(input)})
        if row["word"] != "no input" and not fixed:
            return rows[-1]
    return next((row for row in rows if row["word"] != "no input"), rows[0])


def _with_input(source: Any, contract: Contract, input: Input) -> dict[str, Any]:
    from real_runs import border_sizes, compared

    from archlint.engine.infer.infer import infer_source
    from archlint.engine.input_guess import has_fixed_size

    start = time.process_time()
    try:
        found = infer_source(source, input, contract.mode, contract.budget)
    except ArchlintError as error:
        seconds = time.process_time() - start
        return {"word": "tested", "reasons": [str(error)], "seconds": seconds}
    seconds = time.process_time() - start
    points, running = contract.id.split()
    sizes = border_sizes(found, int(points))
    if not found.explored.accepting:
        names = found.explored.names
        usual = [{n: count if n == "N" else u for n in names} for u in USUAL for count in (1, 2)]
        sizes = usual + sizes
    runs = compared(found, source.for_running(contract.mode), sizes, float(running))
    word = "exact" if found.exact else "tested"
    if runs.wrong:
        word = "contradicted"
    elif not found.explored.accepting and not runs.accepted:
        errors = [path.trace.error for path in found.explored.paths][:1]
        return {"word": "no input", "reasons": errors, "seconds": seconds}
    return {
        "word": word,
        "fixed": has_fixed_size(found.explored),
        "text": found.text,
        "reasons": list(found.reasons),
        "paths": len(found.explored.paths),
        "ran": runs.ran,
        "known": runs.known,
        "wrong": runs.wrong,
        "errors": list(dict.fromkeys(p.trace.error for p in found.explored.paths))[:3],
        "seconds": seconds,
    }


if __name__ == "__main__":
    sys.exit(main())
