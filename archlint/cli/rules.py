"""``archlint rules``: list, show, test, create and validate packs and rule files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archlint.cli.exit_codes import EXIT_CANNOT_RUN, CannotRun, writing
from archlint.cli.rules_explain import explain
from archlint.cli.rules_schema import schema
from archlint.cli.rules_test import test
from archlint.cli.rules_validate import validate

if TYPE_CHECKING:
    from archlint.contracts.rulefile.pack_reader import Pack


@click.group()
def rules() -> None:
    """List, show, test and create packs; validate rule files."""


@rules.command("list")
@click.argument("words", nargs=-1, metavar="[PACK|PATH]...")
@click.pass_context
def list_(ctx: click.Context, words: tuple[str, ...]) -> None:
    """List packs with their contracts and files.

    Default: the packs of all installed packages.

    Exit code: 0; 2 if a pack has errors, or there is none.
    """
    from archlint.contracts.settings import shorten

    packs, errors = _find(words)
    for pack in packs:
        ids = ", ".join(pack.templates)
        click.echo(f"{pack.name}   {ids}\n  {shorten(Path(pack.source.file))}")
    ctx.exit(_report(errors) or (0 if packs else EXIT_CANNOT_RUN))


@rules.command()
@click.argument("words", nargs=-1, required=True, metavar="PACK|PATH...")
@click.option("--format", "format_", type=click.Choice(["text", "markdown"]), default="text",
              show_default=True, help="markdown: a page of documentation.")  # fmt: skip
@click.pass_context
def show(ctx: click.Context, words: tuple[str, ...], format_: str) -> None:
    """Show the contracts, parameters and examples of packs.

    PACK is owner/name, or an owner for all packs of that owner. PATH is a pack file or a folder.

    Exit code: 0; 2 if a pack has errors, or there is none.
    """
    from archlint.project.packs import pack_page

    packs, errors = _find(words)
    if packs:
        markdown = format_ == "markdown"
        click.echo(
            pack_page.markdown(packs) if markdown else "\n\n".join(map(pack_page.text, packs))
        )
    ctx.exit(_report(errors))


@rules.command()
@click.argument("path", metavar="NAME", type=click.Path(path_type=Path))
def new(path: Path) -> None:
    """Create a pack: a folder NAME with a contract, a passing and a failing model.

    archlint rules test NAME checks it.

    Exit code: 0; 2 if NAME exists or cannot be written.
    """
    from archlint.contracts.rulefile.contract_reader import NAME, NAME_WORDS
    from archlint.project.packs.new_pack import files

    if not NAME.fullmatch(path.name):
        raise CannotRun(f"{path.name!r} is not a valid name; expected {NAME_WORDS}")
    if path.exists():
        raise CannotRun(f"{path} exists")
    with writing(path):
        path.mkdir(parents=True)
        for name, text in files(path.name).items():
            (path / name).write_text(text, encoding="utf-8")
    click.echo(f"{path / 'pack.yaml'} and {path / 'models.py'} written. Check them with: "
               f"archlint rules test {path}")  # fmt: skip


def _find(words: Sequence[str]) -> tuple[list[Pack], list[object]]:
    from archlint.project.packs.find_packs import find_packs

    packs, errors = find_packs(words)
    return packs, list(errors)


def _report(errors: Sequence[object]) -> int:
    """Print errors. Returns the exit code."""
    for error in errors:
        click.echo(error, err=True)
    return EXIT_CANNOT_RUN if errors else 0


rules.add_command(explain)
rules.add_command(test)
rules.add_command(validate)
rules.add_command(schema)
