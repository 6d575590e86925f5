"""What the commands share: exit codes, and how to run jobs with a bar and print a report."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from importlib.util import find_spec
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from archlint.contracts.job import Job
    from archlint.contracts.verdict import Verdict
    from archlint.runner.joblib_backends import Backend

EXIT_CANNOT_RUN = 2
EXIT_INTERRUPTED = 130
NEEDS_TORCH = (
    "archlint decides contracts by PyTorch, which is not installed here: install the build that "
    'your models use, or pip install "torch-archlint[torch]"'
)


class CannotRun(click.ClickException):
    """What was asked for cannot be run."""

    exit_code = EXIT_CANNOT_RUN


def decide(
    jobs: Sequence[Job],
    count: int,
    progress: bool,
    by: str | None = None,
    backend: Backend | None = None,
    known: Mapping[int, Verdict] | None = None,
    told: Callable[[int, Verdict], None] | None = None,
) -> list[Verdict]:
    """The verdicts in the order of the jobs, whatever order they come in.

    ``by`` names the deciding function, as :func:`archlint.runner.pool.run` takes it; the jobs
    whose verdicts are ``known`` are not decided; ``told`` hears of each of the others as it comes.
    """
    from archlint.runner import joblib_backends as backends

    verdicts = dict(known or {})
    todo = [i for i in range(len(jobs)) if i not in verdicts]
    wanted = [jobs[i] for i in todo]
    if wanted and (backend is None or backend.name == "local") and find_spec("torch") is None:
        raise CannotRun(NEEDS_TORCH)
    answers = backends.run(wanted, count, backend or backends.Backend(), decide=by)
    with _progress(len(todo), progress) as advance, closing(answers):
        for place, verdict in answers:
            verdicts[todo[place]] = verdict
            if told:
                told(todo[place], verdict)
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
