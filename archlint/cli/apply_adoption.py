"""Waivers and the baseline, for ``archlint check``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from archlint.cli.run_jobs import CannotRun

if TYPE_CHECKING:
    from archlint.contracts.contract import RuleFile
    from archlint.contracts.job import Job
    from archlint.contracts.verdict import Verdict
    from archlint.project.adoption.contract_case import Case
    from archlint.project.adoption.project_adoption import Adoption

Command = TypeVar("Command", bound=Callable[..., Any])


def adopt_options(command: Command) -> Command:
    """``--write-baseline`` and ``--no-baseline``."""
    command = click.option(
        "--no-baseline", is_flag=True, help="Breaches in archlint-baseline.json count as well.",
    )(command)  # fmt: skip
    return click.option(
        "--write-baseline", is_flag=True,
        help="Keep today's breaches in archlint-baseline.json; later runs do not fail on them.",
    )(command)  # fmt: skip


def projects(files: Sequence[RuleFile], write: bool, ignore: bool) -> dict[Path, Adoption]:
    """By its root, what each project has agreed to live with. Raises ``CannotRun``."""
    from archlint.errors import ArchlintError
    from archlint.project.adoption.project_adoption import Adoption

    if write and ignore:
        raise click.UsageError("--write-baseline and --no-baseline exclude each other.")
    try:
        return {root: Adoption.of(root, not ignore) for root in dict.fromkeys(map(_root, files))}
    except ArchlintError as e:
        raise CannotRun(str(e)) from e


def adopt(
    adoptions: dict[Path, Adoption],
    files: Sequence[RuleFile],
    jobs: Sequence[Job],
    verdicts: Sequence[Verdict],
    *,
    whole: bool,
    write: bool,
) -> list[Verdict]:
    """The verdicts, those that are waived marked; then those on what is waived in vain.

    ``whole``: there are no other rule files. With ``write`` the baseline is written first.
    """
    from archlint.project.adoption.contract_case import case

    decided = {case(j.contract, j.ref.name): v for j, v in zip(jobs, verdicts, strict=True)}
    homes = {place: rules for rules in files for place in _places(rules)}
    stale: list[Verdict] = []
    for root, adoption in adoptions.items():
        mine = [rules for rules in files if _root(rules) == root]
        if write:
            adoption = adoptions[root] = _written(adoption, mine, decided, whole)
        stale += adoption.stale(mine, decided, whole)
    marked = []
    for job, verdict in zip(jobs, verdicts, strict=True):
        rules = homes[case(job.contract, job.ref.name)]
        marked.append(adoptions[_root(rules)].adopted(verdict, rules))
    return marked + stale


def _written(
    adoption: Adoption, files: Sequence[RuleFile], decided: dict[Case, Verdict], whole: bool
) -> Adoption:
    """With the baseline as it is now in its file."""
    from archlint.contracts.settings import shorten
    from archlint.project.adoption import baseline
    from archlint.project.adoption.project_adoption import Adoption

    before = adoption.known
    entries = adoption.updated(files, decided, whole)
    path = adoption.root / baseline.NAME
    if not entries and not path.exists():
        return adoption
    try:
        path.write_text(baseline.text(entries), encoding="utf-8")
    except OSError as e:
        raise CannotRun(f"{path} cannot be written: {e.strerror}") from e
    new = sum(e.key not in before for e in entries)
    changed = sum(e.key in before and not e.same(before[e.key]) for e in entries)
    gone = len(before.keys() - {e.key for e in entries})
    parts = {"new": new, "changed": changed, "removed": gone}
    told = ", ".join(f"{n} {word}" for word, n in parts.items() if n) or "as before"
    breaches = f"{len(entries)} breach{'es' * (len(entries) != 1)}"
    click.echo(f"{shorten(path)}: {breaches} ({told})", err=True)
    return Adoption.of(adoption.root)


def _places(rules: RuleFile) -> list[Case]:
    from archlint.project.adoption.contract_case import every

    return every(rules.contracts)


def _root(rules: RuleFile) -> Path:
    from archlint.contracts.settings import project_root

    return project_root(rules.path.parent)
