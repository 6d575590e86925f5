"""The one command that helps next, on stderr of a terminal: logs and pipes stay as they are."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from archlint.errors import one_line

if TYPE_CHECKING:
    from archlint.contracts.job import Job
    from archlint.contracts.verdict import Verdict

DOCS = "https://github.com/archlint/torch-archlint/blob/main/docs"
MESSAGES = f"{DOCS}/troubleshooting.md"


def suggest(step: str) -> None:
    """Print ``next: STEP`` if stderr is a terminal."""
    if sys.stderr.isatty():
        click.echo(f"next: {one_line(step)}", err=True)


def after_check(jobs: Sequence[Job], verdicts: Sequence[Verdict]) -> str:
    """What helps after ``archlint check``: by the worst verdict; the first of those decides."""
    of = {(j.contract.id, j.ref.name): j.ref.target for j in jobs}
    failing = [v for v in verdicts if not v and not v.waived]
    broken = [v for v in failing if v.word == "broken" and (v.contract, v.model) in of]
    if any(v.word == "error" for v in failing):
        return f"{MESSAGES} says what each message means"
    in_files = {(j.contract.id, j.ref.name) for j in jobs if not j.contract.annotated}
    for verdict in (v for v in broken if "fix" in v.details):
        if (verdict.contract, verdict.model) not in in_files:
            continue
        select = shlex.join(["--select", verdict.contract, "--model", verdict.model])
        return f"archlint fix {select} shows its fixes as diffs; --write applies one"
    for verdict in broken:
        target = shlex.quote(of[verdict.contract, verdict.model])
        return f"archlint explain {target} shows its layers"
    if failing:
        return f"{MESSAGES} says what to do about each verdict"
    return "archlint lock records what the models accept; archlint check --locked compares"
