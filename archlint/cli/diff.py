"""``archlint diff``: compare the accepted sizes of two models, lock files or revisions."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archlint.cli.exit_codes import CannotRun
from archlint.cli.html_output import html_option, write_page
from archlint.cli.infer import (
    INFER,
    accepted_sets,
    infer_job,
    input_option,
    modes_option,
    paths_option,
    read_input,
    seconds_option,
)
from archlint.cli.next_step import suggest
from archlint.cli.run_jobs import run_jobs
from archlint.errors import RuleFileError, visible

if TYPE_CHECKING:
    from archlint.contracts.accepted_set import AcceptedSet
    from archlint.contracts.contract import Input
    from archlint.contracts.job import Job
    from archlint.project.compare import Change
    from archlint.project.revision import Revision


_REVISION = re.compile(r"[^/].*[^./]\.\.|\w\.\.")
"""A revision as git writes what came after it: ``main..``. The path of a folder is none."""


@click.command()
@click.argument("targets", nargs=-1, metavar="[OLD NEW]")
@click.option("--rev", metavar="REV", help="Compare the models of rule files, or one TARGET, with "
              "this git revision: main, HEAD~3, v1.2.")  # fmt: skip
@input_option
@modes_option
@html_option
@paths_option
@seconds_option
@click.pass_context
def diff(
    ctx: click.Context,
    targets: tuple[str, ...],
    rev: str | None,
    input_: str | None,
    modes: tuple[str, ...],
    html: Path | None,
    paths: int,
    seconds: float,
) -> None:
    """Compare the accepted sizes of two models, lock files, or revisions.

    OLD and NEW are lock files, or targets such as pkg.mod:factory. The report names the
    smallest size that differs, and the layer that causes it. archlint diff --rev main, or
    archlint diff main.., shows what the working copy changed: the files of the revision are read
    from git into a temporary folder, and nothing in the repository changes.

    Exit code: 0 if they are the same; 1 if they differ or could not be compared; 2 if something
    could not run.
    """
    from archlint.project.lock_check import change_text

    if rev is None and (since := [t for t in targets if _REVISION.fullmatch(t)]):
        rev, targets = since[0][:-2], tuple(t for t in targets if t != since[0])
    if rev is not None and len(targets) <= 1:
        input = read_input(input_)
        changed, only = _with_revision(rev, targets, input, modes or ("eval",), paths, seconds)
    elif rev is None and len(targets) == 2:
        changed, only = _of_two(*targets, input_, modes, paths, seconds)
    else:
        raise click.UsageError("expected OLD and NEW, or --rev REV with at most one TARGET")
    blocks = [*map(change_text, changed), *only]
    report = "\n\n".join(blocks) if blocks else "same"
    if html is not None:
        from archlint.report.page.diff_page import diff_page

        differences = [(c.before, c.after, change_text(c)) for c in changed]
        write_page(html, diff_page(differences, report))
    click.echo(visible(report))
    suggest(_next(targets, rev, bool(blocks)))
    ctx.exit(int(bool(blocks)))


def _next(targets: Sequence[str], rev: str | None, differ: bool) -> str:
    if not differ:
        return "archlint check also checks that every contract holds"
    if not targets:
        return "archlint check shows which contracts fail; archlint lock --update accepts a change"
    if Path(targets[-1]).is_file():
        return "archlint explain TARGET shows why a model accepts just these sizes"
    return f"archlint explain {shlex.quote(targets[-1])} shows why, layer by layer"


def _with_revision(
    rev: str,
    targets: Sequence[str],
    input: Input,
    modes: Sequence[str],
    paths: int,
    seconds: float,
) -> tuple[list[Change], list[str]]:
    """The changes since a revision, of the models of the default rule files or of one target.

    A model of rule files is what those of the revision say, if they have one of its name, input and
    mode. The second list has a line for each model that only one of the two has.
    """
    from archlint.cli.select_jobs import load_jobs
    from archlint.project.compare import compare
    from archlint.project.lock_check import infer_jobs, key_of_job
    from archlint.project.revision import revision

    if targets:
        jobs = [infer_job(t, input, mode, paths, seconds) for t in targets for mode in modes]
    else:
        selected, mistakes = load_jobs(())
        if mistakes:
            raise RuleFileError(mistakes)
        jobs = infer_jobs(selected)
    with revision(rev, Path.cwd()) as old, old.importable(jobs):
        ruled = [] if targets else _jobs_of_revision(old, rev)
        gone = {(job.root, *key_of_job(job)): job for job in ruled}
        same = [old.job(job) for job in jobs]
        same = [gone.pop((job.root, *key_of_job(job)), job) for job in same]
        before = run_jobs(same, 1, check=INFER)
    after = run_jobs(jobs, 1, check=INFER)
    changed = []
    only = []
    for job in gone.values():
        about = _about(job.ref.name, job.contract.input, job.contract.mode)
        only.append(f"- {about}   no longer under contract")
    for was, now in zip(before, after, strict=True):
        if was.entry is not None and now.entry is not None:
            change = compare(was.entry, now.entry)
            changed += [] if change.same else [change]
        elif was.entry is None and now.entry is None:
            raise CannotRun(f"{now.model}: {now.message}")
        else:
            sign, failed, where = ("-", now, "now") if now.entry is None else ("+", was, rev)
            entry = was.entry or now.entry
            assert entry is not None
            about = _about(entry.model, entry.input, entry.mode)
            only.append(f"{sign} {about}   fails at {where}: {failed.message}")
    return changed, only


_UNREAD = (
    "the rule files of {rev} cannot be read, so the models of the working copy's rule files are "
    "compared, and models that are no longer under contract are not listed:"
)


def _jobs_of_revision(old: Revision, rev: str) -> list[Job]:
    """The jobs of the default rule files that a revision has, on its files.

    Files that cannot be read are named on stderr; without any, there are no jobs.
    """
    from archlint.cli.select_jobs import load_jobs
    from archlint.contracts.settings import default_files
    from archlint.errors import ArchlintError
    from archlint.project.lock_check import infer_jobs

    here = Path.cwd()
    try:
        os.chdir(old.path(here))
        default_files()
    except (ArchlintError, OSError):  # it has no rule files, or not this folder
        os.chdir(here)
        return []
    try:
        jobs, mistakes = load_jobs(())
        problems = [str(mistake) for mistake in mistakes]
    except (ArchlintError, CannotRun) as e:
        jobs, problems = [], [str(e)]
    finally:
        os.chdir(here)
    if problems:
        click.echo(visible(_UNREAD.format(rev=rev) + "\n" + "\n".join(problems)), err=True)
    return [old.job(job) for job in infer_jobs(jobs)]


def _about(model: str, input: Input, mode: str) -> str:
    from archlint.contracts.accepted_set import input_text

    return f"{model}   {input_text(input)}   {mode}"


def _of_two(
    old: str,
    new: str,
    input_: str | None,
    modes: Sequence[str],
    paths: int,
    seconds: float,
) -> tuple[list[Change], list[str]]:
    """The changes between two lock files or targets, and the entries that only one file has."""
    from archlint.project.compare import compare
    from archlint.project.lock_check import changes
    from archlint.project.lock_file import read

    files = [Path(p).is_file() for p in (old, new)]
    for path in (old, new):
        if path.endswith(".lock") and not Path(path).is_file():
            raise CannotRun(f"{path}: this file does not exist; archlint lock writes one")
    if files[0] != files[1]:
        lock, target = (old, new) if files[0] else (new, old)
        locked = _entries(Path(lock), target, read_input(input_), modes)
        jobs = [infer_job(target, e.input, e.mode, paths, seconds) for e in locked]
        pairs = zip(locked, accepted_sets(jobs), strict=True)
        both = (compare(e, now) if files[0] else compare(now, e) for e, now in pairs)
        return [c for c in both if not c.same], []
    if all(files):
        before, after = read(Path(old)).entries, read(Path(new)).entries
        changed = changes(before, after)
        keys = [("-", *key) for key in before.keys() - after.keys()]
        keys += [("+", *key) for key in after.keys() - before.keys()]
    else:
        input = read_input(input_)
        jobs = [
            infer_job(target, input, mode, paths, seconds)
            for mode in modes or ("eval",)
            for target in (old, new)
        ]
        sets = accepted_sets(jobs)
        pairs = zip(sets[::2], sets[1::2], strict=True)
        changed = [c for b, a in pairs if not (c := compare(b, a)).same]
        keys = []
    only = [
        "   ".join((f"{sign} {name}", input.strip('"'), mode))
        for sign, name, input, mode in sorted(keys)
    ]
    return changed, only


def _entries(path: Path, target: str, input: Input, modes: Sequence[str]) -> list[AcceptedSet]:
    """The entries of a lock file for a target. Raises ``CannotRun`` if it has none.

    These are the entries of its name in a rule file, with this input and in these modes, if any.
    """
    from archlint.cli.model_argument import names_of
    from archlint.contracts.suggestions import did_you_mean, listed
    from archlint.project.lock_file import key, read

    entries = read(path).entries
    names = names_of(target)
    known = list(dict.fromkeys(name for name, *_ in entries))
    own = {at: e for at, e in entries.items() if at[0] in names}
    if not own:
        hint = did_you_mean(target, known) or f"; it has {listed(known)}"
        raise CannotRun(f"{path} has no entry of {target!r}{hint}")
    wanted = {
        at: e
        for at, e in own.items()
        if (not modes or e.mode in modes) and (not input or key(at[0], input, at[2]) == at)
    }
    if not wanted:
        there = listed([f"{mode}, {text.strip(chr(34))}" for _, text, mode in own])
        raise CannotRun(
            f"{path} has no entry of {target!r} with this input and mode; it has {there}"
        )
    return list(wanted.values())
