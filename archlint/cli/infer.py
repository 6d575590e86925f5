"""``archlint infer``: which input sizes a model accepts."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from archlint.cli.exit_codes import CannotRun
from archlint.cli.run_jobs import run_jobs

if TYPE_CHECKING:
    from archlint.contracts.accepted_set import AcceptedSet
    from archlint.contracts.contract import Input
    from archlint.contracts.job import Job

INFER = "archlint.engine.infer.infer:infer_verdict"

input_option = click.option(
    "--input",
    "input_",
    metavar="SHAPE",
    help='The input of the model: "N 3 H W", or JSON as in a rule file, '
    '\'{"ids": {"shape": "N T", "dtype": "int64"}}\'. Default: the documented input of its '
    "library, or one that fits its first layers: an image, rows or tokens.",
)
paths_option = click.option(
    "--paths", type=click.IntRange(min=1), default=128, show_default=True, metavar="N",
    help="Maximum number of runs on symbolic sizes.",
)  # fmt: skip
seconds_option = click.option(
    "--seconds", type=click.FloatRange(min=0, min_open=True), default=60.0, show_default=True,
    metavar="S", help="Time limit for one model and mode, in seconds.",
)  # fmt: skip
mode_option = click.option(
    "--mode", "modes", type=click.Choice(["eval", "train"]), multiple=True,
    help="The mode of the model; repeat the option to compare both.  [default: eval]",
)  # fmt: skip


@click.command()
@click.argument("target")
@input_option
@mode_option
@click.option("--format", "format_", type=click.Choice(["text", "json", "yaml"]), default="text",
              show_default=True, help="Format of the report. yaml: a rule file.")  # fmt: skip
@paths_option
@seconds_option
def infer(
    target: str,
    input_: str | None,
    modes: tuple[str, ...],
    format_: str,
    paths: int,
    seconds: float,
) -> None:
    """Show which input sizes a model accepts, and its output shape.

    TARGET is pkg.mod:factory, path/file.py:factory, torchvision:NAME or timm:NAME. The result is
    proved for all sizes; where that was not possible, the report says what is not proved.

    Exit code: 0, also if the result is not exact; 2 if the model could not run.
    """
    from archlint.contracts.settings import version
    from archlint.report import accepted_text

    input = read_input(input_)
    modes = tuple(dict.fromkeys(modes)) or ("eval",)
    entries = accepted_sets([infer_job(target, input, mode, paths, seconds) for mode in modes])
    if format_ == "json":
        report = accepted_text.as_json(entries, version())
    elif format_ == "yaml":
        report = accepted_text.rule_file(entries).rstrip("\n")
    else:
        report = accepted_text.text(entries)
    click.echo(report)


def infer_job(target: str, input: Input, mode: str, paths: int, seconds: float) -> Job:
    """The job that infers what a target accepts; for an empty ``input``, archlint chooses one."""
    from archlint.contracts.contract import Budget, Contract, ModelRef, SizeClause
    from archlint.contracts.job import Job
    from archlint.contracts.settings import project_root

    clause = SizeClause("any", True, "any size")
    budget = Budget(paths, seconds)
    contract = Contract("infer", input, clause, mode=mode, budget=budget)
    return Job(contract, ModelRef(target, target), project_root(Path.cwd()))


def accepted_sets(jobs: Sequence[Job]) -> list[AcceptedSet]:
    """Infer the accepted set of each model. Raises ``CannotRun`` if one fails."""
    verdicts = run_jobs(jobs, 1, progress=sys.stderr.isatty(), check=INFER)
    for verdict in verdicts:
        if verdict.entry is None:
            printed = verdict.details.get("printed", "")
            raise CannotRun("\n".join(filter(None, (verdict.message, printed))))
    return [v.entry for v in verdicts if v.entry is not None]


def read_input(words: str | None) -> Input:
    """Parse ``--input``; empty without the option. Raises ``click.BadParameter``."""
    import json

    from archlint.engine.python_contracts import contract_of
    from archlint.errors import ArchlintError

    if words is None:
        return []
    value: Any = words
    if words.lstrip().startswith(("{", "[")):
        try:
            value = json.loads(words)
        except json.JSONDecodeError as e:
            raise click.BadParameter(f"not valid JSON: {e}", param_hint="--input") from None
    try:
        return contract_of(input=value, accepts="any size").input
    except ArchlintError as e:
        raise click.BadParameter(str(e), param_hint="--input") from None
