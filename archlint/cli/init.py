"""``archlint init``: write the first rule file of a project."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archlint.cli.exit_codes import CannotRun
from archlint.cli.infer import INFER
from archlint.cli.job_options import jobs_option
from archlint.cli.run_jobs import run_jobs, with_cache

if TYPE_CHECKING:
    from archlint.contracts.job import Job
    from archlint.project.discover.candidates import DiscoveredModel, Discovery
    from archlint.report.starter_rules import InferredModel, SkippedModels

DEFAULT = Path("contracts", "models.archlint.yaml")  # under the project's root
SCHEMA = "archlint.schema.json"
PATHS = 128  # runs on symbolic sizes for one model, as in archlint infer


@click.command()
@click.argument("path", default=".", type=click.Path(exists=True, path_type=Path))
@click.option("--output", "-o", metavar="FILE", help="Write to FILE; - prints to stdout.  "
              f"[default: {DEFAULT.as_posix()} in the project]")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Print the rule file; write nothing.")
@click.option(
    "--seconds", type=click.FloatRange(min=0, min_open=True), default=30.0, show_default=True,
    metavar="S", help="Time limit for one model, in seconds.",
)  # fmt: skip
@jobs_option
def init(path: Path, output: str | None, dry_run: bool, seconds: float, jobs: int) -> None:
    """Find models and write a first rule file of what they accept.

    PATH is a folder or a Python file; default: the current folder. archlint reads the source and
    finds subclasses of nn.Module, and functions that return one, that can be built without
    arguments. Then it builds each model in a separate process. Tests, hidden folders, virtual
    environments and parts of other models are skipped.

    An existing file is never overwritten, and every contract in the new file was checked.

    Exit code: 0 if a file was written or printed; 2 if the file exists or there is nothing to
    write.
    """
    from archlint.contracts.settings import project_root, shorten
    from archlint.project.discover.candidates import discover

    place = path.resolve()
    root = project_root(place if place.is_dir() else place.parent)
    to_stdout = dry_run or output == "-"
    file = root / DEFAULT if output in (None, "-") else Path(str(output)).absolute()
    if file.exists() and not to_stdout:
        raise CannotRun(
            f"{shorten(file)} exists and is not overwritten; --output names another file, "
            "--dry-run prints"
        )
    discovery = discover(place, root)
    models = _infer(discovery, file, root, seconds, jobs)
    if not models:
        raise CannotRun(_no_model(discovery, shorten(place)))
    skipped = _skipped(discovery, models, file.parent)
    text, models = _checked(models, skipped, file, root, jobs, cache=not to_stdout)
    if to_stdout:
        click.echo(text, nl=False)
    else:
        _write(file, text)
    click.echo(_summary(models, skipped, "" if to_stdout else str(shorten(file))), err=to_stdout)
    if not to_stdout:
        named = "" if output is None else f" {shlex.quote(str(shorten(file)))}"
        click.echo(f"next: change it to what the models must accept, then archlint check{named}")


def _infer(
    discovery: Discovery, file: Path, root: Path, seconds: float, count: int
) -> list[InferredModel]:
    """Infer what each model accepts; a part of models only if those models all fail."""
    from archlint.report.starter_rules import InferredModel

    inferred: dict[DiscoveredModel, InferredModel] = {}
    failed: set[DiscoveredModel] = set()
    while ready := discovery.ready(inferred.keys(), failed):
        jobs = [_infer_job(model, file, root, seconds) for model in ready]
        verdicts = run_jobs(jobs, count, progress=sys.stderr.isatty(), check=INFER)
        for model, job, verdict in zip(ready, jobs, verdicts, strict=True):
            entry = verdict.entry
            result = InferredModel(model.name, job.ref.target, model.about, entry, verdict.message)
            inferred[model] = _parsable(result) if entry else result
            if not inferred[model].contract:
                failed.add(model)
    return [inferred[model] for model in discovery.buildable if model in inferred]


def _parsable(model: InferredModel) -> InferredModel:
    """The model; with a reason instead of a contract if no rule file can contain the contract."""
    from archlint.contracts.rulefile.load import loads
    from archlint.errors import RuleFileError
    from archlint.report.starter_rules import SkippedModels, rule_file

    model = replace(model, reason="")
    if model.contract:
        try:
            loads(rule_file([model], SkippedModels(), SCHEMA))
        except RuleFileError as e:
            reason = f"its accepted set is too long for a rule file: {e.mistakes[0].found}"
            return replace(model, reason=reason)
    return model


def _infer_job(model: DiscoveredModel, file: Path, root: Path, seconds: float) -> Job:
    from archlint.contracts.contract import Budget, Contract, ModelRef, SizeClause
    from archlint.contracts.job import Job
    from archlint.errors import Location

    budget = Budget(PATHS, seconds)
    contract = Contract("init", [], SizeClause("any", True, "any size"), budget=budget)
    target = model.target(file.parent)
    return Job(contract, ModelRef(model.name, target, where=Location(str(file), 1)), root)


def _checked(
    models: Sequence[InferredModel],
    skipped: SkippedModels,
    file: Path,
    root: Path,
    count: int,
    cache: bool,
) -> tuple[str, list[InferredModel]]:
    """The text of the rule file with only the contracts that hold, and the models.

    A contract that does not hold becomes the reason of its model. Raises ``CannotRun`` if no
    contract holds.
    """
    from archlint.contracts.job import Job
    from archlint.contracts.rulefile.load import loads
    from archlint.contracts.settings import shorten
    from archlint.report.starter_rules import reasons, rule_file

    models = list(models)
    while any(m.contract for m in models):
        text = rule_file(models, skipped, SCHEMA)
        rules = loads(text, str(shorten(file)))
        jobs = [Job(c, ref, root) for c in rules.contracts for ref in c.models]
        jobs, done = with_cache(jobs, cache)
        verdicts = run_jobs(jobs, count, progress=sys.stderr.isatty(), done=done)
        failed = {v.model: f"{v.word}: {v.message}" for v in verdicts if not v}
        if not failed:
            return text, models
        models = [replace(m, reason=failed.get(m.name, m.reason)) for m in models]
    raise CannotRun("no contract holds, nothing is written\n" + reasons(models))


def _skipped(discovery: Discovery, models: Sequence[InferredModel], rules: Path) -> SkippedModels:
    from archlint.contracts.settings import shorten
    from archlint.report.starter_rules import SkippedModels

    names = {m.name for m in models}
    return SkippedModels(
        [m.target(rules) for m in discovery.buildable if m.name not in names],
        [f"{m.target(rules)} ({', '.join(m.needs)})" for m in discovery.needing],
        [f"{shorten(file.path)}: {why}" for file, why in discovery.unread.items()],
    )


def _write(file: Path, text: str) -> None:
    """Write the rule file, and next to it the schema for editors if there is none."""
    from archlint.cli.rules_schema import schema_text

    schema = file.parent / SCHEMA
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8") as opened:
            opened.write(text)
        if not schema.exists():
            schema.write_text(schema_text(), encoding="utf-8")
    except OSError as e:
        raise CannotRun(f"{e.filename} cannot be written: {e.strerror}") from e


def _no_model(discovery: Discovery, place: Path) -> str:
    files = f"{discovery.files} Python file{'s' * (discovery.files != 1)}"
    return (
        f"no model in {files} of {place}: archlint looks for subclasses of nn.Module and functions "
        "that return one, which can be built without arguments"
    )


def _summary(models: Sequence[InferredModel], skipped: SkippedModels, file: str) -> str:
    contracts = sum(bool(m.contract) for m in models)
    counts = {
        f"contract{'s' * (contracts != 1)}": contracts,
        f"model{'s' * (len(models) - contracts != 1)} without a contract": len(models) - contracts,
        "skipped: part of another model": len(skipped.parts),
        "skipped: needs arguments": len(skipped.needing),
        f"file{'s' * (len(skipped.unread) != 1)} not read": len(skipped.unread),
    }
    summary = "; ".join(f"{n} {what}" for what, n in counts.items() if n)
    return f"{file or 'not written'}: {summary}"
