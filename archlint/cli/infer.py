"""``archlint infer``: what a model accepts."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from archlint.cli.run_jobs import CannotRun, decide

if TYPE_CHECKING:
    from archlint.contracts.accepted_set import AcceptedSet
    from archlint.contracts.contract import Input
    from archlint.contracts.job import Job

BY = "archlint.engine.infer.infer:infer_verdict"

input_option = click.option(
    "--input",
    "input_",
    metavar="SHAPE",
    help='What the model is called with: "N 3 H W", or JSON as in a rule file, '
    '\'{"ids": {"shape": "N T", "dtype": "int64"}}\'. Without it, what the model\'s '
    "library gives it, or what its first layers take: an image, rows, tokens.",
)
paths_option = click.option(
    "--paths", type=click.IntRange(min=1), default=128, show_default=True, metavar="N",
    help="Runs on symbolic sizes, at most.",
)  # fmt: skip
seconds_option = click.option(
    "--seconds", type=click.FloatRange(min=0, min_open=True), default=60.0, show_default=True,
    metavar="S", help="Seconds for one model and mode, at most.",
)  # fmt: skip
mode_option = click.option(
    "--mode", "modes", type=click.Choice(["eval", "train"]), multiple=True,
    help="The model's mode; give both to see where they differ.  [default: eval]",
)  # fmt: skip


@click.command()
@click.argument("target")
@input_option
@mode_option
@click.option("--format", "format_", type=click.Choice(["text", "json", "yaml"]), default="text",
              show_default=True, help="yaml: a rule file, ready to commit.")  # fmt: skip
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
    """Say which input sizes a model accepts, and what comes out.

    TARGET is pkg.mod:factory, path/file.py:factory, torchvision:NAME or timm:NAME. What is said is
    proved for all sizes; where that did not succeed, it says what is proved and what is not.

    Exit code: 0, also where the answer is not exact; 2 something could not be run.
    """
    from archlint.contracts.settings import version
    from archlint.report import accepted_text as inferred

    input = read_input(input_)
    modes = tuple(dict.fromkeys(modes)) or ("eval",)
    entries = found([job(target, input, mode, paths, seconds) for mode in modes])
    if format_ == "json":
        report = inferred.as_json(entries, version())
    elif format_ == "yaml":
        report = inferred.rule_file(entries).rstrip("\n")
    else:
        report = inferred.text(entries)
    click.echo(report)


def job(target: str, input: Input, mode: str, paths: int, seconds: float) -> Job:
    """The question what a target accepts; an empty ``input`` is to be guessed."""
    from archlint.contracts.contract import Budget, Contract, ModelRef, SizeClause
    from archlint.contracts.job import Job
    from archlint.contracts.settings import project_root

    clause = SizeClause("any", True, "any size")
    budget = Budget(paths, seconds)
    contract = Contract("infer", input, clause, mode=mode, budget=budget)
    return Job(contract, ModelRef(target, target), project_root(Path.cwd()))


def found(jobs: Sequence[Job]) -> list[AcceptedSet]:
    """What the models accept, each asked in a worker process. ``CannotRun`` if one fails."""
    verdicts = decide(jobs, 1, progress=sys.stderr.isatty(), by=BY)
    for verdict in verdicts:
        if verdict.entry is None:
            printed = verdict.details.get("printed", "")
            raise CannotRun("\n".join(filter(None, (verdict.message, printed))))
    return [v.entry for v in verdicts if v.entry is not None]


def read_input(words: str | None) -> Input:
    """The input that ``--input`` says; empty where it says none."""
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
            raise click.BadParameter(f"no JSON: {e}", param_hint="--input") from None
    try:
        return contract_of(input=value, accepts="any size").input
    except ArchlintError as e:
        raise click.BadParameter(str(e), param_hint="--input") from None
