"""``archlint check``: decide the contracts of rule files."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archlint.commands import (
    EXIT_CANNOT_RUN,
    EXIT_INTERRUPTED,
    CannotRun,
    decide,
    hush,
    wants_color,
)

if TYPE_CHECKING:
    from archlint.contract import Contract, ModelRef
    from archlint.errors import Mistake
    from archlint.workers.process import Job


@click.command()
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("--select", multiple=True, metavar="ID", help="Only contracts with this id or glob.")
@click.option("--model", multiple=True, metavar="NAME", help="Only models with this name or glob.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="The form of the report.",
)
@click.option(
    "--samples",
    type=click.IntRange(min=0),
    metavar="N",
    help="Run each real model at N sizes, whatever its contract says.",
)
@click.option("--no-sample", is_flag=True, help="Never run a real model; same as --samples 0.")
@click.option("--locked", is_flag=True, help="Also hold what the models accept to archlint.lock.")
@click.option("--strict", is_flag=True, help="Tested but not proved counts as a failure.")
@click.option(
    "--jobs",
    "-j",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="N",
    help="Worker processes; each imports torch.",
)
@click.option("--no-cache", is_flag=True, help="Decide everything anew.")
@click.option("--quiet", "-q", count=True, help="Show only what did not hold, and the summary.")
@click.option("--verbose", "-v", count=True, help="Explain what held; -vv: and what models print.")
@click.option(
    "--color",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    show_default=True,
    help="auto: on a terminal, unless NO_COLOR is set.",
)
@click.pass_context
def check(
    ctx: click.Context,
    paths: tuple[str, ...],
    select: tuple[str, ...],
    model: tuple[str, ...],
    format_: str,
    samples: int | None,
    no_sample: bool,
    locked: bool,
    strict: bool,
    jobs: int,
    no_cache: bool,
    quiet: int,
    verbose: int,
    color: str,
) -> None:
    """Decide the contracts of rule files.

    PATH is a rule file or a folder of them. Without one: paths in [tool.archlint] of
    pyproject.toml, else archlint.yaml, *.archlint.yaml and contracts/.

    Exit code: 0 every contract held; 1 one is broken or vacuous (or only tested, with --strict);
    2 something could not be run.
    """
    from archlint import verdict
    from archlint.errors import ArchlintError

    if no_sample and samples:
        raise click.UsageError("--no-sample and --samples exclude each other.")
    try:
        todo, mistakes = load(paths, select, model, 0 if no_sample else samples)
    except ArchlintError as e:
        raise CannotRun(str(e)) from e
    if format_ == "text":
        for mistake in mistakes:
            click.echo(mistake, err=True)
    try:
        verdicts = decide(todo, jobs, progress=quiet == 0 and sys.stderr.isatty())
        if locked:
            from archlint.commands.lock import held

            verdicts += held(todo, jobs, whole=not (paths or select or model or mistakes))
    except KeyboardInterrupt:
        click.echo("interrupted; the workers were stopped", err=True)
        ctx.exit(EXIT_INTERRUPTED)
    if format_ == "json":
        from archlint.report import json
        from archlint.settings import version

        report = json.render(verdicts, mistakes, version())
    else:
        from archlint.report import text

        width = None
        if sys.stdout.isatty():
            width = os.get_terminal_size(sys.stdout.fileno()).columns or None
        report = text.render(
            verdicts, verbose - quiet, wants_color(color), strict=strict, width=width
        ).rstrip("\n")
    code = verdict.exit_code(verdicts, strict)
    try:
        click.echo(report, color=True)
    except BrokenPipeError:  # the reader had enough; what was decided stands
        hush()
    ctx.exit(EXIT_CANNOT_RUN if mistakes else code)


def load(
    paths: Sequence[str], select: Sequence[str], model: Sequence[str], samples: int | None
) -> tuple[list[Job], list[Mistake]]:
    """The jobs to do, and the mistakes of the rule files that could not be read."""
    from archlint.errors import Location, Mistake, RuleFileError
    from archlint.rulefile import load as rulefile
    from archlint.settings import project_root, rule_files
    from archlint.workers.process import Job

    mistakes: list[Mistake] = []
    pairs: list[tuple[Contract, ModelRef, Path]] = []
    for file in rule_files(paths):
        try:
            contracts = rulefile.load(file).contracts
        except RuleFileError as e:
            mistakes += e.mistakes
            continue
        except OSError as e:
            mistakes.append(Mistake(Location(str(file), 1), f"cannot be read: {e.strerror}"))
            continue
        root = project_root(file.parent)
        pairs += [(contract, ref, root) for contract in contracts for ref in contract.models]
    if not pairs and not mistakes:
        raise CannotRun("no contract with a model was found")
    pairs = _matching(select, "contract", pairs, lambda p: p[0].id, bool(mistakes))
    pairs = _matching(model, "model", pairs, lambda p: p[1].name, bool(mistakes))
    return [Job(c, ref, root, samples) for c, ref, root in pairs], mistakes


def _matching(
    patterns: Sequence[str],
    noun: str,
    pairs: list[tuple[Contract, ModelRef, Path]],
    name: Callable[[tuple[Contract, ModelRef, Path]], str],
    partial: bool,
) -> list[tuple[Contract, ModelRef, Path]]:
    """The pairs whose name a pattern matches.

    A pattern that matches none is an error, unless it may have meant one in a file that could not
    be read (``partial``).
    """
    from archlint.settings import did_you_mean

    if not patterns:
        return pairs
    known = sorted({name(pair) for pair in pairs})
    for pattern in patterns:
        if not partial and not any(fnmatchcase(word, pattern) for word in known):
            hint = did_you_mean(pattern, known) or f"; there are {', '.join(known[:20])}"
            raise CannotRun(f"no {noun} matches {pattern!r}{hint}")
    return [p for p in pairs if any(fnmatchcase(name(p), pattern) for pattern in patterns)]
