"""``archlint rules validate`` and ``archlint rules schema``: rule files, and nothing but them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archlint.cli.run_jobs import EXIT_CANNOT_RUN, CannotRun

if TYPE_CHECKING:
    from archlint.errors import Mistake


@click.command()
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("--quiet", "-q", is_flag=True, help="Say nothing when there is no mistake.")
@click.option("--no-cache", is_flag=True, help="Read also the files that have not changed.")
@click.pass_context
def validate(ctx: click.Context, paths: tuple[str, ...], quiet: bool, no_cache: bool) -> None:
    """Tell all mistakes in rule files and packs, each with its line and column.

    PATH is a file, or a folder of them. Without one: the files that archlint check reads. No
    model is imported, PyTorch need not be installed.

    Exit code: 0 no mistake; 2 there are some, or there is no file.
    """
    from archlint.contracts.settings import rule_files
    from archlint.errors import ArchlintError

    try:
        files = rule_files(paths, packs=True)
    except ArchlintError as e:
        raise CannotRun(str(e)) from e
    mistakes = mistakes_in(files, cache=not no_cache)
    for mistake in mistakes:
        click.echo(mistake, err=True)
    found = f"{len(mistakes)} mistake{'s' * (len(mistakes) != 1)} in " if mistakes else ""
    if found or not quiet:
        read = f"{len(files)} file{'s' * (len(files) != 1)}"
        click.echo(f"{found}{read}" if found else f"no mistake in {read}", err=bool(found))
    ctx.exit(EXIT_CANNOT_RUN if mistakes else 0)


def mistakes_in(files: Sequence[Path], cache: bool = False) -> list[Mistake]:
    """All mistakes of rule files and packs, in the order of the files. Runs no user code.

    With ``cache``, a rule file that had none and has not changed is not read again.
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


@click.command()
@click.option("--output", "-o", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Write it there instead of printing it.")  # fmt: skip
@click.option("--pack", is_flag=True, help="That of packs instead.")
def schema(output: Path | None, pack: bool) -> None:
    """Print the JSON Schema of rule files, for editors to complete and check them.

    An editor with a YAML language server uses it where a rule file begins with the line
    "# yaml-language-server: $schema=FILE".
    """
    text = schema_text(pack)
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as e:
        raise CannotRun(f"{output} cannot be written: {e.strerror}") from e
    click.echo(f"{output} written; a rule file that begins with the line\n"
               f"# yaml-language-server: $schema={output}\n"
               "is completed and checked by editors", err=True)  # fmt: skip


def schema_text(pack: bool = False) -> str:
    """The JSON Schema of rule files or packs, made from the model that validates them."""
    from archlint.contracts.rulefile.json_schema import document

    return json.dumps(document(pack), indent=2) + "\n"
