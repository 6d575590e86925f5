"""Options of several commands: which contracts run, in how many processes, and where."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from archlint.runner.resources import cores

if TYPE_CHECKING:
    from archlint.runner.backend import Backend
    from archlint.runner.shard import Shard

Command = TypeVar("Command", bound=Callable[..., Any])

jobs_option = click.option(
    "--jobs", "-j", type=click.IntRange(min=1), default=cores, show_default="cores", metavar="N",
    help="Number of contracts that are checked at once, each in its own process.",
)  # fmt: skip
model_option = click.option(
    "--model", multiple=True, metavar="NAME",
    help="Only models with this name or glob (repeatable).",
)  # fmt: skip


def select_options(command: Command) -> Command:
    """``--select`` and ``--model``."""
    command = model_option(command)
    return click.option(
        "--select", multiple=True, metavar="ID",
        help="Only contracts with this id or glob (repeatable).",
    )(command)  # fmt: skip


def sweep_options(command: Command) -> Command:
    """``--backend``, ``--shard`` and ``--resume``."""
    for option in (
        click.option(
            "--resume",
            type=click.Path(dir_okay=False, path_type=Path),
            metavar="FILE",
            help="Resume an interrupted run: skip what already has a verdict in FILE, written by "
            "--output jsonl=FILE.",
        ),
        click.option(
            "--shard",
            callback=_parsed(_shard),
            metavar="K/N",
            help="Check only part K of N. The parts are as even as possible; each contract and "
            "model is in exactly one.",
        ),
        click.option(
            "--backend",
            callback=_parsed(_backend),
            default="local",
            show_default=True,
            metavar="NAME[:ADDRESS]",
            help="Where contracts are checked: local, loky, dask[:tcp://HOST:PORT] or "
            "ray[:HOST:PORT]. With an address, all workers of the cluster are used.",
        ),
    ):
        command = option(command)
    return command


def _parsed(parse: Callable[[str], Any]) -> Callable[..., Any]:
    """A callback that parses an option's text; an error of ``parse`` is a usage error."""

    def callback(ctx: click.Context, param: click.Parameter, value: str | None) -> Any:
        from archlint.errors import ArchlintError

        try:
            return None if value is None else parse(value)
        except ArchlintError as e:
            raise click.BadParameter(str(e), ctx, param) from e

    return callback


def _backend(text: str) -> Backend:
    from archlint.runner.backend import Backend

    return Backend.of(text)


def _shard(text: str) -> Shard:
    from archlint.runner.shard import Shard

    return Shard.of(text)
