"""``archlint lock``, and ``--locked`` of ``archlint check``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archlint.cli.exit_codes import EXIT_CANNOT_RUN, CannotRun
from archlint.cli.infer import INFER
from archlint.cli.job_options import jobs_option, model_option
from archlint.cli.next_step import suggest
from archlint.cli.run_jobs import run_jobs
from archlint.cli.select_jobs import read_rule_files, select_jobs
from archlint.contracts.text_layout import counts_text
from archlint.errors import RuleFileError, visible

if TYPE_CHECKING:
    from archlint.contracts.accepted_set import AcceptedSet
    from archlint.contracts.job import Job
    from archlint.contracts.verdict import Verdict
    from archlint.project.lock_file import Key, Lock


@click.command()
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@model_option
@click.option("--update", is_flag=True, help="Overwrite changed entries.")
@jobs_option
@click.pass_context
def lock(
    ctx: click.Context, paths: tuple[str, ...], model: tuple[str, ...], update: bool, jobs: int
) -> None:
    """Write what the models under contract accept to archlint.lock.

    PATH is as in archlint check; with one, or with --model, entries of other models do not change.
    New models are added. If a model has changed, or an entry has no model any more, nothing is
    written without --update. Entries of models from fixtures are written by pytest
    --archlint-update-lock.

    Exit code: 0 if the file is up to date or was written; 1 if it needs --update; 2 if something
    could not run.
    """
    from archlint.project.lock_check import change_text, changes, entries_by_key, key_of_job
    from archlint.project.lock_file import text

    infer_jobs, verdicts, fixtures = _infer_all(paths, model, jobs)
    failed = [v for v in verdicts if v.entry is None]
    outdated = False
    for root in dict.fromkeys(j.root for j in (*infer_jobs, *fixtures)):
        path, before = _read_lock(root)
        entries = [v.entry for j, v in zip(infer_jobs, verdicts, strict=True) if j.root == root]
        current = entries_by_key(e for e in entries if e is not None)
        changed = changes(before.entries, current)
        for change in changed:
            click.echo(visible(change_text(change)) + "\n")
        kept = {key_of_job(j) for j in fixtures if j.root == root}
        others = {k: e for k, e in before.entries.items() if paths or model or failed or k in kept}
        gone = sorted(before.entries.keys() - others.keys() - current.keys())
        for name, input, mode in gone:
            click.echo(f"GONE  {name}   {input.strip(chr(34))}   {mode}\n")
        if (changed or gone) and not update:
            outdated = True
            continue
        after = text({**others, **current}.values())
        if not path.exists() or path.read_text(encoding="utf-8") != after:
            path.write_text(after, encoding="utf-8")
        click.echo(f"{path.name}: {_counts(before.entries, current, len(changed), len(gone))}")
    for job in fixtures:
        how = "pytest --archlint-update-lock writes its entry"
        line = f"{job.ref.name}: only pytest can build {job.ref.target}; {how}"
        click.echo(visible(line), err=True)
    for verdict in failed:
        click.echo(visible(f"{verdict.model}: {verdict.message}"), err=True)
    if outdated:
        click.echo("next: archlint lock --update accepts these changes", err=True)
    else:
        suggest("commit it; archlint check --locked reports what a later change narrows")
    ctx.exit(EXIT_CANNOT_RUN if failed else int(outdated))


def check_locked(jobs: Sequence[Job], count: int, complete: bool) -> list[Verdict]:
    """Verdicts that say whether the models of ``jobs`` accept what their lock files say.

    ``complete``: the projects have no other models. Raises ``CannotRun`` without a lock file.
    """
    from archlint.contracts.settings import shorten
    from archlint.project.lock_check import compare_with_lock, infer_jobs, key_of_job

    todo, fixtures = _without_fixtures(infer_jobs(jobs))
    locks = {root: _read_lock(root) for root in dict.fromkeys(j.root for j in todo)}
    for path, _ in locks.values():
        if not path.exists():
            raise CannotRun(f"{shorten(path)} does not exist; archlint lock writes it")
    inferred = run_jobs(todo, count, check=INFER)
    verdicts = []
    for root, (path, lock) in locks.items():
        pairs = [(j, v) for j, v in zip(todo, inferred, strict=True) if j.root == root]
        elsewhere = [key_of_job(j) for j in fixtures if j.root == root]
        verdicts += compare_with_lock(lock, str(shorten(path)), pairs, complete, elsewhere)
    return verdicts


def _without_fixtures(jobs: Sequence[Job]) -> tuple[list[Job], list[Job]]:
    """The jobs, and separately those of models that only pytest can build."""
    fixtures = [j for j in jobs if j.ref.target.startswith("fixture:")]
    return [j for j in jobs if j not in fixtures], fixtures


def _infer_all(
    paths: Sequence[str], model: Sequence[str], count: int
) -> tuple[list[Job], list[Verdict], list[Job]]:
    """Infer what the models of rule files accept: jobs, results, and jobs that only pytest can do.

    Raises ``RuleFileError``, and ``CannotRun`` if a pattern of ``model`` matches nothing.
    """
    from archlint.project.lock_check import infer_jobs

    files, mistakes = read_rule_files(paths)
    if mistakes:
        raise RuleFileError(mistakes)
    select_jobs(files, (), model, None, partial=False)  # each pattern matches
    jobs = select_jobs(files, (), (), None, partial=False)
    todo, fixtures = _without_fixtures(infer_jobs(jobs, model or ("*",)))
    return todo, run_jobs(todo, count, check=INFER), fixtures


def _read_lock(root: Path) -> tuple[Path, Lock]:
    """The path and contents of a project's lock file; empty if there is no file."""
    from archlint.project.lock_file import NAME, Lock, read

    path = root / NAME
    return path, read(path) if path.exists() else Lock({}, {})


def _counts(
    before: dict[Key, AcceptedSet], current: dict[Key, AcceptedSet], changed: int, gone: int
) -> str:
    new = len(current.keys() - before.keys())
    unchanged = len(current) - new - changed
    counts = {"new": new, "changed": changed, "removed": gone, "unchanged": unchanged}
    return counts_text(counts) or "no models"
