"""What ``archlint export-ranges`` writes for torch.export, exported and run.

``python -m benchmarks.exported_ranges`` writes the code for each model, exports the model with it,
and runs the programs at sizes inside of the range and just outside: they must accept and refuse
what the file says. Every model that was tried has a row. It writes
results/exported-ranges.md. With ``--models a,b`` and ``--forms a,b``, the other rows stay as they
are; each row names the commit that it was measured at.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import random
import re
import warnings
from collections.abc import Iterator, Sequence
from math import prod
from typing import Any

import torch
from click.testing import CliRunner
from torch import nn

from archlint.cli.app import cli
from archlint.cli.infer import read_input
from archlint.contracts.accepted_set import region
from archlint.contracts.region import bounds_of, input_symbols
from archlint.engine.artifact.eager_outputs import tensors_of
from archlint.engine.sampling.input_values import build_input
from archlint.symbolic.formula import Bool, disj, holds
from benchmarks import table
from benchmarks.deployment_nets import TORCHVISION, TOYS, build
from benchmarks.export_nets import NETS

MORE = (
    "resnet34", "googlenet", "mnasnet1_0", "regnet_x_400mf", "vgg11", "shufflenet_v2_x1_0",
)  # fmt: skip
WITHIN = "N in 1..4 and H, W in 16..256"
POINTS = 10
LARGEST = 12_000  # of the product of a point's sizes, but for a few
REFUSED = "torch.export does not export"


def _net(name: str) -> tuple[str, str, str, nn.Module]:
    """A model's target, its input, the sizes it is exported for, and the model."""
    if name in NETS:
        net = NETS[name]
        target = f"{net.build.__module__}:{net.build.__name__}"
        return target, net.input, net.within, net.build().eval()
    target = f"torchvision:{name}"
    if name in TOYS:
        target = f"{TOYS[name].__module__}:{TOYS[name].__name__}"
    return target, "N 3 H W", WITHIN, build(name)


def row_of(name: str, form: str) -> list[str]:
    """Model, form, what the file allows, and how the programs did."""
    target, words, within, model = _net(name)
    arguments = ["export-ranges", target, "--to", form, "--within", within, "--input", words]
    written = CliRunner().invoke(cli, arguments)
    if written.exit_code:
        found = re.search(rf"{REFUSED} .*", written.output)
        return [name, form, "", f"not written: {found[0] if found else written.output.strip()}"]
    phrases = re.findall(r"^# (?:This file|Profile \d+) allows: (.*)\.$", written.stdout, re.M)
    allowed = disj(*map(region, phrases))
    scope: dict[str, Any] = {}
    exec(written.stdout, scope)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            made = scope["export"](model)
    except Exception as e:
        text = (str(e).strip() or type(e).__name__).splitlines()[0]
        failed = f"does not export: {type(e).__name__}: {text:.100}"
        return [name, form, " or ".join(phrases), failed]
    programs = made if isinstance(made, list) else [made]
    calls = [(p.module(), list((p.example_inputs or ((), {}))[1])) for p in programs]
    input = read_input(words)
    wrong, counts = [], {True: 0, False: 0}
    for point in _points(allowed, input_symbols(input), region(within)):
        wanted = holds(allowed, point)
        tensors = tensors_of(build_input(input, point))
        got = any(_accepts(program, names, tensors) for program, names in calls)
        counts[wanted] += 1
        if got is not wanted:
            wrong.append(f"{'accepts' if got else 'refuses'} {point}")
    ran = f"{counts[True]} inside, {counts[False]} outside"
    return [name, form, " or ".join(phrases), f"{ran}: {wrong[0] if wrong else 'as written'}"]


def _accepts(program: Any, names: list[str], tensors: list[Any]) -> bool:
    """``names``: of the arguments, none where the program takes positions."""
    named = dict(zip(names, tensors, strict=True)) if names else {}
    with contextlib.suppress(Exception), torch.no_grad():
        program(*([] if names else tensors), **named)
        return True
    return False


def _points(allowed: Bool, names: Sequence[str], within: Bool) -> Iterator[dict[str, int]]:
    """Sizes inside, the corners among them, and sizes next to these that are outside."""
    draw = random.Random(3)
    bounds = {n: bounds_of(within).get(n, (1, 64)) for n in names}
    ends = {n: (low or 1, high or 64) for n, (low, high) in bounds.items()}
    inside: list[dict[str, int]] = []
    for number in range(40_000):
        point = {n: draw.choice((low, high)) if number % 3 == 0 and draw.random() < 0.5
                 else draw.randint(low, high) for n, (low, high) in ends.items()}  # fmt: skip
        few = len(inside) < 4
        if (
            holds(allowed, point)
            and point not in inside
            and (few or prod(point.values()) < LARGEST)
        ):
            inside.append(point)
        if len(inside) == POINTS - 1:
            break
    smallest = {n: low for n, (low, _) in ends.items()}
    yield from [p for p in (smallest,) if holds(allowed, p) and p not in inside] + inside
    steps = (-1, 1, -16, 16, -64, 64)
    near = [p | {s: p[s] + d} for d in steps for p in inside for s in names]
    outside = [p for p in near if min(p.values()) >= 1 and not holds(allowed, p)]
    draw.shuffle(outside)
    yield from outside[:POINTS]


def _position(row: list[str]) -> tuple[int, str]:
    return [*TOYS, *TORCHVISION, *MORE, *NETS].index(row[0]), row[1]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--models", default=",".join([*TOYS, *TORCHVISION, *MORE, *NETS]))
    parser.add_argument("--forms", default="torch-export,shapes-spec")
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")
    default = parser.parse_args([])
    rows = [] if chosen == default else table.read("exported-ranges")[1:]
    for name in chosen.models.split(","):
        for form in chosen.forms.split(","):
            row = [*row_of(name, form), table.commit()]
            rows = sorted([r for r in rows if r[:2] != row[:2]] + [row], key=_position)
            print(" | ".join(row), flush=True)
            _write(rows)


def _write(rows: list[list[str]]) -> None:
    summary = [f"within {WITHIN} for images"]
    for form in ("torch-export", "shapes-spec"):
        own = [row[3] for row in rows if row[1] == form]
        right = sum(text.endswith("as written") for text in own)
        unwritten = sum(text.startswith("not written") for text in own)
        summary.append(
            f"{form}: {len(own)} models; {right} as written, {unwritten} not written because "
            f"{REFUSED} them as archlint writes them, {len(own) - right - unwritten} otherwise"
        )
    names = {row[0] for row in rows}
    both = names - {row[0] for row in rows if not row[3].endswith("as written")}
    summary.append(f"both forms: {len(both)} of {len(names)} models")
    summary.append(table.commits([row[-1] for row in rows]))
    header = ["model", "form", "allows", "ran at", "commit"]
    table.write("exported-ranges", "python -m benchmarks.exported_ranges", summary, header, rows)


if __name__ == "__main__":
    main()
