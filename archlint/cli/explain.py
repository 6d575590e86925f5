"""``archlint explain``: why a model accepts just these sizes."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

import click

from archlint.cli.exit_codes import CannotRun
from archlint.cli.html_output import html_option, write_page
from archlint.cli.infer import (
    input_option,
    kwargs_option,
    mode_option,
    paths_option,
    read_input,
    seconds_option,
)
from archlint.cli.model_argument import model_argument, stated_input
from archlint.cli.next_step import suggest
from archlint.errors import visible


@click.command()
@click.argument("target")
@input_option
@kwargs_option
@click.option(
    "--at", metavar="SIZE", help="Show the model at these sizes: 256x256, or H=256,W=320."
)
@click.option(
    "--layer",
    default="",
    metavar="GLOB",
    help="Show only these layers, without folding repeated ones.",
)
@mode_option
@html_option
@click.option("--verbose", "-v", is_flag=True, help="Also show layers that change no size.")
@paths_option
@seconds_option
def explain(
    target: str,
    input_: str | None,
    kwargs: dict[str, object],
    at: str | None,
    layer: str,
    mode: str,
    html: Path | None,
    verbose: bool,
    paths: int,
    seconds: float,
) -> None:
    """Show layer by layer which sizes a model accepts, and which weights fix them.

    TARGET is pkg.mod:factory, path/file.py:factory, torchvision:NAME, timm:NAME, or the name of a
    model in a rule file.

    Exit code: 0, also if the sizes of --at are refused; 2 if the model could not run, or no layer
    that runs matches --layer.
    """
    from archlint.contracts.contract import Budget

    input = read_input(input_)
    ref, root = model_argument(target, kwargs)
    input = stated_input(target, input, mode)
    from archlint.explanation.explain import explain_source
    from archlint.models.targets import resolve

    with resolve(ref, root) as source:
        budget = Budget(paths, seconds)
        costs = html is not None
        explanation = explain_source(source, input, at, mode, budget, costs=costs)
        explanation = replace(explanation, model=ref.name)  # as archlint infer names it
        _check_layer(layer, explanation.layers)
        text = explanation.text(verbose=verbose, layer=layer)
        if html is not None:
            from archlint.report.page.model_page import explain_page

            write_page(html, explain_page(explanation))
    click.echo(visible(text))
    if at is None and explanation.point:
        sizes = ",".join(f"{name}={size}" for name, size in explanation.point.items())
        suggest(f"archlint explain {shlex.quote(target)} --at {sizes} shows the layers at one size")
    else:
        suggest(f"archlint infer {shlex.quote(target)} --format yaml writes what it accepts")


def _check_layer(pattern: str, layers: Sequence[str]) -> None:
    if pattern and not any(fnmatchcase(name, pattern) for name in layers):
        from archlint.contracts.suggestions import pattern_hint

        raise CannotRun(f"no layer that runs matches {pattern!r}{pattern_hint(pattern, layers)}")
