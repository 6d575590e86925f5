"""Runs jobs for the commands: on a backend, with a progress bar, from the cache or a log."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, nullcontext
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archlint.cli.exit_codes import CannotRun
from archlint.contracts.text_layout import counted
from archlint.errors import NEEDS_TORCH
from archlint.runner.backend import Backend

if TYPE_CHECKING:
    from archlint.contracts.job import Job
    from archlint.contracts.verdict import Verdict
    from archlint.report.progress import Bar


def run_jobs(
    jobs: Sequence[Job],
    count: int,
    check: str | None = None,
    backend: Backend | None = None,
    done: Mapping[int, Verdict] | None = None,
    on_verdict: Callable[[int, Verdict], None] | None = None,
    progress: bool = True,
) -> list[Verdict]:
    """Run jobs and return their verdicts, in the order of ``jobs``.

    ``count``: worker processes. ``check``: the function that checks a contract, as
    :func:`archlint.runner.pool.run` takes it. ``done``: verdicts by index, whose jobs do not run.
    ``on_verdict`` is called with the index and verdict of each other job as soon as it is complete.
    ``progress``: show a bar if stderr is a terminal.

    Raises ``CannotRun`` if PyTorch is needed and not installed.
    """
    verdicts = dict(done or {})
    todo = [i for i in range(len(jobs)) if i not in verdicts]
    if not todo:
        return [verdicts[i] for i in range(len(jobs))]
    from archlint.runner import joblib_backends as backends

    remaining = [jobs[i] for i in todo]
    if (backend is None or backend.name == "local") and find_spec("torch") is None:
        raise CannotRun(NEEDS_TORCH)
    with _progress(len(todo), progress) as bar, ExitStack() as stack:

        def on_start(position: int) -> None:
            job = remaining[position]
            if bar:
                bar.started(position, f"{job.contract.id} · {job.ref.name}")

        stream = backends.run(
            remaining, count, backend or Backend(), check=check, on_start=on_start
        )
        stack.enter_context(closing(stream))
        for position, verdict in stream:
            verdicts[todo[position]] = verdict
            if on_verdict:
                with bar.hidden() if bar else nullcontext():
                    on_verdict(todo[position], verdict)
            if bar:
                bar.finished(position)
    return [verdicts[i] for i in range(len(jobs))]


def run_logged(
    jobs: Sequence[Job],
    count: int,
    backend: Backend,
    resume: Path | None,
    log: Path | None,
    cache: bool,
    on_verdict: Callable[[int, Verdict], None],
    progress: bool,
) -> list[Verdict]:
    """As :func:`run_jobs`, writing each verdict to ``log`` as soon as it is complete.

    ``on_verdict`` is called with every verdict, first with those of jobs that do not run: jobs with
    a verdict in ``resume``, or with ``cache`` a valid one in the cache. ``resume`` need not exist
    if it is the same file as ``log``. Raises ``CannotRun`` or ``ArchlintError``.
    """
    jobs, done = with_cache(jobs, cache)
    if resume or log:
        from archlint.cli.verdict_log import VerdictLog, logged_verdicts

        first_run = False
        if resume is not None and log is not None:
            first_run = not resume.exists() and resume.resolve() == log.resolve()
        logged = logged_verdicts(resume, jobs) if resume and not first_run else {}
        if resume:
            share = f"{len(logged)} of {counted(len(jobs), 'verdict')}"
            click.echo(f"{share} taken from {resume}", err=True)
        done |= logged
    for index in sorted(done):
        on_verdict(index, done[index])
    if log is None:
        return run_jobs(jobs, count, None, backend, done, on_verdict, progress)
    with closing(VerdictLog(log, jobs, done)) as verdict_log:

        def record(index: int, verdict: Verdict) -> None:
            verdict_log.add(index, verdict)
            on_verdict(index, verdict)

        return run_jobs(jobs, count, None, backend, done, record, progress)


def with_cache(jobs: Sequence[Job], cache: bool) -> tuple[list[Job], dict[int, Verdict]]:
    """The jobs, marked so that their verdicts are cached, and the valid cached verdicts by index.

    Without ``cache``, the jobs as they are and no verdicts.
    """
    if not cache:
        return list(jobs), {}
    from archlint.runner import pool
    from archlint.runner.cache.verdict_cache import cached_verdicts

    return [replace(job, cacheable=True) for job in jobs], cached_verdicts(jobs, pool.CHECK)


def _progress(total: int, on: bool) -> AbstractContextManager[Bar | None]:
    """A progress bar, if it is ``on`` and stderr is a terminal."""
    if not on or not total or not sys.stderr.isatty():
        return nullcontext()
    from archlint.report import progress

    return progress.bar(total)
