"""The options ``--format`` and ``--output``, and writing the reports that they name."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from archlint.cli.exit_codes import CannotRun, discard_stdout, writing

if TYPE_CHECKING:
    from archlint.contracts.job import Job
    from archlint.contracts.verdict import Verdict
    from archlint.errors import Mistake
    from archlint.report.run_results import RunResults
    from archlint.report.text_report import TextReport

Command = TypeVar("Command", bound=Callable[..., Any])

FORMATS = ("text", "json", "jsonl", "sarif", "github", "gitlab", "junit", "html", "markdown",
           "badge")  # fmt: skip


@dataclass(frozen=True)
class Output:
    """A report to be written to a file."""

    format: str
    path: Path


def _output(text: str) -> Output:
    format_, equals, file = text.partition("=")
    if not equals or not file:
        raise click.BadParameter(f"expected FORMAT=FILE, as in sarif=out.sarif, found {text!r}")
    return Output(_format(format_), Path(file))


def _format(format_: str) -> str:
    """The name of a format of archlint or a plugin. Plugins are imported only for other names."""
    if format_ in FORMATS:
        return format_
    from archlint.contracts.plugins import reporters
    from archlint.errors import ArchlintError

    try:
        names = (*FORMATS, *reporters())
    except ArchlintError as e:
        raise click.BadParameter(f"{format_!r} is not a format of archlint, and {e}") from e
    if format_ not in names:
        expected = f"{', '.join(names[:-1])} or {names[-1]}"
        raise click.BadParameter(f"there is no format {format_!r}; expected {expected}")
    return format_


def output_options(command: Command) -> Command:
    """``--format`` and ``--output``."""
    command = click.option(
        "--output", "outputs", multiple=True, metavar="FORMAT=FILE",
        callback=lambda _ctx, _param, texts: tuple(map(_output, texts)),
        help="Also write the report to FILE in this format (repeatable).",
    )(command)  # fmt: skip
    return click.option(
        "--format", "format_", metavar=f"[{'|'.join(FORMATS)}]", default="text", show_default=True,
        callback=lambda _ctx, _param, format_: _format(format_),
        help="Format of the report on stdout. Plugins can add formats.",
    )(command)  # fmt: skip


def prepare_outputs(outputs: Sequence[Output]) -> Path | None:
    """Create the folders of the files before any model runs. Returns the file in jsonl, if any.

    Raises ``CannotRun`` if a file cannot be written or is named twice.
    """
    by_path: dict[Path, Output] = {}
    for output in outputs:
        first = by_path.setdefault(output.path.resolve(), output)
        if first is not output:
            raise CannotRun(
                f"--output: {first.format} and {output.format} are both written to {first.path}"
            )
        with writing(output.path, "--output"):
            output.path.parent.mkdir(parents=True, exist_ok=True)
        if output.path.is_dir():
            raise CannotRun(f"--output: {output.path} is a folder")
    logs = [output.path for output in outputs if output.format == "jsonl"]
    if len(logs) > 1:
        raise CannotRun("--output: expected at most one jsonl=FILE")
    return logs[0] if logs else None


def write_reports(
    outputs: Sequence[Output],
    format_: str,
    jobs: Sequence[Job],
    verdicts: Sequence[Verdict],
    mistakes: Sequence[Mistake],
    strict: bool,
    printed: PrintedReport,
    interrupted: Verdict | None = None,
) -> None:
    """Print the report, or what is missing of it, then write the files.

    ``verdicts``: those of ``jobs``, then those of no job. ``interrupted``: an error that is added
    to the reports of a run that did not end, which a machine must not take for a complete run;
    people read it on stderr, and a log has only verdicts. Raises ``CannotRun``.
    """
    if format_ == "text" and (verdicts or interrupted is None):
        printed.end(verdicts, len(mistakes))
    if format_ == "text" and not outputs:
        return
    from archlint.contracts.settings import version
    from archlint.report.run_results import RunResults

    contracts = [job.contract for job in jobs]
    base = _repository(Path.cwd())
    results = RunResults(verdicts, mistakes, version(), base, contracts, strict)
    marked = results
    if interrupted is not None:
        marked = replace(results, verdicts=[*verdicts, interrupted])
    if format_ != "text":
        printed.echo(rendered(format_, marked, printed.verbosity) + "\n")
    failed: list[CannotRun] = []
    for output in outputs:
        try:
            with writing(output.path, "--output"):
                if output.format == "jsonl":
                    from archlint.cli.verdict_log import rewrite

                    rewrite(output.path, results)
                else:
                    text = rendered(output.format, marked, printed.verbosity) + "\n"
                    output.path.write_text(text, encoding="utf-8", errors="backslashreplace")
        except CannotRun as e:
            failed.append(e)
    if failed:
        raise failed[0]


class PrintedReport:
    """The report on stdout. In text, each verdict is printed as soon as those before it are."""

    def __init__(self, verbosity: int, color: str = "auto", strict: bool = False) -> None:
        self.verbosity = verbosity
        self._color = color
        self._strict = strict
        self._waiting: dict[int, Verdict] = {}
        self._count = 0  # of printed verdicts

    def add(self, index: int, verdict: Verdict) -> None:
        """Print the verdict, after all verdicts with a smaller index."""
        self._waiting[index] = verdict
        while self._count in self._waiting:
            text = self._text.add(self._waiting.pop(self._count))
            self._count += 1  # first: Ctrl-C after the line was printed must not print it again
            self.echo(text, color=True)

    def end(self, verdicts: Sequence[Verdict], mistakes: int) -> None:
        """Print those of ``verdicts`` that are not printed yet, and the summary of all.

        The mistakes in rule files have been printed before.
        """
        remaining = map(self._text.add, verdicts[self._count :])
        self.echo("".join([*remaining, self._text.end(verdicts, mistakes)]), color=True)

    def echo(self, text: str, color: bool | None = None) -> None:
        """Print; if the reader closed the pipe, the exit code is still that of the run."""
        try:
            click.echo(text, nl=False, color=color)
        except BrokenPipeError:
            discard_stdout()

    @cached_property
    def _text(self) -> TextReport:
        from archlint.report.text_report import TextReport

        width = None
        if sys.stdout.isatty():
            width = os.get_terminal_size(sys.stdout.fileno()).columns or None
        color = wants_color(self._color)
        return TextReport(self.verbosity, color, strict=self._strict, width=width)


def rendered(format_: str, results: RunResults, verbosity: int = 0) -> str:
    """The report as text without a final newline. Raises ``CannotRun`` if a plugin fails."""
    if format_ == "text":
        from archlint.report import text_report

        report = text_report.render(
            results.verdicts,
            verbosity,
            strict=results.strict,
            mistakes=len(results.mistakes),
        )
        return "\n".join([*map(str, results.mistakes), report.rstrip("\n")])
    if format_ == "json":
        from archlint.report import json_report

        return json_report.render(results.verdicts, results.mistakes, results.version)
    if format_ == "html":
        from archlint.report.page import run_page

        return run_page.render(results)
    if format_ in FORMATS:
        return str(import_module(f"archlint.report.{format_}").render(results))
    return _plugin_report(format_, results)


def _plugin_report(format_: str, results: RunResults) -> str:
    """The report of a plugin. Raises ``CannotRun`` if the plugin fails or returns no text."""
    from archlint.contracts.plugins import reporters

    try:
        text = reporters()[format_](results)
    except Exception as e:
        what = f"the reporter {format_} of a plugin raised {type(e).__name__}: {e}"
        raise CannotRun(what) from e
    if not isinstance(text, str):
        raise CannotRun(f"the reporter {format_} of a plugin returned {text!r:.80}; expected a str")
    return text.rstrip("\n")


def _repository(start: Path) -> Path:
    """The Git repository that contains ``start``; without one, ``start`` itself."""
    return next((f for f in (start, *start.parents) if (f / ".git").exists()), start)


def wants_color(color: str) -> bool:
    """Whether stdout gets colours: ``always``, ``never``, or ``auto``, which asks the terminal."""
    if color != "auto":
        return color == "always"
    return (
        sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    )
