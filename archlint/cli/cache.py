"""``archlint cache``: what is kept of earlier runs; and how ``check`` uses it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from archlint.contracts.job import Job
    from archlint.contracts.verdict import Verdict


def recalled(jobs: Sequence[Job], on: bool) -> tuple[list[Job], dict[int, Verdict]]:
    """The jobs, and the verdicts on some of them that still stand, by index.

    The verdicts on the others are to be kept. Without ``on``, nothing is recalled and none is kept.
    """
    if not on:
        return list(jobs), {}
    from archlint.runner import pool
    from archlint.runner.cache.verdict_cache import recall

    return [replace(job, cacheable=True) for job in jobs], recall(jobs, pool.DECIDE)


@click.group()
def cache() -> None:
    """What is kept of earlier runs, in .archlint_cache of the project.

    A verdict is given again without running anything as long as all it rests on is unchanged.
    """


@cache.command()
def info() -> None:
    """Say what is kept, and where."""
    from archlint.runner.cache import store

    root = _root()
    click.echo(root / store.NAME)
    for kind, (count, size) in store.entries(root).items():
        click.echo(f"  {kind:<10}{count:>6}   {size / 1024:.0f} KiB")


@cache.command()
def clear() -> None:
    """Delete it; the next check decides everything anew."""
    from archlint.runner.cache import store

    root = _root()
    count = store.clear(root)
    click.echo(f"{count} {'entry' if count == 1 else 'entries'} removed from {root / store.NAME}")


def _root() -> Path:
    from archlint.contracts.settings import project_root

    return project_root(Path.cwd())
