"""``archlint cost``: what a model costs, as formulas of its input sizes."""

from __future__ import annotations

import shlex
from dataclasses import replace

import click
from click.core import ParameterSource

from archlint.cli.infer import (
    input_option,
    kwargs_option,
    mode_option,
    paths_option,
    read_input,
    seconds_option,
)
from archlint.cli.model_argument import model_argument, stated_input
from archlint.cli.next_step import DOCS, suggest
from archlint.contracts.cost_budget import OPTIMIZERS
from archlint.errors import visible


@click.command()
@click.argument("target")
@input_option
@kwargs_option
@click.option(
    "--at",
    metavar="SIZE",
    help="Evaluate the formulas at these sizes: 256x256, or N=8,H=256,W=320. Default: common sizes "
    "that the model accepts.",
)
@click.option("--by-layer", is_flag=True, help="Also show what each layer costs.")
@click.option(
    "--dtype",
    type=click.Choice(["float64", "float32", "bfloat16", "float16"]),
    help="Count bytes as if floating-point tensors had this dtype.",
)
@mode_option
@click.option("--train", is_flag=True,
              help="Count what autograd keeps, gradients and the optimizer.")  # fmt: skip
@click.option("--optimizer", type=click.Choice(OPTIMIZERS), default="adamw", show_default=True,
              help="The optimizer of --train.")  # fmt: skip
@click.option("--fits", metavar="BYTES",
              help="Show the largest batches and sizes that fit, as in 24GiB.")  # fmt: skip
@click.option("--format", "format_", type=click.Choice(["text", "json", "html"]), default="text",
              show_default=True, help="Format of the report.")  # fmt: skip
@paths_option
@seconds_option
def cost(
    target: str,
    input_: str | None,
    kwargs: dict[str, object],
    at: str | None,
    by_layer: bool,
    dtype: str | None,
    mode: str,
    train: bool,
    optimizer: str,
    fits: str | None,
    format_: str,
    paths: int,
    seconds: float,
) -> None:
    """Show what a model costs at every size that it accepts.

    TARGET is pkg.mod:factory, path/file.py:factory, torchvision:NAME, timm:NAME, or the name of a
    model in a rule file. Floating-point operations are those that torch.utils.flop_counter
    counts. Activations are the bytes that must be alive at once without gradients, or with --train
    those that autograd keeps, at the least.

    Exit code: 0; 2 if the model could not run or does not accept the sizes of --at.
    """
    from archlint.contracts.contract import Budget
    from archlint.contracts.settings import version
    from archlint.report import cost_text

    source_of = click.get_current_context().get_parameter_source
    if source_of("optimizer") is ParameterSource.COMMANDLINE and not train:
        raise click.UsageError("--optimizer requires --train")
    if source_of("mode") is ParameterSource.COMMANDLINE and train and mode != "train":
        raise click.UsageError("--train counts the mode train; leave out --mode")
    if fits is not None and fits.isdigit() and fits.strip("0") and len(fits) < 4:
        hint = f"found {fits} bytes; did you mean {fits}GiB?"
        raise click.BadParameter(hint, param_hint="--fits")
    input = read_input(input_)
    ref, root = model_argument(target, kwargs)
    input = stated_input(target, input, mode)
    from archlint.engine.cost.model_cost import Options, cost_source
    from archlint.models.targets import resolve

    with resolve(ref, root) as source:
        options = Options(dtype, optimizer if train else None, fits)
        found = cost_source(source, input, at, mode, Budget(paths, seconds), options)
        found = replace(found, model=ref.name)  # as archlint infer names it
    if format_ == "json":
        click.echo(cost_text.as_json(found, version(), by_layer))
        return
    if format_ == "html":
        from archlint.report.page.cost_page import cost_page

        click.echo(cost_page(found))
        return
    click.echo(visible(cost_text.text(found, by_layer)))
    if by_layer:
        suggest(f"costs: in a rule file limits them: {DOCS}/cost.md#budgets")
    else:
        suggest(f"archlint cost {shlex.quote(target)} --by-layer shows what each layer costs")
