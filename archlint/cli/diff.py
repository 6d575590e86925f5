"""``archlint diff``: compare the accepted sizes of two models or lock files."""

from __future__ import annotations

from pathlib import Path

import click

from archlint.cli.exit_codes import CannotRun
from archlint.cli.html_output import html_option, write_page
from archlint.cli.infer import (
    accepted_sets,
    infer_job,
    input_option,
    mode_option,
    paths_option,
    read_input,
    seconds_option,
)


@click.command()
@click.argument("old")
@click.argument("new")
@input_option
@mode_option
@html_option
@paths_option
@seconds_option
@click.pass_context
def diff(
    ctx: click.Context,
    old: str,
    new: str,
    input_: str | None,
    modes: tuple[str, ...],
    html: Path | None,
    paths: int,
    seconds: float,
) -> None:
    """Compare the accepted sizes of two models or two lock files.

    OLD and NEW are both lock files, or both targets such as pkg.mod:factory. The report names the
    smallest size that differs, and the layer that causes it.

    Exit code: 0 if they are the same; 1 if they differ or could not be compared; 2 if something
    could not run.
    """
    from archlint.errors import ArchlintError
    from archlint.project.compare import compare
    from archlint.project.lock_check import change_text, changes
    from archlint.project.lock_file import read

    files = [Path(p).is_file() for p in (old, new)]
    if files[0] != files[1]:
        raise click.UsageError("OLD and NEW must both be lock files, or both be targets.")
    if all(files):
        try:
            before, after = read(Path(old)).entries, read(Path(new)).entries
        except ArchlintError as e:
            raise CannotRun(str(e)) from e
        changed = changes(before, after)
        only = [("-", *key) for key in before.keys() - after.keys()]
        only += [("+", *key) for key in after.keys() - before.keys()]
    else:
        input = read_input(input_)
        jobs = [
            infer_job(target, input, mode, paths, seconds)
            for mode in modes or ("eval",)
            for target in (old, new)
        ]
        sets = accepted_sets(jobs)
        pairs = zip(sets[::2], sets[1::2], strict=True)
        changed = [c for b, a in pairs if (c := compare(b, a)).word != "same"]
        only = []
    blocks = [change_text(change) for change in changed]
    blocks += [" ".join((sign, name, mode, input)) for sign, name, input, mode in sorted(only)]
    report = "\n\n".join(blocks) if blocks else "same"
    if html is not None:
        from archlint.report.page.diff_page import diff_page

        differences = [(c.before, c.after, change_text(c)) for c in changed]
        write_page(html, diff_page(differences, report))
    click.echo(report)
    ctx.exit(int(bool(blocks)))
