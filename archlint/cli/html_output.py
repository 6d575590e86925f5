"""The option ``--html``, and writing the page that it names."""

from __future__ import annotations

from pathlib import Path

import click

from archlint.cli.exit_codes import writing

html_option = click.option(
    "--html", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="Also write a page with a map of the accepted sizes: one file, for any browser.",
)  # fmt: skip


def write_page(path: Path, page: str) -> None:
    """Write a page, and the folders above it. Raises ``CannotRun``."""
    with writing(path, "--html"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page, encoding="utf-8", errors="backslashreplace")
