"""``archlint check``: check the contracts of rule files."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archlint.cli.annotated_jobs import annotated_jobs, annotated_targets
from archlint.cli.apply_adoption import adopter, adoption_options, apply_adoptions, load_adoptions
from archlint.cli.exit_codes import EXIT_CANNOT_RUN, EXIT_INTERRUPTED
from archlint.cli.job_options import jobs_option, select_options, sweep_options
from archlint.cli.next_step import after_check, suggest
from archlint.cli.report_output import (
    Output,
    PrintedReport,
    output_options,
    prepare_outputs,
    write_reports,
)
from archlint.cli.run_jobs import run_logged
from archlint.cli.select_jobs import read_rule_files, select_jobs
from archlint.contracts.text_layout import counted

if TYPE_CHECKING:
    from archlint.contracts.contract import RuleFile
    from archlint.contracts.job import Job
    from archlint.contracts.verdict import Verdict
    from archlint.runner.backend import Backend
    from archlint.runner.shard import Shard


@click.command()
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@select_options
@output_options
@click.option(
    "--samples",
    type=click.IntRange(min=0),
    metavar="N",
    help="Number of sizes at which each real model runs; overrides the contract.",
)
@click.option("--no-sample", is_flag=True, help="Do not run the real models; same as --samples 0.")
@click.option(
    "--locked", is_flag=True, help="Also compare what the models accept with archlint.lock."
)
@click.option("--strict", is_flag=True, help="Contracts that are tested but not proved fail.")
@click.option(
    "--profile",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Check the ranges that FILE declares (a script with trtexec, config.pbtxt, .onnx, .json, "
    "Python with Dim …) for the models of --model, which may be targets.",
)
@click.option("--form", default="", metavar="FORM", help="With --profile: only ranges of this "
              "form, such as trtexec or torch-export.")  # fmt: skip
@click.option("--input", "input_", metavar="SHAPE", help="With --profile: the input of the model, "
              'such as "N 3 H W" or JSON as in a rule file.')  # fmt: skip
@jobs_option
@sweep_options
@adoption_options
@click.option("--no-cache", is_flag=True,
              help="Ignore the cache: check every contract again, and store nothing.")  # fmt: skip
@click.option(
    "--quiet", "-q", count=True, help="Show only contracts that do not hold, and the summary."
)
@click.option(
    "--verbose",
    "-v",
    count=True,
    help="Also explain contracts that hold; -vv: also show what models print.",
)
@click.option(
    "--color",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    show_default=True,
    help="Color the report. auto: on a terminal, unless NO_COLOR is set.",
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
    profile: Path | None,
    form: str,
    input_: str | None,
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
    """Check the contracts of rule files.

    PATH is a rule file or a folder of rule files. Default: paths in [tool.archlint] of
    pyproject.toml, else archlint.yaml, *.archlint.yaml and contracts/. PATH may also be a target,
    pkg.mod:Model, whose forward has jaxtyping annotations: these are its contract.

    Exit code: 0 if every contract holds; 1 if one is broken or vacuous, or with --strict only
    tested; 2 if something could not run.
    """
    from archlint.contracts import verdict

    if profile is None and (form or input_):
        raise click.UsageError("--form and --input require --profile")
    if profile and (write_baseline or locked or select):
        raise click.UsageError(
            "--profile cannot be combined with --select, --locked or --write-baseline"
        )
    if no_sample and samples:
        raise click.UsageError("--no-sample cannot be combined with --samples")
    given, start = paths, time.monotonic()
    count = 0 if no_sample else samples
    if profile:
        from archlint.cli.infer import read_input
        from archlint.cli.profile_jobs import profile_jobs

        input = read_input(input_) or None
        todo, mistakes = profile_jobs(profile, form, input, paths, model, count)
        files: list[RuleFile] = []
    else:
        targets, paths = annotated_targets(paths)
        if targets and (locked or select or model):
            raise click.UsageError("a target cannot be combined with --select, --model or --locked")
        files, mistakes = [], []
        if paths or not targets:
            files, mistakes = read_rule_files(paths, cache=not no_cache)
        annotated = annotated_jobs(targets, count)
        todo = select_jobs(files, select, model, count, bool(mistakes or annotated))
        todo += annotated
    complete = not (given or select or model or shard or mistakes or profile)
    adoptions = load_adoptions(files, write_baseline, no_baseline)
    off, todo = _switched_off(todo)
    todo = shard.part(todo) if shard else todo
    log = prepare_outputs(outputs)
    if format_ == "text":
        for mistake in mistakes:
            click.echo(mistake, err=True)
    if off and format_ == "text" and verbose > quiet:
        click.echo("\n".join(off))
    printed = PrintedReport(verbose - quiet, color, strict)
    adopt = adopter(adoptions, files)
    results: dict[int, Verdict] = {}

    def on_verdict(index: int, verdict: Verdict) -> None:
        results[index] = verdict
        if format_ == "text" and not write_baseline:  # which is complete only after all verdicts
            printed.add(index, adopt(todo[index], verdict))

    try:
        verdicts = run_logged(
            todo, jobs, backend, resume, log, not no_cache, on_verdict, progress=not quiet
        )
        if not profile:  # waivers and the baseline are about contracts of rule files
            verdicts = apply_adoptions(
                adoptions, files, todo, verdicts, complete=complete, write=write_baseline
            )
        if locked:
            from archlint.cli.lock import check_locked

            verdicts += check_locked(todo, jobs, complete=complete)
    except (Exception, KeyboardInterrupt, SystemExit) as e:  # SystemExit: a signal
        were = " was" if len(todo) == 1 else "s were"
        share = f"{len(results)} of {len(todo)} contract{were} checked"
        checked = [todo[i] for i in sorted(results)]
        verdicts = [adopt(todo[i], results[i]) for i in sorted(results)]
        error = verdict.Verdict("error", "interrupted", message=share)
        if results or not isinstance(e, Exception):
            write_reports(outputs, format_, checked, verdicts, mistakes, strict, printed, error)
        if isinstance(e, Exception):
            raise
        click.echo(f"interrupted: {share}; all workers were stopped", err=True)
        ctx.exit(EXIT_INTERRUPTED if isinstance(e, KeyboardInterrupt) else int(e.code or 0))
    write_reports(outputs, format_, todo, verdicts, mistakes, strict, printed)
    if format_ == "text" and not quiet and not locked:
        if sys.stderr.isatty():
            done = counted(len(verdicts), "verdict")
            click.echo(f"{done} in {time.monotonic() - start:.1f} s", err=True)
        suggest(after_check(todo, verdicts))
    ctx.exit(EXIT_CANNOT_RUN if mistakes else verdict.exit_code(verdicts, strict))


def _switched_off(jobs: list[Job]) -> tuple[list[str], list[Job]]:
    """A line for each job whose severity is ``off``, and the other jobs."""
    lines = []
    for job in (j for j in jobs if j.contract.severity == "off"):
        reason = f"   ({job.contract.severity_reason})" if job.contract.severity_reason else ""
        lines.append(f"off  {job.contract.id} · {job.ref.name}{reason}")
    return lines, [j for j in jobs if j.contract.severity != "off"]
