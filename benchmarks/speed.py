"""How long archlint takes to check all sizes, as ratios to one meta forward and to torch.export.

    python benchmarks/speed.py [--only GLOB] [--no-export]

Every model has a process of its own, in which the check, what ``archlint infer`` does and the meta
forward take turns. "first"
is the first check of the process (nothing is remembered yet), "warm" the median of the others.
"archlint.check" is the whole call on a model that is in memory: what "check" does, and a copy of
the model before it (a model that the contract breaks is asked for 224 x 224 there, so that no
search for fixes counts).
torch.export is asked the same question in further processes, with dynamic N, H and W; imports and
building the model never count. All times are CPU time of one thread.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import torch
from question import (
    Answer,
    build,
    classifiers,
    contract,
    decide,
    everything,
    infer,
    least,
    median,
    seconds,
    source,
)
from table import write

import archlint
from archlint.runtime.frame_room import with_room
from archlint.tracing.model_tracer import ModelTracer

_TURNS = 5
_SIDE = 224
_EXPORTED = (
    "alexnet", "convnext_tiny", "densenet121", "efficientnet_b0", "googlenet", "inception_v3",
    "mobilenet_v3_small", "regnet_y_400mf", "resnet18", "resnet50", "shufflenet_v2_x1_0",
    "squeezenet1_1", "swin_t", "vgg11", "vit_b_32",
)  # fmt: skip
_EXPORT_SECONDS = 60.0


def measure(name: str) -> dict[str, Any]:
    """One model, in a fresh process: seconds of the first check, the others, the meta forward."""
    import z3  # noqa: F401  (an import, which does not count)

    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    side = least(name)
    traced = ModelTracer(contract(side), source(name))
    open_question = ModelTracer(everything(traced), source(name))
    model = source(name).for_tracing().to("meta")
    image = torch.empty(1, 3, max(side, _SIDE), max(side, _SIDE), device="meta")
    answers: list[Answer] = []

    def forward() -> None:
        with torch.no_grad():
            with_room(model, image)  # as archlint calls it: how deep calls are must not count

    def check() -> None:
        answers.append(decide(traced))

    first = seconds(check)
    seconds(forward)  # the first forward loads what the others find loaded
    exact = infer(open_question)
    in_memory = build(name)
    clauses = (
        {"input": "N 3 H W", "accepts": f"any N >= 1 and H, W >= {side}"}
        if answers[-1].verdict == "proved"
        else {"input": f"N 3 {_SIDE} {_SIDE}", "accepts": "any N >= 1"}
    )

    def call() -> None:
        assert archlint.check(in_memory, output="N 1000", samples=0, **clauses)

    call()
    turns = [
        (seconds(check), seconds(forward), seconds(lambda: infer(open_question)), seconds(call))
        for _ in range(_TURNS)
    ]
    return {
        "name": name,
        "side": side,
        "answer": answers[-1],
        "first": first,
        "check": median([t[0] for t in turns]),
        "forward": median([t[1] for t in turns]),
        "infer": median([t[2] for t in turns]),
        "call": median([t[3] for t in turns]),
        "exact": exact,
    }


def export(name: str, deferred: bool) -> dict[str, Any]:
    """torch.export on the same question, in a process of its own."""
    script = str(Path(__file__).with_name("export_one.py"))
    command = [sys.executable, "-W", "ignore", script, name, str(least(name)), str(int(deferred))]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_EXPORT_SECONDS + 30, check=False
        )
    except subprocess.TimeoutExpired:
        return {"seconds": _EXPORT_SECONDS, "verdict": f"no answer in {_EXPORT_SECONDS:g} s"}
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
        return {"seconds": float("nan"), "verdict": f"died: {last[0][:80]}"}
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    if answer["seconds"] > _EXPORT_SECONDS:
        answer["seconds"] = _EXPORT_SECONDS
        answer["verdict"] = f"no answer in {_EXPORT_SECONDS:g} s"
    return answer


def speed(only: str) -> list[dict[str, Any]]:
    """Measure the models; prints a line for each."""
    rows = []
    fork = multiprocessing.get_context("fork")
    with fork.Pool(1, maxtasksperchild=1) as pool:
        for row in pool.imap(measure, classifiers(only)):
            row["ratio"] = row["check"] / row["forward"]
            rows.append(row)
            print(
                f"{row['name']:24} {row['check'] * 1e3:8.1f} ms  "
                f"first {row['first'] * 1e3:8.1f} ms  "
                f"meta forward {row['forward'] * 1e3:8.1f} ms  ratio {row['ratio']:.2f}  "
                f"{row['answer'].paths} paths, {row['answer'].verdict}  "
                f"infer {row['infer'] / row['forward']:.2f}  "
                f"archlint.check {row['call'] / row['forward']:.2f}",
                flush=True,
            )
    ratios = [r["ratio"] for r in rows]
    summary = [
        f"{len(rows)} models; the check takes {median(ratios):.2f} of one meta forward in the "
        f"median, {max(ratios):.2f} at most ({max(rows, key=lambda r: r['ratio'])['name']})"
    ]
    inferred = [r["infer"] / r["forward"] for r in rows]
    summary.append(
        f"infer takes {median(inferred):.2f} meta forwards in the median, {max(inferred):.2f} at "
        f"most; {sum(r['exact'] for r in rows)} of {len(rows)} are exact"
    )
    calls = [r["call"] / r["forward"] for r in rows]
    summary.append(
        f"archlint.check, which also copies the model, takes {median(calls):.2f} meta forwards in "
        f"the median, {max(calls):.2f} at most"
    )
    summary += [
        f"{r['name']}: {r['ratio']:.2f}, archlint.check {r['call'] / r['forward']:.2f}"
        for r in rows
        if r["name"] in ("resnet50", "swin_t", "vit_b_16")
    ]
    write(
        "speed",
        "python benchmarks/speed.py",
        summary,
        ("model", "H, W >=", "check, warm", "check, first", "one meta forward", "ratio", "paths",
         "claims", "verdict", "infer", "ratio", "archlint.check", "ratio"),
        [
            (r["name"], str(r["side"]), _ms(r["check"]), _ms(r["first"]), _ms(r["forward"]),
             f"{r['ratio']:.2f}", str(r["answer"].paths), str(r["answer"].claims),
             r["answer"].verdict, _ms(r["infer"]), f"{r['infer'] / r['forward']:.2f}",
             _ms(r["call"]), f"{r['call'] / r['forward']:.2f}")
            for r in rows
        ],
    )  # fmt: skip
    print(*summary, sep="\n")
    return rows


def against_export(rows: list[dict[str, Any]]) -> None:
    """The same question to torch.export, in both of its modes."""
    table, factors = [], []
    for row in rows:
        if row["name"] not in _EXPORTED:
            continue
        found = [export(row["name"], deferred) for deferred in (False, True)]
        times = [f["seconds"] / row["check"] for f in found]
        factors += [t for t in times if t == t]
        cells = [row["name"], _ms(row["check"]), row["answer"].verdict]
        for answer, times_as_long in zip(found, times, strict=True):
            cells += [_ms(answer["seconds"]), f"{times_as_long:.0f}", answer["verdict"]]
        table.append(cells)
        print("  ".join(table[-1]), flush=True)
    if not table:
        return
    summary = [
        f"torch.export takes {median(factors):.0f} times as long in the median, at least "
        f"{min(factors):.0f}, at most {max(factors):.0f} ({len(table)} models, both modes, "
        f"stopped after {_EXPORT_SECONDS:g} s)"
    ]
    modes = ("export", "times", "its verdict", "export, deferred asserts", "times", "its verdict")
    write(
        "export",
        "python benchmarks/speed.py",
        summary,
        ("model", "archlint", "verdict", *modes),
        table,
    )
    print(*summary, sep="\n")


def _ms(value: float) -> str:
    return f"{value * 1e3:.1f} ms" if value < 0.1 else f"{value * 1e3:.0f} ms"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", default="*", help="a glob over the models' names")
    parser.add_argument("--no-export", action="store_true")
    options = parser.parse_args()
    rows = speed(options.only)
    if not options.no_export:
        against_export(rows)


if __name__ == "__main__":
    main()
