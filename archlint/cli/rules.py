"""``archlint rules``: find, read, test and write packs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archlint.cli.rules_explain import explain
from archlint.cli.rules_test import test
from archlint.cli.rules_validate import schema, validate
from archlint.cli.run_jobs import EXIT_CANNOT_RUN, CannotRun

if TYPE_CHECKING:
    from archlint.contracts.rulefile.pack_reader import Pack


@click.group()
def rules() -> None:
    """Find, read, test and write the packs that rule files use."""


@rules.command("list")
@click.argument("words", nargs=-1, metavar="[PACK|PATH]...")
@click.pass_context
def list_(ctx: click.Context, words: tuple[str, ...]) -> None:
    """List packs, and the files that they are in.

    Without arguments, those of installed packages.

    Exit code: 0 listed; 2 a pack has mistakes, or there is none.
    """
    from archlint.contracts.settings import shorten

    packs, wrong = _find(words)
    for pack in packs:
        ids = ", ".join(pack.templates)
        click.echo(f"{pack.name}   {ids}\n  {shorten(Path(pack.source.file))}")
    ctx.exit(_told(wrong) or (0 if packs else EXIT_CANNOT_RUN))


@rules.command()
@click.argument("words", nargs=-1, required=True, metavar="PACK|PATH...")
@click.option("--format", "format_", type=click.Choice(["text", "markdown"]), default="text",
              show_default=True, help="markdown: a page of documentation.")  # fmt: skip
@click.pass_context
def show(ctx: click.Context, words: tuple[str, ...], format_: str) -> None:
    """Show what packs promise, what they are told, and their examples.

    PACK is owner/name, or an owner for all packs of theirs; PATH a pack file or a folder.

    Exit code: 0 shown; 2 a pack has mistakes, or there is none.
    """
    from archlint.project.packs import pack_page as page

    packs, wrong = _find(words)
    if packs:
        markdown = format_ == "markdown"
        click.echo(page.markdown(packs) if markdown else "\n\n".join(map(page.text, packs)))
    ctx.exit(_told(wrong))


@rules.command()
@click.argument("path", metavar="NAME", type=click.Path(path_type=Path))
def new(path: Path) -> None:
    """Begin a pack: a folder NAME with a contract and models that keep and break it.

    archlint rules test NAME tries it.

    Exit code: 0 written; 2 there is such a file or folder already, or no place for it.
    """
    from archlint.contracts.rulefile.contract_reader import NAME, NAME_WORDS
    from archlint.project.packs.new_pack import files

    if not NAME.fullmatch(path.name):
        raise CannotRun(f"found the name {path.name!r}; expected {NAME_WORDS}")
    try:
        path.mkdir(parents=True)
        for name, text in files(path.name).items():
            (path / name).write_text(text, encoding="utf-8")
    except FileExistsError:
        raise CannotRun(f"{path} exists") from None
    except OSError as e:
        raise CannotRun(f"{path} cannot be written: {e.strerror}") from e
    click.echo(f"{path / 'pack.yaml'} and {path / 'models.py'} written; try: archlint rules "
               f"test {path}")  # fmt: skip


def _find(words: Sequence[str]) -> tuple[list[Pack], list[object]]:
    from archlint.project.packs.find_packs import find

    packs, wrong = find(words)
    return packs, list(wrong)


def _told(wrong: Sequence[object]) -> int:
    """The exit code, once what is wrong has been said."""
    for each in wrong:
        click.echo(each, err=True)
    return EXIT_CANNOT_RUN if wrong else 0


rules.add_command(explain)
rules.add_command(test)
rules.add_command(validate)
rules.add_command(schema)
