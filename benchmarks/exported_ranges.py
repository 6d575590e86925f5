"""What ``archlint export-ranges`` writes for torch.export, exported and run.

``python -m benchmarks.exported_ranges`` writes the code for each model, exports the model with it,
and runs the programs at sizes inside of the range and just outside: they must accept and refuse
what the file says. It writes results/exported-ranges.md. With ``--models a,b`` and ``--forms a,b``,
the other rows stay as they are.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import random
import re
import warnings
from collections.abc import Iterator
from typing import Any

import torch
from click.testing import CliRunner

from archlint.cli.app import cli
from archlint.contracts.accepted_set import region
from archlint.symbolic.formula import Bool, disj, holds
from benchmarks import table
from benchmarks.deployment_nets import TORCHVISION, TOYS, build

MORE = (
    "resnet34", "googlenet", "mnasnet1_0", "regnet_x_400mf", "vgg11", "shufflenet_v2_x1_0",
)  # fmt: skip
WITHIN = "N in 1..4 and H, W in 16..256"
POINTS = 10


def rows_of(name: str, form: str) -> list[str]:
    """Model, form, what the file allows, and how the programs did."""
    target = f"torchvision:{name}"
    if name in TOYS:
        target = f"{TOYS[name].__module__}:{TOYS[name].__name__}"
    arguments = ["export-ranges", target, "--to", form, "--within", WITHIN, "--input", "N 3 H W"]
    written = CliRunner().invoke(cli, arguments)
    if written.exit_code:
        return [name, form, "", written.output.strip().splitlines()[-1]]
    phrases = re.findall(r"^# (?:This file|Profile \d+) allows: (.*)\.$", written.stdout, re.M)
    allowed = disj(*map(region, phrases))
    scope: dict[str, Any] = {}
    exec(written.stdout, scope)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            made = scope["export"](build(name))
    except Exception as e:
        text = (str(e).strip() or type(e).__name__).splitlines()[0]
        failed = f"does not export: {type(e).__name__}: {text:.100}"
        return [name, form, " or ".join(phrases), failed]
    programs = [p.module() for p in (made if isinstance(made, list) else [made])]
    wrong, counts = [], {True: 0, False: 0}
    for point in _points(allowed):
        wanted = holds(allowed, point)
        got = any(_accepts(program, point) for program in programs)
        counts[wanted] += 1
        if got is not wanted:
            wrong.append(f"{'accepts' if got else 'refuses'} {point}")
    ran = f"{counts[True]} inside, {counts[False]} outside"
    return [name, form, " or ".join(phrases), f"{ran}: {wrong[0] if wrong else 'as written'}"]


def _accepts(program: Any, point: dict[str, int]) -> bool:
    image = torch.randn(point["N"], 3, point["H"], point["W"])
    for arguments, named in (((image,), {}), ((), {"x": image})):  # as the file exports it
        with contextlib.suppress(Exception), torch.no_grad():
            program(*arguments, **named)
            return True
    return False


def _points(allowed: Bool) -> Iterator[dict[str, int]]:
    """Sizes inside, cheap ones first, and sizes next to these that are outside."""
    draw = random.Random(3)
    every = [{"N": n, "H": h, "W": w} for n in (1, 2, 4) for h in range(16, 257)
             for w in (h, 16, 63, 64, 224, 256)]  # fmt: skip
    inside = [p for p in every if holds(allowed, p)]
    inside = inside[:3] + draw.sample(inside, min(len(inside), POINTS - 3))
    yield from inside
    near = [p | {s: p[s] + d} for p in inside for s in ("H", "W") for d in (-1, 1, -16, 16)]
    near += [p | {"N": 5} for p in inside[:1]] + [
        p | {"H": h} for p in inside[:1] for h in (8, 257)
    ]
    outside = [p for p in near if min(p.values()) >= 1 and not holds(allowed, p)]
    yield from outside[:POINTS]


def _position(row: list[str]) -> tuple[int, str]:
    return [*TOYS, *TORCHVISION, *MORE].index(row[0]), row[1]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--models", default=",".join([*TOYS, *TORCHVISION, *MORE]))
    parser.add_argument("--forms", default="torch-export,shapes-spec")
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")
    default = parser.parse_args([])
    rows = [] if chosen == default else table.read("exported-ranges")[1:]
    for name in chosen.models.split(","):
        for form in chosen.forms.split(","):
            row = rows_of(name, form)
            rows = sorted([r for r in rows if r[:2] != row[:2]] + [row], key=_position)
            print(" | ".join(row), flush=True)
            right = sum(row[3].endswith("as written") for row in rows)
            table.write(
                "exported-ranges", "python -m benchmarks.exported_ranges",
                [f"within {WITHIN}", f"{right} of {len(rows)} as written"],
                ["model", "form", "allows", "ran at"], rows,
            )  # fmt: skip


if __name__ == "__main__":
    main()
