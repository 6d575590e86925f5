"""``archlint lock`` and ``archlint diff``: what models accept, kept and compared."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archlint.cli.infer import (
    BY,
    found,
    input_option,
    job,
    mode_option,
    paths_option,
    read_input,
    seconds_option,
)
from archlint.cli.run_jobs import CannotRun, decide
from archlint.cli.select_jobs import load

if TYPE_CHECKING:
    from archlint.contracts.accepted_set import AcceptedSet
    from archlint.contracts.job import Job
    from archlint.contracts.verdict import Verdict
    from archlint.project.lock_file import Key, Lock


@click.command()
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("--update", is_flag=True, help="Take what is true now, also where it changed.")
@click.option("--jobs", "-j", type=click.IntRange(min=1), default=1, show_default=True,
              metavar="N", help="Worker processes; each imports torch.")  # fmt: skip
@click.pass_context
def lock(ctx: click.Context, paths: tuple[str, ...], update: bool, jobs: int) -> None:
    """Write down what the models under contract accept, in archlint.lock.

    PATH is as in archlint check; with one, the entries of other models stay as they are. A model
    that is new is added. If one has changed, nothing is written without --update.

    Exit code: 0 written, or as it was; 1 a model has changed; 2 something could not be run.
    """
    from archlint.project import lock_check as locking
    from archlint.project.lock_file import text

    asked, answers = ask(paths, jobs)
    failed = [v for v in answers if v.entry is None]
    changed = False
    for root in dict.fromkeys(j.root for j in asked):
        path, before = known(root)
        entries = [v.entry for j, v in zip(asked, answers, strict=True) if j.root == root]
        now = locking.by_key(e for e in entries if e is not None)
        changes = locking.changes(before.entries, now)
        for change in changes:
            click.echo(locking.told(change) + "\n")
        if changes and not update:
            changed = True
            continue
        kept = before.entries if paths or failed else {}
        after = text({**kept, **now}.values())
        if not path.exists() or path.read_text(encoding="utf-8") != after:
            path.write_text(after, encoding="utf-8")
        click.echo(f"{path.name}: {_counted(before.entries, now, len(changes))}")
    for verdict in failed:
        click.echo(f"{verdict.model}: {verdict.message}", err=True)
    if changed:
        click.echo("archlint lock --update takes these changes", err=True)
    ctx.exit(2 if failed else int(changed))


def ask(paths: Sequence[str], count: int) -> tuple[list[Job], list[Verdict]]:
    """What the models of rule files accept. ``CannotRun`` if a rule file cannot be read."""
    from archlint.errors import ArchlintError
    from archlint.project.lock_check import questions

    try:
        todo, mistakes = load(paths, (), (), None)
    except ArchlintError as e:
        raise CannotRun(str(e)) from e
    if mistakes:
        raise CannotRun("\n".join(map(str, mistakes)))
    asked = questions(todo)
    return asked, decide(asked, count, progress=sys.stderr.isatty(), by=BY)


def held(todo: Sequence[Job], count: int, whole: bool) -> list[Verdict]:
    """Whether the models of ``todo`` accept what their lock files say.

    ``whole``: there are no other models. ``CannotRun`` where there is no lock file.
    """
    from archlint.contracts.settings import shorten
    from archlint.project import lock_check as locking

    asked = locking.questions(todo)
    locks = {root: known(root) for root in dict.fromkeys(j.root for j in asked)}
    for path, _ in locks.values():
        if not path.exists():
            raise CannotRun(f"there is no {shorten(path)}; archlint lock writes it")
    answers = decide(asked, count, progress=sys.stderr.isatty(), by=BY)
    verdicts = []
    for root, (path, lock) in locks.items():
        mine = [(j, v) for j, v in zip(asked, answers, strict=True) if j.root == root]
        questions, now = [j for j, _ in mine], [v for _, v in mine]
        verdicts += locking.held(lock, str(shorten(path)), now, questions, whole)
    return verdicts


def known(root: Path) -> tuple[Path, Lock]:
    """The lock file of a project and what it says; empty if there is none."""
    from archlint.errors import ArchlintError
    from archlint.project.lock_file import NAME, Lock, read

    path = root / NAME
    try:
        return path, read(path) if path.exists() else Lock({}, {})
    except ArchlintError as e:
        raise CannotRun(str(e)) from e


def _counted(before: dict[Key, AcceptedSet], now: dict[Key, AcceptedSet], changed: int) -> str:
    new = len(now.keys() - before.keys())
    parts = {"new": new, "changed": changed, "as before": len(now) - new - changed}
    return ", ".join(f"{n} {word}" for word, n in parts.items() if n) or "no models"


@click.command()
@click.argument("old")
@click.argument("new")
@input_option
@mode_option
@paths_option
@seconds_option
@click.pass_context
def diff(
    ctx: click.Context,
    old: str,
    new: str,
    input_: str | None,
    modes: tuple[str, ...],
    paths: int,
    seconds: float,
) -> None:
    """Say by which sizes NEW accepts more or less than OLD, and which layer does it.

    Both are lock files, or both are targets such as pkg.mod:factory.

    Exit code: 0 the same; 1 different, or it could not be decided; 2 something could not be run.
    """
    from archlint.errors import ArchlintError
    from archlint.project import lock_check as locking
    from archlint.project.compare import compare
    from archlint.project.lock_file import read

    files = [Path(p).is_file() for p in (old, new)]
    if files[0] != files[1]:
        raise click.UsageError("OLD and NEW must both be lock files, or both be targets.")
    if all(files):
        try:
            before, after = read(Path(old)).entries, read(Path(new)).entries
        except ArchlintError as e:
            raise CannotRun(str(e)) from e
        changes = locking.changes(before, after)
        only = [("-", *at) for at in before.keys() - after.keys()]
        only += [("+", *at) for at in after.keys() - before.keys()]
    else:
        input = read_input(input_)
        both = [job(t, input, m, paths, seconds) for m in modes or ("eval",) for t in (old, new)]
        entries = found(both)
        pairs = zip(entries[::2], entries[1::2], strict=True)
        changes = [c for b, a in pairs if (c := compare(b, a)).word != "same"]
        only = []
    blocks = [locking.told(change) for change in changes]
    blocks += [" ".join((sign, name, mode, input)) for sign, name, input, mode in sorted(only)]
    click.echo("\n\n".join(blocks) if blocks else "same")
    ctx.exit(int(bool(blocks)))
