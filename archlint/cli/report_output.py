"""Where the report goes, and in which formats: ``--format`` for stdout, ``--output`` for files."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from archlint.cli.run_jobs import CannotRun, hush, wants_color

if TYPE_CHECKING:
    from archlint.contracts.job import Job
    from archlint.contracts.verdict import Verdict
    from archlint.errors import Mistake
    from archlint.report.run_results import Run

Command = TypeVar("Command", bound=Callable[..., Any])

FORMATS = ("text", "json", "jsonl", "sarif", "github", "gitlab", "junit")


@dataclass(frozen=True)
class Output:
    """A report in a file."""

    format: str
    path: Path


def _output(text: str) -> Output:
    format_, equals, file = text.partition("=")
    if not equals or not file:
        raise click.BadParameter(f"expected FORMAT=FILE, as in sarif=out.sarif, found {text!r}")
    return Output(_known(format_), Path(file))


def _known(format_: str) -> str:
    """A format of ours, or one that a plugin has; plugins are asked where it is not ours."""
    if format_ in FORMATS:
        return format_
    from archlint.contracts.plugins import reporters
    from archlint.errors import ArchlintError

    try:
        names = (*FORMATS, *reporters())
    except ArchlintError as e:
        raise click.BadParameter(f"{format_!r} is no format of archlint, and {e}") from e
    if format_ not in names:
        expected = f"{', '.join(names[:-1])} or {names[-1]}"
        raise click.BadParameter(f"found the format {format_!r}, expected {expected}")
    return format_


def output_options(command: Command) -> Command:
    """``--format`` and ``--output``."""
    command = click.option(
        "--output", "outputs", multiple=True, metavar="FORMAT=FILE",
        callback=lambda _ctx, _param, texts: tuple(map(_output, texts)),
        help="Write the report to FILE as well, in this format (repeatable).",
    )(command)  # fmt: skip
    return click.option(
        "--format", "format_", metavar=f"[{'|'.join(FORMATS)}]", default="text", show_default=True,
        callback=lambda _ctx, _param, format_: _known(format_),
        help="The form of the report; plugins may have others.",
    )(command)  # fmt: skip


def prepare(outputs: Sequence[Output]) -> Path | None:
    """Make sure, before anything is decided, that the files can be; the one in jsonl, if any.

    Raises ``CannotRun``.
    """
    taken: dict[Path, Output] = {}
    for output in outputs:
        first = taken.setdefault(output.path.resolve(), output)
        if first is not output:
            raise CannotRun(f"--output: {first.format} and {output.format} both go to {first.path}")
        try:
            output.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as e:
            raise _unwritable(output.path, e) from e
        if output.path.is_dir():
            raise CannotRun(f"--output: {output.path} is a folder")
    streams = [output.path for output in outputs if output.format == "jsonl"]
    if len(streams) > 1:
        raise CannotRun("--output: there can be one file in jsonl")
    return streams[0] if streams else None


def report(
    outputs: Sequence[Output],
    format_: str,
    jobs: Sequence[Job],
    verdicts: Sequence[Verdict],
    mistakes: Sequence[Mistake],
    strict: bool,
    verbosity: int,
    color: str,
) -> None:
    """Write the files, then show the report on stdout.

    ``verdicts`` are those on ``jobs``, then what belongs to none. Raises ``CannotRun``.
    """
    from archlint.contracts.settings import version
    from archlint.report.run_results import Run

    contracts = [job.contract for job in jobs]
    run = Run(verdicts, mistakes, version(), _repository(Path.cwd()), contracts, strict)
    for output in outputs:
        try:
            if output.format == "jsonl":
                from archlint.cli.verdict_log import rewrite

                rewrite(output.path, run)
            else:
                text = rendered(output.format, run, verbosity)
                output.path.write_text(text + "\n", encoding="utf-8", errors="backslashreplace")
        except OSError as e:
            raise _unwritable(output.path, e) from e
    _show(format_, run, verbosity, color)


def _show(format_: str, run: Run, verbosity: int, color: str) -> None:
    """On stdout; mistakes in rule files have been told to people already."""
    try:
        if format_ != "text":
            click.echo(rendered(format_, run, verbosity))
            return
        from archlint.report import text_report as text

        width = None
        if sys.stdout.isatty():
            width = os.get_terminal_size(sys.stdout.fileno()).columns or None
        report = text.render(
            run.verdicts,
            verbosity,
            wants_color(color),
            strict=run.strict,
            width=width,
            mistakes=len(run.mistakes),
        )
        click.echo(report.rstrip("\n"), color=True)
    except BrokenPipeError:  # the reader had enough; what was decided stands
        hush()


def rendered(format_: str, run: Run, verbosity: int = 0) -> str:
    """The report, without a newline at its end."""
    if format_ == "text":
        from archlint.report import text_report as text

        report = text.render(run.verdicts, verbosity, strict=run.strict, mistakes=len(run.mistakes))
        return "\n".join([*map(str, run.mistakes), report.rstrip("\n")])
    if format_ == "json":
        from archlint.report import json_report as json

        return json.render(run.verdicts, run.mistakes, run.version)
    if format_ in FORMATS:
        return str(import_module(f"archlint.report.{format_}").render(run))
    return _reported(format_, run)


def _reported(format_: str, run: Run) -> str:
    """What a plugin's reporter makes of the run. ``CannotRun`` where that is no text."""
    from archlint.contracts.plugins import reporters

    try:
        text = reporters()[format_](run)
    except Exception as e:
        what = f"the reporter {format_} of a plugin raised {type(e).__name__}: {e}"
        raise CannotRun(what) from e
    if not isinstance(text, str):
        raise CannotRun(f"the reporter {format_} of a plugin gave {text!r:.80}; expected text")
    return text.rstrip("\n")


def _repository(start: Path) -> Path:
    """The nearest folder at or above ``start`` that Git keeps; else ``start`` itself."""
    return next((f for f in (start, *start.parents) if (f / ".git").exists()), start)


def _unwritable(path: Path, error: OSError) -> CannotRun:
    return CannotRun(f"--output: {path} cannot be written: {error.strerror}")
