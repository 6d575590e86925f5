"""``archlint cache``: show and delete the cache of a project."""

from __future__ import annotations

from pathlib import Path

import click


@click.group()
def cache() -> None:
    """Show or delete the cache of earlier runs, .archlint_cache in the project.

    A cached verdict is used again as long as nothing that it depends on has changed.
    """


@cache.command()
def info() -> None:
    """Show the cache folder, and the number and size of its entries."""
    from archlint.runner.cache import store

    root = _root()
    click.echo(root / store.NAME)
    for kind, (count, size) in store.entries(root).items():
        click.echo(f"  {kind:<10}{count:>6}   {size / 1024:.0f} KiB")


@cache.command()
def clear() -> None:
    """Delete the cache; the next check runs every contract again."""
    from archlint.runner.cache import store

    root = _root()
    count = store.clear(root)
    click.echo(f"{count} {'entry' if count == 1 else 'entries'} removed from {root / store.NAME}")


def _root() -> Path:
    from archlint.contracts.settings import current_project

    return current_project()
