"""What the commands share: exit codes, and how to run jobs with a bar and print a report."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from archlint.verdict import Verdict
    from archlint.workers.process import Job

EXIT_CANNOT_RUN = 2
EXIT_INTERRUPTED = 130


class CannotRun(click.ClickException):
    """What was asked for cannot be run."""

    exit_code = EXIT_CANNOT_RUN


def decide(jobs: Sequence[Job], count: int, progress: bool, by: str | None = None) -> list[Verdict]:
    """The verdicts in the order of the jobs, whatever order they come in.

    ``by`` names the deciding function, as :func:`archlint.workers.pool.run` takes it.
    """
    from archlint.workers import pool as workers

    verdicts: dict[int, Verdict] = {}
    answers = workers.run(jobs, count, decide=by)
    with _progress(len(jobs), progress) as advance, closing(answers):
        for index, verdict in answers:
            verdicts[index] = verdict
            advance(f"{verdict.contract} · {verdict.model}")
    return [verdicts[i] for i in range(len(jobs))]


def _progress(total: int, on: bool) -> AbstractContextManager[Callable[[str], None]]:
    """A bar on stderr; calling what it gives moves it on by one."""
    if not on or not total:
        return nullcontext(lambda _name: None)
    from archlint.report import progress

    return progress.bar(total)


def wants_color(color: str) -> bool:
    if color != "auto":
        return color == "always"
    return (
        sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    )


def hush() -> None:
    """Stdout is gone: let the interpreter's last flush go nowhere instead of failing."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
