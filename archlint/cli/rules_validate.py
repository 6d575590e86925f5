"""``archlint rules validate``: report the errors in rule files and packs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archlint.cli.exit_codes import EXIT_CANNOT_RUN
from archlint.contracts.text_layout import counted

if TYPE_CHECKING:
    from archlint.errors import Mistake


@click.command()
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("--quiet", "-q", is_flag=True, help="Print nothing if there are no errors.")
@click.option("--no-cache", is_flag=True, help="Ignore the cache: read every file again.")
@click.pass_context
def validate(ctx: click.Context, paths: tuple[str, ...], quiet: bool, no_cache: bool) -> None:
    """Report all errors in rule files and packs, with line and column.

    PATH is a file, or a folder of files. Default: the files that archlint check reads. No model is
    imported, and PyTorch need not be installed.

    Exit code: 0 if there are no errors; 2 if there are errors, or no file.
    """
    from archlint.contracts.settings import rule_files

    files = rule_files(paths, packs=True)
    mistakes = mistakes_in(files, cache=not no_cache)
    for mistake in mistakes:
        click.echo(mistake, err=True)
    if mistakes or not quiet:
        count = counted(len(mistakes), "error") if mistakes else "no errors"
        click.echo(f"{count} in {counted(len(files), 'file')}", err=bool(mistakes))
    ctx.exit(EXIT_CANNOT_RUN if mistakes else 0)


def mistakes_in(files: Sequence[Path], cache: bool = False) -> list[Mistake]:
    """All mistakes in rule files and packs, in the order of the files. Runs no user code.

    With ``cache``, unchanged rule files that had no mistakes are not read again.
    """
    from archlint.contracts.settings import is_pack
    from archlint.errors import Location, Mistake, RuleFileError

    if cache:
        from archlint.runner.cache.rule_file_cache import load
    else:
        from archlint.contracts.rulefile.load import load

    mistakes: list[Mistake] = []
    for file in files:
        try:
            if is_pack(file):
                from archlint.contracts.rulefile.pack_reader import read_pack

                read_pack(str(file.absolute()), Path())
            else:
                load(file)
        except RuleFileError as e:
            mistakes += e.mistakes
        except OSError as e:
            mistakes.append(Mistake(Location(str(file), 1), f"cannot be read: {e.strerror}"))
    return list(dict.fromkeys(mistakes))
