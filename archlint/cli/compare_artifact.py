"""``archlint compare-artifact``: an exported model beside the model that it was made from."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path

import click

from archlint.cli.exit_codes import CannotRun
from archlint.cli.export_ranges import within_clause
from archlint.cli.infer import infer_job, input_option, kwargs_option, read_input
from archlint.cli.next_step import DOCS, MESSAGES, suggest
from archlint.cli.report_output import (
    Output,
    PrintedReport,
    output_options,
    prepare_outputs,
    write_reports,
)
from archlint.cli.run_jobs import run_jobs
from archlint.engine.artifact.runtimes import PACKAGES, SUFFIXES, runtime_of

COMPARE = "archlint.engine.artifact.comparison:artifact_verdict"


@click.command("compare-artifact")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--with", "target", required=True, metavar="TARGET",
              help="The model with the artifact's weights, such as file.py:factory.")  # fmt: skip
@click.option("--runtime", type=click.Choice(tuple(PACKAGES)), default=None,
              help="What runs FILE. Default: by its suffix .onnx, .xml, .pt2 or .pte.")  # fmt: skip
@click.option("--within", metavar="PHRASE", help="Compare only sizes with this condition, such as "
              "'N <= 16 and H, W in 32..1024'.")  # fmt: skip
@click.option("--outside", type=click.Choice(["refuses", "any"]), default="refuses",
              show_default=True, help="What FILE must do where the model refuses.")  # fmt: skip
@click.option("--tolerance", type=click.FloatRange(min=0), default=0.001, show_default=True,
              help="The largest difference of values, relative to the largest value.")  # fmt: skip
@click.option("--shapes-only", is_flag=True, help="Do not compare values.")
@input_option
@kwargs_option
@click.option("--seconds", type=click.FloatRange(min=0, min_open=True), default=120.0,
              show_default=True, metavar="S", help="Time limit, in seconds.")  # fmt: skip
@output_options
@click.pass_context
def compare_artifact(
    ctx: click.Context,
    file: Path,
    target: str,
    runtime: str | None,
    within: str | None,
    outside: str,
    tolerance: float,
    shapes_only: bool,
    input_: str | None,
    kwargs: Mapping[str, object],
    seconds: float,
    format_: str,
    outputs: tuple[Output, ...],
) -> None:
    """Run an exported model beside the model, at sizes that the model accepts and just outside.

    FILE runs in a process of its own, which may crash. The report distinguishes refusals, crashes,
    runs without an error where the model refuses, outputs of an earlier call and other values, each
    with the smallest of the sizes that were run.

    Exit code: 0 if they agree; 1 if they differ; 2 if something could not run.
    """
    from dataclasses import replace

    from archlint.contracts import verdict
    from archlint.contracts.contract import Artifact
    from archlint.errors import Location

    if not file.is_file():
        if not file.is_dir():
            raise CannotRun(f"{file}: this file does not exist")
        inside = sorted(p.name for p in file.iterdir() if p.suffix in SUFFIXES)
        hint = f"; state one of its files: {', '.join(inside[:5])}" if inside else ""
        raise CannotRun(f"{file}: this is a folder{hint}")
    runtime_of(file, runtime or "")
    job = infer_job(target, read_input(input_), "eval", 128, seconds, kwargs)
    artifact = Artifact(str(file.resolve()), runtime or "", outside, tolerance, shapes_only)
    contract = replace(job.contract, id=file.name, clause=within_clause(within), artifact=artifact,
                       where=Location(str(file), 1))  # fmt: skip
    prepare_outputs(outputs)
    jobs = [replace(job, contract=contract)]
    verdicts = run_jobs(jobs, 1, check=COMPARE)
    verdicts = [replace(v, file=str(file), line=1) for v in verdicts]
    write_reports(outputs, format_, jobs, verdicts, (), False, PrintedReport(1))
    if format_ == "text" and all(verdicts):
        suggest(
            f"a contract with artifact: {file} compares both in each check: {DOCS}/deployment.md"
        )
    elif format_ == "text":
        suggest(f"archlint explain {shlex.quote(target)} shows the layers; {MESSAGES} the messages")
    ctx.exit(verdict.exit_code(verdicts))
