"""Waivers and the baseline in ``archlint check``: options, updating, and marking verdicts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from archlint.cli.exit_codes import writing
from archlint.contracts.text_layout import counted, counts_text

if TYPE_CHECKING:
    from archlint.contracts.contract import RuleFile
    from archlint.contracts.job import Job
    from archlint.contracts.verdict import Verdict
    from archlint.project.adoption.contract_case import Case
    from archlint.project.adoption.project_adoption import Adoption

Command = TypeVar("Command", bound=Callable[..., Any])


def adoption_options(command: Command) -> Command:
    """``--write-baseline`` and ``--no-baseline``."""
    command = click.option(
        "--no-baseline", is_flag=True,
        help="Ignore archlint-baseline.json: the violations in it fail as well.",
    )(command)  # fmt: skip
    return click.option(
        "--write-baseline", is_flag=True,
        help="Write the current violations to archlint-baseline.json; later runs ignore them.",
    )(command)  # fmt: skip


def load_adoptions(files: Sequence[RuleFile], write: bool, ignore: bool) -> dict[Path, Adoption]:
    """The adoption of each project, by its root.

    ``write`` and ``ignore``: the options. Raises ``ArchlintError`` if a baseline cannot be read.
    """
    from archlint.project.adoption.project_adoption import Adoption

    if write and ignore:
        raise click.UsageError("--write-baseline cannot be combined with --no-baseline")
    return {root: Adoption.of(root, not ignore) for root in dict.fromkeys(map(_root, files))}


def apply_adoptions(
    adoptions: dict[Path, Adoption],
    files: Sequence[RuleFile],
    jobs: Sequence[Job],
    verdicts: Sequence[Verdict],
    *,
    complete: bool,
    write: bool,
) -> list[Verdict]:
    """The verdicts with waivers and the baseline applied, then those on unused entries of both.

    ``complete``: the run covers all rule files of the projects. With ``write``, the baseline is
    updated first.
    """
    from archlint.project.adoption.contract_case import case_of

    results = {case_of(j.contract, j.ref.name): v for j, v in zip(jobs, verdicts, strict=True)}
    unused: list[Verdict] = []
    for root, adoption in adoptions.items():
        own_files = [rules for rules in files if _root(rules) == root]
        if write:
            adoption = adoptions[root] = _write_baseline(adoption, own_files, results, complete)
        unused += adoption.unused(own_files, results, complete)
    return [*map(adopter(adoptions, files), jobs, verdicts), *unused]


def adopter(
    adoptions: dict[Path, Adoption], files: Sequence[RuleFile]
) -> Callable[[Job, Verdict], Verdict]:
    """The function that marks one verdict if it is waived or in the baseline.

    A verdict of a contract that is in none of ``files`` stays as it is.
    """
    from archlint.project.adoption.contract_case import all_cases, case_of

    rules_of = {case: rules for rules in files for case in all_cases(rules.contracts)}

    def adopt(job: Job, verdict: Verdict) -> Verdict:
        rules = rules_of.get(case_of(job.contract, job.ref.name))
        return verdict if rules is None else adoptions[_root(rules)].apply(verdict, rules)

    return adopt


def _write_baseline(
    adoption: Adoption, files: Sequence[RuleFile], results: dict[Case, Verdict], complete: bool
) -> Adoption:
    """Write the updated baseline and print what changed. Returns the adoption with it."""
    from archlint.contracts.settings import shorten
    from archlint.project.adoption import baseline
    from archlint.project.adoption.project_adoption import Adoption

    before = adoption.baseline
    entries = adoption.updated_baseline(files, results, complete)
    path = adoption.root / baseline.NAME
    if not entries and not path.exists():
        return adoption
    with writing(path):
        path.write_text(baseline.text(entries), encoding="utf-8")
    counts = {
        "new": sum(e.key not in before for e in entries),
        "changed": sum(e.key in before and not e.same(before[e.key]) for e in entries),
        "removed": len(before.keys() - {e.key for e in entries}),
    }
    changes = counts_text(counts) or "unchanged"
    violations = counted(len(entries), "violation")
    click.echo(f"{shorten(path)}: {violations} ({changes})", err=True)
    return Adoption.of(adoption.root)


def _root(rules: RuleFile) -> Path:
    from archlint.contracts.settings import project_root

    return project_root(rules.path.parent)
