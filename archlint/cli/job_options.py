"""Options for many contracts: who decides them, which part of them, and what is known already."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from archlint.cli.cache import recalled
from archlint.cli.run_jobs import CannotRun, decide

if TYPE_CHECKING:
    from archlint.contracts.job import Job
    from archlint.contracts.verdict import Verdict
    from archlint.runner.joblib_backends import Backend
    from archlint.runner.shard import Shard

Command = TypeVar("Command", bound=Callable[..., Any])


def _parsed(of: Callable[[str], Any]) -> Callable[..., Any]:
    """An option's callback: what ``of`` makes of the text; its error is a mistake in the usage."""

    def read(ctx: click.Context, param: click.Parameter, value: str | None) -> Any:
        from archlint.errors import ArchlintError

        try:
            return None if value is None else of(value)
        except ArchlintError as e:
            raise click.BadParameter(str(e), ctx, param) from e

    return read


def _backend(text: str) -> Backend:
    from archlint.runner.joblib_backends import Backend

    return Backend.of(text)


def _shard(text: str) -> Shard:
    from archlint.runner.shard import Shard

    return Shard.of(text)


def sweep_options(command: Command) -> Command:
    """``--backend``, ``--shard`` and ``--resume``."""
    for option in (
        click.option(
            "--resume",
            type=click.Path(dir_okay=False, path_type=Path),
            metavar="FILE",
            help="Do not decide again what FILE, written by --output jsonl=FILE, has a verdict on.",
        ),
        click.option(
            "--shard",
            callback=_parsed(_shard),
            metavar="K/N",
            help="Only part K of N, as even as can be: every contract and model is in one part.",
        ),
        click.option(
            "--backend",
            callback=_parsed(_backend),
            default="local",
            show_default=True,
            metavar="NAME[:ADDRESS]",
            help="Who decides: local, loky, dask[:tcp://HOST:PORT] or ray[:HOST:PORT]; with an "
            "address, as many at a time as the cluster can.",
        ),
    ):
        command = option(command)
    return command


def decide_all(
    todo: Sequence[Job],
    count: int,
    progress: bool,
    backend: Backend,
    resume: Path | None,
    stream: Path | None,
    cache: bool = False,
) -> list[Verdict]:
    """The verdicts in the order of the jobs; each is in ``stream`` as soon as it is there.

    What ``resume`` has a verdict on is taken from there. When both are one file, it need not be
    there yet. With ``cache``, what was decided before and still stands is not decided again.
    Raises ``CannotRun``.
    """
    from archlint.errors import ArchlintError

    try:
        todo, before = recalled(todo, cache)
        if not (resume or stream):
            return decide(todo, count, progress, backend=backend, known=before)
        from archlint.cli.verdict_log import Record, known

        first = resume is not None and not resume.exists() and _same(resume, stream)
        there = known(resume, todo) if resume and not first else {}
        if resume:
            click.echo(f"{len(there)} of {len(todo)} verdicts taken from {resume}", err=True)
        before |= there
        if stream is None:
            return decide(todo, count, progress, backend=backend, known=before)
        record = Record(stream, todo, before)
        try:
            return decide(todo, count, progress, backend=backend, known=before, told=record.add)
        finally:
            record.close()
    except ArchlintError as e:
        raise CannotRun(str(e)) from e


def _same(resume: Path, stream: Path | None) -> bool:
    return stream is not None and resume.resolve() == stream.resolve()
