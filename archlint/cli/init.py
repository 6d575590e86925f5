"""``archlint init``: write the first rule file of a project, or add new models to it."""

from __future__ import annotations

import re
import shlex
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archlint.cli.exit_codes import EXIT_INTERRUPTED, CannotRun
from archlint.cli.first_rules import ExistingRules, FirstRules
from archlint.cli.job_options import jobs_option
from archlint.contracts.text_layout import counted

if TYPE_CHECKING:
    from archlint.project.discover.candidates import Discovery

DEFAULT = Path("contracts", "models.archlint.yaml")  # under the project's root


@click.command()
@click.argument("path", default=".", type=click.Path(exists=True, path_type=Path))
@click.option("--output", "-o", metavar="FILE", help="Write to FILE; - prints to stdout.  "
              f"[default: {DEFAULT.as_posix()} in the project]")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Print the rule file; write nothing.")
@click.option(
    "--seconds", type=click.FloatRange(min=0, min_open=True), default=20.0, show_default=True,
    metavar="S", help="Time limit for one model, in seconds.",
)  # fmt: skip
@click.option("--online", is_flag=True, help="Let models download weights while they are built.")
@jobs_option
@click.pass_context
def init(
    ctx: click.Context,
    path: Path,
    output: str | None,
    dry_run: bool,
    seconds: float,
    online: bool,
    jobs: int,
) -> None:
    """Find models and write a first rule file of what they accept.

    PATH is a folder or a Python file; default: the current folder. archlint reads the source and
    finds subclasses of nn.Module, and functions that return one, that can be built without
    arguments, or with a configuration whose fields have defaults. Then it builds each model in a
    separate process, without network. Tests, hidden folders, virtual environments and parts of
    other models are skipped.

    The file is written after each model. Run it again at any time: it adds what is new, and
    changes no line of yours. It ends after two minutes; the next run continues.

    Exit code: 0; 2 if no model was found, or the file cannot be read or written.
    """
    from archlint.contracts.settings import project_root, shorten
    from archlint.project.discover.candidates import discover
    from archlint.runtime.offline import jobs_offline

    place = path.resolve()
    root = project_root(place if place.is_dir() else place.parent)
    to_stdout = dry_run or output == "-"
    file = root / DEFAULT if output in (None, "-") else Path(str(output)).absolute()
    existing = ExistingRules.read(file)
    discovery = discover(place, root, existing.names)
    if not (discovery.buildable or discovery.needing or existing.waiting):
        raise CannotRun(_no_model(discovery, shorten(place)))
    rules = FirstRules(discovery, existing, file, root)
    try:
        with nullcontext() if online else jobs_offline():
            rules.infer(seconds, jobs, write=not to_stdout)
    except KeyboardInterrupt:
        done = (
            ""
            if to_stdout
            else f": {shorten(file)} has the contracts so far; run archlint init again"
        )
        click.echo(f"interrupted{done}", err=True)
        ctx.exit(EXIT_INTERRUPTED)
    if to_stdout:
        click.echo(rules.text(), nl=False)
    name = str(shorten(file))
    click.echo(_summary(rules, "not written" if to_stdout else name), err=to_stdout)
    if not to_stdout:
        click.echo(_next(rules, name, "" if output is None else f" {shlex.quote(name)}"))


def _no_model(discovery: Discovery, place: Path) -> str:
    files = counted(discovery.files, "Python file")
    notebooks = ""
    if discovery.notebooks:
        notebooks = f"; {discovery.notebooks[0].name} has one: jupyter nbconvert --to script"
    return (
        f"no model in {files} of {place}: archlint looks for subclasses of nn.Module and functions "
        f"that return one{notebooks}"
    )


def _summary(rules: FirstRules, file: str) -> str:
    models, skipped = rules.models, rules.skipped()
    contracts = sum(bool(m.contract) for m in models)
    without = len(models) - contracts
    counts = {
        f"contract{'s' * (contracts != 1)}": contracts,
        f"model{'s' * (without != 1)} without a contract": without,
        "not tried yet": len(skipped.later),
        "skipped: part of another model": len(skipped.parts),
        "skipped: needs arguments": len(skipped.needing),
        f"file{'s' * (len(skipped.unread) != 1)} not read": len(skipped.unread),
    }
    return f"{file}: " + (
        "; ".join(f"{n} {what}" for what, n in counts.items() if n) or "no new model"
    )


def _next(rules: FirstRules, file: str, named: str) -> str:
    """The line with the command that helps next."""
    from archlint.runtime.offline import ALLOWED

    skipped = rules.skipped()
    reasons = " ".join(m.reason for m in rules.models)
    missing = re.search(r"No module named '([\w.]+)'", reasons)
    if missing and not any(m.contract for m in rules.models):
        return (
            f"next: {missing[1]} is not installed here; run archlint init in the environment "
            "in which your models run"
        )
    contracts = [m for m in rules.models if m.contract]
    asks = next((m for m in rules.models if "pass --input, for example " in m.reason), None)
    if asks and not contracts and not skipped.later:
        option = asks.reason.partition("for example ")[2]
        return f"next: archlint infer {asks.argument} {option} shows what it accepts"
    if not contracts and ALLOWED in reasons:
        command = f"archlint init{named and ' -o' + named} --online"
        return f"next: {command} lets models download while they are built"
    if skipped.later:
        return f"next: archlint init{named and ' -o' + named} continues with the models not tried"
    if skipped.needing and (rules.needs_main() or not contracts):
        main = skipped.needing[0].partition(":")[0]
        hint = f"next: write the arguments of {main} into {file}, as a comment there explains, "
        if not contracts:
            return f"{hint}then run archlint init{named and ' -o' + named}"
        return f"{hint}then run archlint init again; or archlint check{named}"
    if rules.models and not contracts:
        return f"next: the comments in {file} say what each model needs"
    if not rules.models:
        return f"next: archlint check{named}"
    if failed := rules.failed_main():
        return (
            f"next: {file} says why {failed.name} has no contract; "
            f"archlint check{named} checks the others"
        )
    return f"next: change the contracts to what the models must accept, then archlint check{named}"
