"""``archlint check``: decide the contracts of rule files."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archlint.cli.apply_adoption import adopt, adopt_options, projects
from archlint.cli.job_options import decide_all, sweep_options
from archlint.cli.report_output import Output, output_options, prepare, report
from archlint.cli.run_jobs import EXIT_CANNOT_RUN, EXIT_INTERRUPTED, CannotRun
from archlint.cli.select_jobs import choose, read

if TYPE_CHECKING:
    from archlint.contracts.job import Job
    from archlint.runner.joblib_backends import Backend
    from archlint.runner.shard import Shard


@click.command()
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("--select", multiple=True, metavar="ID", help="Only contracts with this id or glob.")
@click.option("--model", multiple=True, metavar="NAME", help="Only models with this name or glob.")
@output_options
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
@sweep_options
@adopt_options
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
    outputs: tuple[Output, ...],
    samples: int | None,
    no_sample: bool,
    locked: bool,
    strict: bool,
    jobs: int,
    backend: Backend,
    shard: Shard | None,
    resume: Path | None,
    write_baseline: bool,
    no_baseline: bool,
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
    from archlint.contracts import verdict
    from archlint.errors import ArchlintError

    if no_sample and samples:
        raise click.UsageError("--no-sample and --samples exclude each other.")
    try:
        files, mistakes = read(paths, cache=not no_cache)
        todo = choose(files, select, model, 0 if no_sample else samples, partial=bool(mistakes))
    except ArchlintError as e:
        raise CannotRun(str(e)) from e
    whole = not (paths or select or model or shard or mistakes)
    adoptions = projects(files, write_baseline, no_baseline)
    off, todo = _switched_off(todo)
    todo = shard.part(todo) if shard else todo
    stream = prepare(outputs)
    if format_ == "text":
        for mistake in mistakes:
            click.echo(mistake, err=True)
    try:
        bar = quiet == 0 and sys.stderr.isatty()
        verdicts = decide_all(todo, jobs, bar, backend, resume, stream, cache=not no_cache)
        verdicts = adopt(adoptions, files, todo, verdicts, whole=whole, write=write_baseline)
        if locked:
            from archlint.cli.lock import held

            verdicts += held(todo, jobs, whole=whole)
    except KeyboardInterrupt:
        click.echo("interrupted; the workers were stopped", err=True)
        ctx.exit(EXIT_INTERRUPTED)
    if off and format_ == "text" and verbose > quiet:
        click.echo("\n".join(off))
    report(outputs, format_, todo, verdicts, mistakes, strict, verbose - quiet, color)
    ctx.exit(EXIT_CANNOT_RUN if mistakes else verdict.exit_code(verdicts, strict))


def _switched_off(jobs: list[Job]) -> tuple[list[str], list[Job]]:
    """What the severity ``off`` keeps from being decided, in words; and the jobs that are left."""
    told = []
    for job in (j for j in jobs if j.contract.severity == "off"):
        reason = f"   ({job.contract.severity_reason})" if job.contract.severity_reason else ""
        told.append(f"off  {job.contract.id} · {job.ref.name}{reason}")
    return told, [j for j in jobs if j.contract.severity != "off"]
