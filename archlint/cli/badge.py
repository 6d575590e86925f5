"""``archlint badge``: the counts of a check, for a badge in a README."""

from __future__ import annotations

import click

from archlint.cli.check import check


@click.command()
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.pass_context
def badge(ctx: click.Context, paths: tuple[str, ...]) -> None:
    """Print how many contracts hold, as JSON that shields.io draws.

    PATH is as in archlint check, which is what runs; archlint check --output badge=FILE writes the
    same. Publish the file, and put it in the README:

    \b
    ![archlint](https://img.shields.io/endpoint?url=URL-OF-THE-FILE)

    Exit code: as archlint check.
    """
    ctx.exit(check.main(["--format", "badge", *paths], "archlint badge", standalone_mode=False))
