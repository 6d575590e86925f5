"""``archlint rules schema``: the JSON Schema of rule files and packs."""

from __future__ import annotations

import json
from pathlib import Path

import click

from archlint.cli.exit_codes import writing


@click.command()
@click.option("--output", "-o", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Write the schema to FILE instead of stdout.")  # fmt: skip
@click.option("--pack", is_flag=True, help="The schema of packs instead of rule files.")
def schema(output: Path | None, pack: bool) -> None:
    """Print the JSON Schema of rule files, which editors use to complete and check them.

    Editors with a YAML language server use it for a rule file whose first line is
    "# yaml-language-server: $schema=FILE".
    """
    text = schema_text(pack)
    if output is None:
        click.echo(text, nl=False)
        return
    with writing(output):
        output.write_text(text, encoding="utf-8")
    click.echo(f"{output} written. Editors use it for rule files with the first line\n"
               f"# yaml-language-server: $schema={output}", err=True)  # fmt: skip


def schema_text(pack: bool = False) -> str:
    """The JSON Schema of rule files, or of packs, generated from the model that validates them."""
    from archlint.contracts.rulefile.json_schema import document

    return json.dumps(document(pack), indent=2) + "\n"
