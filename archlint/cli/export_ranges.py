"""``archlint export-ranges``: the proved sizes as a profile of a deployment tool."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from archlint.cli.exit_codes import CannotRun
from archlint.cli.infer import (
    infer_job,
    input_option,
    kwargs_option,
    paths_option,
    read_input,
    seconds_option,
)
from archlint.cli.next_step import suggest
from archlint.cli.run_jobs import run_jobs

if TYPE_CHECKING:
    from archlint.contracts.contract import SizeClause

BOXES = "archlint.engine.infer.export_boxes:boxes_verdict"
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
@click.option("--mode", type=click.Choice(["eval", "train"]), default="eval", show_default=True,
              help="The mode of the model.")  # fmt: skip
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
    --profile reads what is written.

    Exit code: 0, or 2 if there are no such ranges.
    """
    from dataclasses import replace

    from archlint.contracts.contract import DeclaredRange
    from archlint.errors import ArchlintError, Location
    from archlint.project.exported_ranges import exported

    job = infer_job(target, read_input(input_), mode, paths, seconds, kwargs)
    clause = within_clause(within)
    declared = DeclaredRange(Location("--opt", 1), form, _sizes(opt))
    clause = replace(clause, declared=declared)
    job = replace(job, contract=replace(job.contract, clause=clause))
    (verdict,) = run_jobs([job], 1, progress=sys.stderr.isatty(), check=BOXES)
    if "boxes" not in verdict.details:
        printed = verdict.details.get("printed", "")
        raise CannotRun("\n".join(filter(None, (f"{target}: {verdict.message}", printed))))
    boxes = json.loads(verdict.details["boxes"])
    options = f" --within {shlex.quote(within)}" if within else ""
    options += f" --opt {opt}" if opt else ""
    try:
        input = read_input(json.dumps(boxes["input"]).strip('"'))
        text, comments = exported(boxes, input, form, shlex.quote(target), options)
    except ArchlintError as e:
        raise CannotRun(str(e)) from e
    click.echo(text, nl=False)
    if comments not in text:
        click.echo(comments, nl=False, err=True)
    check = f"archlint check --profile FILE --model {shlex.quote(target)}"
    suggest(f"write this to a FILE; {check} checks it after each change")


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
            raise click.BadParameter(f"found {part!r}; expected sizes such as H=224,W=224",
                                     param_hint="--opt")  # fmt: skip
        sizes[name] = int(value)
    return sizes
