"""``archlint fix``: changes that make broken contracts hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from archlint.cli.exit_codes import EXIT_CANNOT_RUN, CannotRun
from archlint.cli.job_options import select_options
from archlint.cli.next_step import suggest
from archlint.cli.select_jobs import load_jobs
from archlint.contracts.text_layout import counted
from archlint.errors import visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archlint.contracts.job import Job
    from archlint.contracts.verdict import Verdict
    from archlint.errors import Location
    from archlint.explanation.fixes.find_fixes import Search
    from archlint.explanation.fixes.proposal import Fix
    from archlint.runner.patched_project import CopyServer


@click.command()
@click.argument("paths", nargs=-1, metavar="[RULES]...")
@select_options
@click.option("--write", is_flag=True, help="Apply the first fix that has a diff to your files.")
@click.option(
    "--seconds", type=click.FloatRange(min=0, min_open=True), default=60.0, show_default=True,
    metavar="S", help="Time limit for one contract and model, in seconds.",
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
    """Print proven fixes for the broken contracts of rule files.

    Each fix was applied to a copy of the model, proved for all sizes of the contract, and run. Each
    diff was applied to a copy of the project, where all contracts that use the file were checked.
    Contracts that the fix makes obsolete (accepts: only P, rejects: any P) are updated with it.
    Files change only with --write, which never narrows a contract or leaves the project's folder.

    Exit code: 0 if every broken contract has a fix, with --write if each was written; 1 if one has
    none, with --write if one still needs you; 2 if something could not run.
    """
    from archlint.contracts.verdict import Verdict
    from archlint.errors import ArchlintError

    jobs, mistakes = load_jobs(paths, select, model)
    from archlint.report import fix_text
    from archlint.runner.patched_project import CopyServer

    for mistake in mistakes:
        click.echo(mistake, err=True)
    failed, unfixed = bool(mistakes), False
    blocks: list[str] = []
    written: list[Job] = []
    updated: list[tuple[Location | None, str]] = []
    every = _jobs_of_projects(jobs)
    with CopyServer() as server:
        for job in (j for j in jobs if j.contract.enabled):
            if (job.contract.where, job.contract.id) in updated:
                continue
            found = _fixes(job, every, seconds, server)
            if isinstance(found, Verdict):
                failed = failed or found.word == "error"
                if found.word == "error":
                    about = f"{job.contract.id} · {job.ref.name}: {found.message}"
                    click.echo(visible(about), err=True)
                continue
            blocks.append(fix_text.text(job.contract, job.ref.name, found, seconds))
            unfixed = unfixed or not found.fixes
            if write:
                applied, line = _write(found.fixes)
                blocks[-1] += f"\n\n  {line}"
                if applied:
                    written.append(job)
                    updated += [(c.where, c.id) for c, _ in applied.obsolete]
    text = "\n\n".join(blocks) if blocks else "nothing to fix"
    click.echo(text.encode("utf-8", "surrogateescape"))  # a diff has the bytes of its file
    if write and blocks:
        left = len(blocks) - len(written)
        unfixed = left > 0
        needs = f", {left} need{'s' * (left == 1)} you" if left else ""
        changed = f", {counted(len(set(updated)), 'contract')} updated" if updated else ""
        click.echo(f"\n{len(written)} written{changed}{needs}")
        try:
            for line in _outdated_records(written):
                click.echo(line)
        except ArchlintError as e:
            click.echo(str(e), err=True)
    if write and blocks:
        suggest("archlint check; git diff shows what was written")
    elif not blocks:
        suggest("archlint lock records what the models accept")
    else:
        suggest("archlint fix --write applies the first fix of each contract that has a diff")
    ctx.exit(EXIT_CANNOT_RUN if failed else int(unfixed))


def _outdated_records(written: list[Job]) -> Iterator[str]:
    """What else records how the fixed models were, each with what to do about it."""
    from archlint.contracts.rulefile.load import load
    from archlint.contracts.settings import shorten
    from archlint.project import lock_file
    from archlint.project.adoption import baseline
    from archlint.project.adoption.waiver_checks import covers

    found: dict[str, None] = {}
    for job in written:
        id, model, place = job.contract.id, job.ref.name, job.contract.where
        for waiver in load(place.file).waivers if place else ():
            if covers(waiver, id, model):
                where = f"{waiver.where.file}:{waiver.where.line}"
                found[f"{where}: the waiver covers {id} · {model}, which holds now"] = None
        path = job.root / baseline.NAME
        known = baseline.read(path, str(shorten(path)))
        if any(key[1:] == (id, model) for key in known):
            found[
                f"{shorten(path)}: archlint check --write-baseline removes the entry {id} · {model}"
            ] = None
        path = job.root / lock_file.NAME
        if path.exists() and any(key[0] == model for key in lock_file.read(path).entries):
            found[f"{shorten(path)}: archlint lock --update records what {model} accepts now"] = (
                None
            )
    yield from found


def _jobs_of_projects(jobs: list[Job]) -> list[Job]:
    """``jobs``, and those of the default rule files, which a change of the source may break too."""
    from archlint.errors import ArchlintError

    try:
        more, _ = load_jobs(())
    except (ArchlintError, CannotRun):
        more = []
    unique = {(j.root, j.contract.where, j.contract.id, j.ref.name): j for j in (*more, *jobs)}
    return [j for j in unique.values() if j.contract.enabled]


def _fixes(job: Job, every: list[Job], seconds: float, server: CopyServer) -> Search | Verdict:
    """The proven fixes of a broken contract; the verdict of a contract that is not broken."""
    from archlint.engine.check_run import CheckRun
    from archlint.engine.pipeline import check_source
    from archlint.engine.verdicts import error_verdict
    from archlint.errors import ArchlintError
    from archlint.explanation.fixes.broken_contract import broken_contract, violation_of
    from archlint.explanation.fixes.find_fixes import Search
    from archlint.models.targets import resolve
    from archlint.runner.patched_project import checked_fixes
    from archlint.runtime.effort_clock import now
    from archlint.runtime.process_state import captured_output

    try:
        with resolve(job.ref, job.root) as source, captured_output():
            verdict = check_source(job.contract, source)
            if verdict.word != "broken":
                return verdict
            deadline = now() + seconds
            run = CheckRun.start(job.contract, source, deadline=deadline)
            violation = violation_of(run)
            if violation is None or violation.expected not in ("accepted", "output"):
                return Search((), () if run.seconds_left else ("all fixes",))
            others = [j for j in every if j.root == job.root and not _same_job(j, job)]
            return checked_fixes(broken_contract(run, violation), job, others, server)
    except ArchlintError as e:
        return error_verdict(job.contract, str(e))


def _same_job(one: Job, other: Job) -> bool:
    return (one.contract.id, one.ref.name, one.contract.where) == (
        other.contract.id, other.ref.name, other.contract.where
    )  # fmt: skip


def _write(fixes: Sequence[Fix]) -> tuple[Fix | None, str]:
    """Apply the first fix that may be written. Returns it, and a line about what was done."""
    from archlint.errors import ArchlintError
    from archlint.explanation.fixes.edit import write_all
    from archlint.runtime.user_frames import shown

    for fix in fixes:
        if fix.edit is not None and not fix.narrows:
            try:
                write_all([fix.edit, *fix.rule_edits])
            except (ArchlintError, OSError) as e:
                return None, f"not written: {e}; run archlint fix again"
            files = ", ".join(shown(str(e.file)) for e in (fix.edit, *fix.rule_edits))
            return fix, f"written to {files}: {fix.title}"
    if not fixes:
        return None, "nothing written"
    return None, "nothing written: none of these fixes changes one of your files"
