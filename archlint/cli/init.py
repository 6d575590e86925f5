"""``archlint init``: the first rule file of a project."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archlint.cli.cache import recalled
from archlint.cli.infer import BY
from archlint.cli.run_jobs import CannotRun, decide

if TYPE_CHECKING:
    from archlint.contracts.job import Job
    from archlint.project.discover.candidates import Discovered, Found
    from archlint.report.starter_rules import Asked, Others

DEFAULT = Path("contracts", "models.archlint.yaml")  # under the project's root
SCHEMA = "archlint.schema.json"
PATHS = 128  # runs on symbolic sizes for one model, as in archlint infer


@click.command()
@click.argument("path", default=".", type=click.Path(exists=True, path_type=Path))
@click.option("--output", "-o", metavar="FILE", help="Write it there; - prints it.  "
              f"[default: {DEFAULT.as_posix()} of the project]")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Print it, and write nothing.")
@click.option("--seconds", type=click.FloatRange(min=0, min_open=True), default=30.0,
              show_default=True, metavar="S", help="Seconds for one model, at most.")  # fmt: skip
@click.option("--jobs", "-j", type=click.IntRange(min=1), default=1, show_default=True,
              metavar="N", help="Worker processes; each imports torch.")  # fmt: skip
def init(path: Path, output: str | None, dry_run: bool, seconds: float, jobs: int) -> None:
    """Find models and write a first rule file of what they accept.

    PATH is a folder or a Python file, the current folder unless said. Found are classes of
    nn.Module and functions that return one, as far as they can be built without arguments. Tests,
    hidden folders and virtual environments are passed over, and so is what is only part of another
    model. They are found by reading; then each is built in a process of its own.

    A file is never overwritten, and every contract in it was checked.

    Exit code: 0 written or printed; 2 the file exists, or there is nothing to write.
    """
    from archlint.contracts.settings import project_root, shorten
    from archlint.project.discover.candidates import discover

    place = path.resolve()
    root = project_root(place if place.is_dir() else place.parent)
    printed = dry_run or output == "-"
    file = root / DEFAULT if output in (None, "-") else Path(str(output)).absolute()
    if file.exists() and not printed:
        raise CannotRun(
            f"{shorten(file)} exists and stays as it is; --output names another file, "
            "--dry-run prints"
        )
    found = discover(place, root)
    asked = _ask(found, file, root, seconds, jobs)
    if not asked:
        raise CannotRun(_none(found, shorten(place)))
    others = _others(found, asked, file.parent)
    text, asked = _checked(asked, others, file, root, jobs, cache=not printed)
    if printed:
        click.echo(text, nl=False)
    else:
        _write(file, text)
    click.echo(_summary(asked, others, "" if printed else str(shorten(file))), err=printed)


def _ask(found: Discovered, file: Path, root: Path, seconds: float, count: int) -> list[Asked]:
    """What each model accepts; a part is asked only if all that it is a part of failed."""
    from archlint.report.starter_rules import Asked

    asked: dict[Found, Asked] = {}
    failed: set[Found] = set()
    while ready := found.ready(asked.keys(), failed):
        jobs = [_question(model, file, root, seconds) for model in ready]
        verdicts = decide(jobs, count, progress=sys.stderr.isatty(), by=BY)
        for model, job, verdict in zip(ready, jobs, verdicts, strict=True):
            entry = verdict.entry
            told = Asked(model.name, job.ref.target, model.about, entry, verdict.message)
            asked[model] = _readable(told) if entry else told
            if not asked[model].contract:
                failed.add(model)
    return [asked[model] for model in found.buildable if model in asked]


def _readable(asked: Asked) -> Asked:
    """With a reason instead of a contract where no rule file could hold that."""
    from archlint.contracts.rulefile.load import loads
    from archlint.errors import RuleFileError
    from archlint.report.starter_rules import Others, rule_file

    told = replace(asked, reason="")
    if told.contract:
        try:
            loads(rule_file([told], Others(), SCHEMA))
        except RuleFileError as e:
            return replace(
                told, reason=f"what it accepts takes too many words: {e.mistakes[0].found}"
            )
    return told


def _question(model: Found, file: Path, root: Path, seconds: float) -> Job:
    from archlint.contracts.contract import Budget, Contract, ModelRef, SizeClause
    from archlint.contracts.job import Job
    from archlint.errors import Location

    budget = Budget(PATHS, seconds)
    contract = Contract("init", [], SizeClause("any", True, "any size"), budget=budget)
    target = model.target(file.parent)
    return Job(contract, ModelRef(model.name, target, where=Location(str(file), 1)), root)


def _checked(
    asked: Sequence[Asked], others: Others, file: Path, root: Path, count: int, cache: bool
) -> tuple[str, list[Asked]]:
    """The rule file, with only those contracts that hold; what it says of each model.

    ``CannotRun`` if no contract is left.
    """
    from archlint.contracts.job import Job
    from archlint.contracts.rulefile.load import loads
    from archlint.contracts.settings import shorten
    from archlint.report.starter_rules import reasons, rule_file

    asked = list(asked)
    while any(a.contract for a in asked):
        text = rule_file(asked, others, SCHEMA)
        rules = loads(text, str(shorten(file)))
        jobs = [Job(c, ref, root) for c in rules.contracts for ref in c.models]
        todo, known = recalled(jobs, cache)
        verdicts = decide(todo, count, progress=sys.stderr.isatty(), known=known)
        wrong = {v.model: f"{v.word}: {v.message}" for v in verdicts if not v}
        if not wrong:
            return text, asked
        asked = [replace(a, reason=wrong.get(a.name, a.reason)) for a in asked]
    raise CannotRun("no contract was found, nothing is written\n" + reasons(asked))


def _others(found: Discovered, asked: Sequence[Asked], rules: Path) -> Others:
    from archlint.contracts.settings import shorten
    from archlint.report.starter_rules import Others

    names = {a.name for a in asked}
    return Others(
        [m.target(rules) for m in found.buildable if m.name not in names],
        [f"{m.target(rules)} ({', '.join(m.needs)})" for m in found.needing],
        [f"{shorten(file.path)}: {why}" for file, why in found.unread.items()],
    )


def _write(file: Path, text: str) -> None:
    """The rule file, and beside it the schema for editors."""
    from archlint.cli.rules_validate import schema_text

    schema = file.parent / SCHEMA
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8") as opened:
            opened.write(text)
        if not schema.exists():
            schema.write_text(schema_text(), encoding="utf-8")
    except OSError as e:
        raise CannotRun(f"{e.filename} cannot be written: {e.strerror}") from e


def _none(found: Discovered, place: Path) -> str:
    files = f"{found.files} Python file{'s' * (found.files != 1)}"
    return (
        f"no model found in {files} of {place}: looked for classes of nn.Module and functions that "
        "return one, to be built without arguments"
    )


def _summary(asked: Sequence[Asked], others: Others, file: str) -> str:
    held = sum(bool(a.contract) for a in asked)
    counts = {
        "contract that holds" if held == 1 else "contracts that hold": held,
        "without a contract": len(asked) - held,
        "left out as parts of others": len(others.parts),
        "left out for want of arguments": len(others.needing),
        f"file{'s' * (len(others.unread) != 1)} not read": len(others.unread),
    }
    told = "; ".join(f"{n} {what}" for what, n in counts.items() if n)
    return f"{file or 'not written'}: {told}"
