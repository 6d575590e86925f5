"""``archlint infer``: which input sizes a model accepts."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from archlint.cli.exit_codes import CannotRun
from archlint.cli.html_output import html_option, write_page
from archlint.cli.model_argument import model_argument, stated_input
from archlint.cli.next_step import suggest
from archlint.cli.report_output import wants_color
from archlint.cli.run_jobs import run_jobs
from archlint.errors import visible

if TYPE_CHECKING:
    from archlint.contracts.accepted_set import AcceptedSet
    from archlint.contracts.contract import Input
    from archlint.contracts.job import Job

INFER = "archlint.engine.infer.infer:infer_verdict"

input_option = click.option(
    "--input",
    "input_",
    metavar="SHAPE",
    help='The input of the model as in a rule file: "N 3 H W", or with the names of its arguments '
    '"{image: N 3 H W, ids: {shape: N T, dtype: int64}}". Default: that of its contract, the '
    "documented input of its library, or one that fits its first layers: an image, rows or tokens.",
)
kwargs_option = click.option(
    "--kwargs", callback=lambda _ctx, _param, text: _kwargs(text), metavar="MAPPING",
    help='Arguments that build the model, as in a rule file: "{width: 64, depth: 2}".',
)  # fmt: skip
paths_option = click.option(
    "--paths", type=click.IntRange(min=1), default=128, show_default=True, metavar="N",
    help="Maximum number of runs on symbolic sizes.",
)  # fmt: skip
seconds_option = click.option(
    "--seconds", type=click.FloatRange(min=0, min_open=True), default=60.0, show_default=True,
    metavar="S", help="Time limit for one model and mode, in seconds.",
)  # fmt: skip
mode_option = click.option(
    "--mode", type=click.Choice(["eval", "train"]), default="eval", show_default=True,
    help="The mode of the model.",
)  # fmt: skip
modes_option = click.option(
    "--mode", "modes", type=click.Choice(["eval", "train"]), multiple=True,
    help="The mode of the model; repeat the option to compare both.  [default: eval]",
)  # fmt: skip


@click.command()
@click.argument("target")
@input_option
@kwargs_option
@modes_option
@click.option("--format", "format_", type=click.Choice(["text", "json", "yaml"]), default="text",
              show_default=True, help="Format of the report. yaml: a rule file.")  # fmt: skip
@html_option
@click.option("--map", "map_", is_flag=True, help="Also draw a map of the accepted sizes.")
@paths_option
@seconds_option
def infer(
    target: str,
    input_: str | None,
    kwargs: dict[str, object],
    modes: tuple[str, ...],
    format_: str,
    html: Path | None,
    map_: bool,
    paths: int,
    seconds: float,
) -> None:
    """Show which input sizes a model accepts, and its output shape.

    TARGET is pkg.mod:factory, path/file.py:factory, torchvision:NAME, timm:NAME, or the name of a
    model in a rule file. The result is proved for all sizes; where that was not possible, the
    report says what is not proved.

    Exit code: 0, also if the result is not exact; 2 if the model could not run.
    """
    from archlint.contracts.settings import version
    from archlint.report import accepted_text

    if map_ and format_ != "text":
        raise click.UsageError("--map requires --format text")
    input = read_input(input_)
    modes = tuple(dict.fromkeys(modes)) or ("eval",)
    entries = accepted_sets(
        [infer_job(target, input, mode, paths, seconds, kwargs) for mode in modes]
    )
    if format_ == "json":
        report = accepted_text.as_json(entries, version())
    elif format_ == "yaml":
        report = accepted_text.rule_file(entries).rstrip("\n")
    else:
        report = visible(accepted_text.text(entries))
    if html is not None:
        from archlint.report.page.model_page import infer_page

        write_page(html, infer_page(entries))
    click.echo(report)
    if format_ == "text":
        suggest(f"archlint explain {shlex.quote(target)} shows why, layer by layer")
    if map_:
        _draw(entries[0])


def _draw(entry: AcceptedSet) -> None:
    """Print the map of an accepted set, in colour where the terminal has it."""
    from archlint.contracts.size_map import size_map
    from archlint.contracts.size_map_text import terminal_map

    drawn = size_map(entry)
    if drawn is None:
        click.echo(
            "\nno map: the accepted sizes are too complex to draw, or the input names no size"
        )
        return
    width = shutil.get_terminal_size().columns
    click.echo("\n" + terminal_map(drawn, color=wants_color("auto"), width=width), color=True)


def infer_job(
    target: str,
    input: Input,
    mode: str,
    paths: int,
    seconds: float,
    kwargs: Mapping[str, object] | None = None,
) -> Job:
    """The job that infers what a target accepts.

    An empty ``input`` is that of the model's contract if ``target`` is the name of a model in a
    rule file, else archlint chooses one. ``kwargs`` build the model. Raises ``CannotRun``.
    """
    from archlint.contracts.contract import ANY_SIZE_CLAUSE, Budget, Contract
    from archlint.contracts.job import Job

    ref, root = model_argument(target, kwargs)
    input = stated_input(target, input, mode)
    budget = Budget(paths, seconds)
    contract = Contract("infer", input, ANY_SIZE_CLAUSE, mode=mode, budget=budget)
    return Job(contract, ref, root)


def accepted_sets(jobs: Sequence[Job]) -> list[AcceptedSet]:
    """Infer the accepted set of each model. Raises ``CannotRun`` if one fails."""
    verdicts = run_jobs(jobs, 1, check=INFER)
    for verdict in verdicts:
        if verdict.entry is None:
            printed = verdict.details.get("printed", "")
            raise CannotRun("\n".join(filter(None, (verdict.message, printed))))
    return [v.entry for v in verdicts if v.entry is not None]


def read_input(words: str | None) -> Input:
    """Parse ``--input``; empty without the option. Raises ``click.BadParameter``."""
    from archlint.engine.python_contracts import input_of
    from archlint.errors import ArchlintError

    value: Any = words
    if words is not None and re.match(r"\s*([{\[]|\w+:\s)", words):
        value = _yaml(words, "--input")
    try:
        return input_of(value)
    except ArchlintError as e:
        raise click.BadParameter(str(e), param_hint="--input") from None


def _kwargs(words: str | None) -> dict[str, object]:
    """Parse ``--kwargs``; empty without the option. Raises ``click.BadParameter``."""
    value = {} if words is None else _yaml(words, "--kwargs")
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        expected = "expected a mapping of argument names, as in '{width: 64}'"
        raise click.BadParameter(f"found {words!r:.60}; {expected}", param_hint="--kwargs")
    return value


def _yaml(words: str, option: str) -> Any:
    """The value of an option as YAML data. Raises ``click.BadParameter``."""
    import yaml

    try:
        return yaml.safe_load(words)
    except (ValueError, TypeError, AttributeError, RecursionError) as e:
        # PyYAML: a date that does not exist, ``!!int x``, a mapping as a key, thousands of brackets
        raise click.BadParameter(f"a value cannot be read: {e}", param_hint=option) from None
    except yaml.YAMLError as e:
        mark = getattr(e, "problem_mark", None)
        place = f" at column {mark.column + 1}" if mark is not None else ""
        problem = getattr(e, "problem", None) or "cannot be read"
        raise click.BadParameter(f"not valid YAML{place}: {problem}", param_hint=option) from None
