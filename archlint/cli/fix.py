"""``archlint fix``: what would make broken contracts hold."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from archlint.cli.run_jobs import EXIT_CANNOT_RUN, CannotRun
from archlint.cli.select_jobs import load

if TYPE_CHECKING:
    from archlint.contracts.job import Job
    from archlint.contracts.verdict import Verdict
    from archlint.explanation.fixes.proposal import Fix


@click.command()
@click.argument("paths", nargs=-1, metavar="[RULES]...")
@click.option("--select", multiple=True, metavar="ID", help="Only contracts with this id or glob.")
@click.option("--model", multiple=True, metavar="NAME", help="Only models with this name or glob.")
@click.option("--write", is_flag=True, help="Change the files: the first fix that has a diff.")
@click.option(
    "--seconds", type=click.FloatRange(min=0, min_open=True), default=60.0, show_default=True,
    metavar="S", help="Seconds for one contract and model, at most.",
)  # fmt: skip
@click.pass_context
def fix(
    ctx: click.Context,
    paths: tuple[str, ...],
    select: tuple[str, ...],
    model: tuple[str, ...],
    write: bool,
    seconds: float,
) -> None:
    """Print fixes for the contracts of rule files that are broken.

    Each was applied to a copy of the model, proved for all promised sizes, and run. Files are only
    changed with --write, which never makes a promise smaller nor touches installed packages.

    Exit code: 0 nothing is broken, or each broken contract has a fix; 1 one has none; 2 something
    could not be run.
    """
    from archlint.errors import ArchlintError
    from archlint.report import fix_text as fixed

    try:
        jobs, mistakes = load(paths, select, model, None)
    except ArchlintError as e:
        raise CannotRun(str(e)) from e
    for mistake in mistakes:
        click.echo(mistake, err=True)
    failed, lost = bool(mistakes), False
    blocks = []
    for job in (j for j in jobs if j.contract.enabled):
        found = _tried(job, seconds)
        if not isinstance(found, list):
            failed = failed or found.word == "error"
            if found.word == "error":
                click.echo(f"{job.contract.id} · {job.ref.name}: {found.message}", err=True)
            continue
        blocks.append(fixed.text(job.contract, job.ref.name, found))
        lost = lost or not found
        if write:
            blocks[-1] += f"\n\n  {_write(found)}"
    click.echo("\n\n".join(blocks) if blocks else "nothing to fix")
    ctx.exit(EXIT_CANNOT_RUN if failed else int(lost))


def _tried(job: Job, seconds: float) -> list[Fix] | Verdict:
    """The fixes of a broken contract, else the verdict."""
    from archlint.engine.check_run import CheckRun
    from archlint.engine.pipeline import check_source
    from archlint.engine.verdicts import error_verdict
    from archlint.errors import ArchlintError
    from archlint.explanation.fixes.broken_contract import broken_contract, violation_of
    from archlint.explanation.fixes.find_fixes import find_fixes
    from archlint.models.targets import resolve

    try:
        with resolve(job.ref, job.root) as source:
            verdict = check_source(job.contract, source)
            if verdict.word != "broken":
                return verdict
            deadline = time.monotonic() + seconds
            run = CheckRun.start(job.contract, source, deadline=deadline)
            violation = violation_of(run)
            if violation is None or violation.expected != "accepted":
                return []
            return find_fixes(broken_contract(run, violation), ref=job.ref, root=job.root)
    except ArchlintError as e:
        return error_verdict(job.contract, str(e))


def _write(found: list[Fix]) -> str:
    """Apply the first fix that may be written."""
    from archlint.errors import ArchlintError
    from archlint.runtime.user_frames import shown

    for each in found:
        if each.edit is not None and not each.edit.installed and not each.narrows:
            try:
                each.edit.write()
            except (ArchlintError, OSError) as e:
                return f"not written: {e}; run archlint fix again"
            return f"written to {shown(str(each.edit.file))}: {each.title}"
    return "nothing was written: no fix here changes a file of yours"
