"""archlint beside its peers: who answers which contract, how, and how fast.

    python -m benchmarks.peers [--only GLOB] [--contestants NAME,NAME]

First the real model runs, so that the truth of each contract is known and not believed. Then every
contestant answers in a process of its own, with the model built and everything imported before its
time begins. It is asked once, and then again and again for BRIEF seconds; the mean of these counts,
or the first where that took AGAIN seconds. Times are processor time of one thread; a contestant has
SECONDS for a contract.

With an option, the other rows and columns of the table stay as an earlier run left them; the line
of each column says at which commit it was asked.

The reading of torch.export is a user's: exported for the range that was asked is yes, whatever
asserts it leaves for run time; refused, narrowed or with another output is no; another exception,
or a question that it has no words for, is no answer.
"""

from __future__ import annotations

import argparse
import fnmatch
import gc
import logging
import math
import multiprocessing
import os
import re
import resource
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from multiprocessing.connection import Connection
from typing import Any

import torch
from torch import nn
from torch.fx.experimental import _config as experimental_config

from benchmarks.table import RESULTS, commit, read, write

from . import ask_archlint, ask_export, ask_gradual, ask_pytest, truth
from .answer import Answer
from .case import Case
from .contracts import CASES

SECONDS = 60
AGAIN = 5.0
BRIEF = 0.3  # the processor's clock has steps of some milliseconds
Ask = Callable[[Case, nn.Module], Any]
CONTESTANTS: dict[str, Ask] = {
    "archlint": ask_archlint.ask,
    "archlint check": ask_archlint.ask_in_full,
    "export": ask_export.ask,
    "export, deferred": ask_export.ask_deferred,
    "export, oblivious": ask_export.ask_oblivious,
    "ShapesSpec": ask_export.ask_spec,
    "gradual types": ask_gradual.ask,
    "pytest, 20 sizes": ask_pytest.ask,
}
if find_spec("torch.fx.experimental.dynamic_spec") is None:  # torch 2.13 and older
    del CONTESTANTS["ShapesSpec"]
if not hasattr(experimental_config, "backed_size_oblivious"):
    del CONTESTANTS["export, oblivious"]
HEADER = ("contract", "promise", "truth", "sizes run", *CONTESTANTS)
_FORK = multiprocessing.get_context("fork")


def timed(ask: Ask, case: Case, limit: float = SECONDS) -> Any:
    """What ``ask`` says, in a process of its own that may take ``limit`` seconds."""
    ours, theirs = _FORK.Pipe(duplex=False)
    process = _FORK.Process(target=_child, args=(ask, case, limit, theirs))
    process.start()
    theirs.close()
    try:
        answer = ours.recv() if ours.poll(10 * limit) else None
    except EOFError:
        answer = None
    process.kill()
    process.join()
    return answer or Answer(None, f"no answer in {limit:g} s", limit)


def _child(ask: Ask, case: Case, limit: float, answers: Connection) -> None:
    warnings.simplefilter("ignore")
    torch.manual_seed(0)
    model = case.build().train(case.mode == "train")
    start = time.process_time()
    resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(start + limit), math.ceil(start + limit)))
    answer = ask(case, model)
    if isinstance(answer, Answer):
        seconds = time.process_time() - start
        if seconds < AGAIN:
            start, times = time.process_time(), 0
            while time.process_time() < start + BRIEF:
                ask(case, model)
                times += 1
            seconds = (time.process_time() - start) / times
        answer = replace(answer, seconds=seconds)
    answers.send(answer)


def _truth(case: Case, model: nn.Module) -> int | str:
    try:
        return truth.establish(case, model)
    except truth.Untrue as e:
        return str(e)


def warm_up() -> None:
    """Load what a first answer would load, before any time is taken."""
    small = next(c for c in CASES if c.id == "flatten, 28 to 31")
    for ask in CONTESTANTS.values():
        ask(small, small.build().eval())


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", default="*", help="a glob over the contracts' names")
    parser.add_argument("--contestants", default="", help="names of columns, after semicolons")
    options = parser.parse_args()
    chosen = options.contestants.split(";") if options.contestants else list(CONTESTANTS)
    whole = options.only == "*" and not options.contestants
    table, before = ({}, {}) if whole else _read_table()
    torch.set_num_threads(1)  # a thread pool would not survive the fork
    warnings.simplefilter("ignore")
    logging.disable()  # torch.export logs what it then raises
    warm_up()
    gc.collect()
    gc.freeze()  # or every collection in a child would copy the pages it walks over
    untrue, asked = [], 0
    for case in (c for c in CASES if fnmatch.fnmatch(c.id, options.only)):
        runs = timed(_truth, case, 300)
        if not isinstance(runs, int):
            untrue.append(runs if isinstance(runs, str) else f"{case.id}: {runs.told}")
            print(untrue[-1], flush=True)
            continue
        answers = {name: timed(ask, case) for name, ask in CONTESTANTS.items() if name in chosen}
        table[case.id] = table.get(case.id, {}) | _cells(case, runs, answers)
        asked += 1
        report(table, before | {name: _asked_at(name, asked, before) for name in answers})
        print(f"{case.id} ({case.true}, {runs} sizes run)", flush=True)
        for name, answer in answers.items():
            print(
                f"    {name:24} {answer.grade(case.true):6} {answer.seconds:8.3f} s  {answer.told}",
                flush=True,
            )
    if untrue:
        sys.exit("not what running says:\n" + "\n".join(untrue))


def _cells(case: Case, runs: int, answers: dict[str, Answer]) -> dict[str, str]:
    cells = {
        "contract": case.id,
        "promise": f"{case.clause} → {_shown(case)}",
        "truth": "true" if case.true else "false",
        "sizes run": str(runs),
    }
    for name, answer in answers.items():
        cells[name] = f"{answer.grade(case.true)}, {_seconds(answer.seconds)}: {answer.told}"
    return cells


def _asked_at(name: str, asked: int, before: dict[str, str]) -> str:
    """Where a column was asked: at this commit, or so many of its contracts, and before."""
    version, load = torch.__version__.partition("+")[0], os.getloadavg()[2]
    now = f"{commit()}, torch {version}, load {load:.0f}"
    earlier = before.get(name, "")
    if asked == len(CASES) or earlier in ("", now):
        return now
    return f"{asked} contracts at {now}, the others at {earlier}"


def _read_table() -> tuple[dict[str, dict[str, str]], dict[str, str]]:
    """The cells of earlier runs, by contract and column, and where each column was asked."""
    header, *rows = read("peers")
    start = (RESULTS / "peers.md").read_text()
    where = dict(re.findall(r"(?m)^- (.+?): .* \(asked at (.*)\)$", start))
    return {row[0]: dict(zip(header, row, strict=True)) for row in rows}, where


def report(table: dict[str, dict[str, str]], where: dict[str, str]) -> None:
    """The table and its summary, as a file. ``where``: at which commit each column was asked."""
    rows = list(table.values())
    true = sum(row["truth"] == "true" for row in rows)
    sizes = sum(int(row["sizes run"]) for row in rows)
    summary = [
        f"{len(rows)} contracts, {true} true and {len(rows) - true} false, as the real "
        f"models say at {sizes:,} sizes run here"
    ]
    for name in CONTESTANTS:
        grades = [row[name].partition(",")[0] for row in rows if name in row]
        counts = [
            f"{grades.count(g)} {w}"
            for g, w in (("right", "right"), ("wrong", "wrong"), ("none", "without an answer"))
        ]
        at = f" (asked at {where[name]})" if name in where else ""
        alike = where.get(name) == where.get("archlint")  # times under another load mislead
        ratio = _ratio(name, rows) if alike else ""
        summary.append(f"{name}: {', '.join(counts)}{ratio}{at}")
    write(
        "peers",
        "python -m benchmarks.peers",
        summary,
        HEADER,
        [[row.get(column, "not asked") for column in HEADER] for row in rows],
    )


def _ratio(name: str, rows: list[dict[str, str]]) -> str:
    """How many times archlint's time it takes where it answers, as a geometric mean."""
    if name == "archlint":
        return ""
    logs = [
        math.log(_told_seconds(row[name]) / _told_seconds(row["archlint"]))
        for row in rows
        if all(not row.get(n, "none").startswith(("none", "not")) for n in (name, "archlint"))
    ]
    if not logs:
        return ""
    return f"; {math.exp(sum(logs) / len(logs)):.2g} times archlint's time where it answers"


def _told_seconds(cell: str) -> float:
    number, unit = cell.partition(", ")[2].partition(":")[0].split()
    return max(float(number), 0.5) / 1e3 if unit == "ms" else float(number)


def _shown(case: Case) -> str:
    if isinstance(case.output, str) or case.output is None:
        return case.output or "anything"
    return ", ".join(f"{k}: {v}" for k, v in case.output.items())


def _seconds(value: float) -> str:
    return f"{value * 1e3:.0f} ms" if value < 1 else f"{value:.1f} s"


if __name__ == "__main__":
    main()
