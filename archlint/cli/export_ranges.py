"""``archlint export-ranges``: the proved sizes as a profile of a deployment tool."""

from __future__ import annotations

import json
import shlex
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archlint.cli.exit_codes import CannotRun
from archlint.cli.infer import (
    infer_job,
    input_option,
    kwargs_option,
    mode_option,
    paths_option,
    read_input,
    seconds_option,
)
from archlint.cli.next_step import suggest
from archlint.cli.run_jobs import run_jobs

if TYPE_CHECKING:
    from archlint.contracts.contract import SizeClause
    from archlint.contracts.job import Job
    from archlint.contracts.verdict import Verdict

BOXES = "archlint.engine.infer.export_boxes:boxes_verdict"
TRIAL = "archlint.engine.infer.trial_export:trial_verdict"
FORMS = (
    "trtexec", "tensorrt", "polygraphy", "torch-tensorrt", "triton", "onnx", "openvino", "coreml",
    "torch-export", "shapes-spec", "compile", "json",
)  # fmt: skip


@click.command("export-ranges")
@click.argument("target")
@click.option("--to", "form", type=click.Choice(FORMS), required=True, help="The form to write.")
@click.option("--within", metavar="PHRASE", help="Only sizes with this condition, such as "
              "'N <= 16 and H, W in 32..1024'.")  # fmt: skip
@click.option("--opt", metavar="SIZES", help="The sizes to optimize for, such as H=224,W=224. "
              "Default: a batch of 2 and sizes of 224, where these are accepted.")  # fmt: skip
@input_option
@kwargs_option
@mode_option
@paths_option
@seconds_option
def export_ranges(
    target: str,
    form: str,
    within: str | None,
    opt: str | None,
    input_: str | None,
    kwargs: Mapping[str, object],
    mode: str,
    paths: int,
    seconds: float,
) -> None:
    """Write the sizes that a model accepts as ranges of a deployment tool.

    TARGET is as for archlint infer. The ranges are proved: where a tool can only state a box, it is
    the largest box of accepted sizes around --opt, and comments say what it leaves out. check
    --profile reads what is written. Code for torch.export is tried: the model is exported and runs.

    Exit code: 0, or 2 if there are no such ranges, or torch.export cannot export them.
    """
    from archlint.contracts.contract import DeclaredRange
    from archlint.contracts.rulefile.ranges.forms import TRIED
    from archlint.errors import ArchlintError, Location
    from archlint.project.exported_ranges import exported, sizes_with_multiples

    job = infer_job(target, read_input(input_), mode, paths, seconds, kwargs)
    clause = within_clause(within)
    declared = DeclaredRange(Location("--opt", 1), form, _sizes(opt))
    clause = replace(clause, declared=declared)
    job = replace(job, contract=replace(job.contract, clause=clause))
    (verdict,) = run_jobs([job], 1, check=BOXES)
    if "boxes" not in verdict.details:
        printed = verdict.details.get("printed", "")
        raise CannotRun("\n".join(filter(None, (f"{target}: {verdict.message}", printed))))
    boxes = json.loads(verdict.details["boxes"])
    options = f" --within {shlex.quote(within)}" if within else ""
    options += f" --opt {opt}" if opt else ""
    failures = ""
    for write in TRIED.get(form, (None,)):
        try:
            input = read_input(json.dumps(boxes["input"]).strip('"'))
            text, comments = exported(boxes, input, form, shlex.quote(target), options, write)
        except ArchlintError as e:
            raise CannotRun(failures or str(e)) from e
        if form not in TRIED:
            break
        sizes = sizes_with_multiples(boxes)
        tried = _tried(replace(job, contract=replace(job.contract, input=input)), text, sizes)
        note = tried.details.get("skipped") or tried.message
        if tried or tried.details.get("skipped"):
            how = "" if tried else "Not tried: "
            text = f"{comments}# {how}{note}.\n{text.removeprefix(comments)}"
            break
        failures = failures or f"{target}: torch.export does not export {sizes}: {note}"
    else:
        other = next(f for f in TRIED if f != form)
        others = len(TRIED[form]) - 1
        more = f"; written in {others} other forms it fails too" if others else ""
        raise CannotRun(f"{failures}{more}; try --to {other}, or fewer sizes with --within")
    click.echo(text, nl=False)
    if comments not in text:
        click.echo(comments, nl=False, err=True)
    check = f"archlint check --profile FILE --model {shlex.quote(target)}"
    suggest(f"write this to a FILE; {check} checks it after each change")


def _tried(job: Job, text: str, sizes: str) -> Verdict:
    """The verdict of exporting the model by the code ``text``, which is to allow ``sizes``."""
    from archlint.contracts.accepted_set import region
    from archlint.errors import Location

    clause = job.contract.clause
    with tempfile.TemporaryDirectory(prefix="archlint-") as folder:
        file = Path(folder, "export.py")
        file.write_text(text, encoding="utf-8")
        assert clause.declared is not None
        declared = replace(clause.declared, where=Location(str(file), 1))
        clause = replace(clause, region=region(sizes), text=f"any {sizes}", declared=declared)
        jobs = [replace(job, contract=replace(job.contract, clause=clause))]
        (verdict,) = run_jobs(jobs, 1, check=TRIAL)
    return verdict


def within_clause(within: str | None) -> SizeClause:
    """The clause of ``--within``. Raises ``click.BadParameter``."""
    from archlint.contracts.rulefile.phrase_parser import parse_clause
    from archlint.errors import PhraseError

    words = (within or "").strip()
    try:
        return parse_clause(f"any {words.removeprefix('any ')}" if words else "any size", "accepts")
    except PhraseError as e:
        raise click.BadParameter(str(e), param_hint="--within") from None


def _sizes(text: str | None) -> dict[str, int]:
    sizes = {}
    for part in (text or "").replace(" ", "").split(",") if text else []:
        name, equals, value = part.partition("=")
        if not equals or not name.isidentifier() or not value.isdigit():
            height, _, width = part.partition("x")
            pair = height.isdigit() and width.isdigit()
            meant = f"H={height},W={width}" if pair else "H=224,W=224"
            raise click.BadParameter(f"found {part!r}; expected sizes such as {meant}",
                                     param_hint="--opt")  # fmt: skip
        sizes[name] = int(value)
    return sizes
