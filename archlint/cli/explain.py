"""``archlint explain``: why a model accepts the sizes that it accepts."""

from __future__ import annotations

from pathlib import Path

import click

from archlint.cli.infer import input_option, paths_option, read_input, seconds_option
from archlint.cli.run_jobs import CannotRun


@click.command()
@click.argument("target")
@input_option
@click.option("--at", metavar="SIZE", help="Sizes to look at: 256x256, or H=256,W=320.")
@click.option("--layer", default="", metavar="GLOB", help="Only these layers, unfolded.")
@click.option("--mode", type=click.Choice(["eval", "train"]), default="eval", show_default=True)
@click.option("--verbose", "-v", is_flag=True, help="Every layer, also those that change no size.")
@paths_option
@seconds_option
def explain(
    target: str,
    input_: str | None,
    at: str | None,
    layer: str,
    mode: str,
    verbose: bool,
    paths: int,
    seconds: float,
) -> None:
    """Show layer by layer which sizes a model accepts, and which weights fix them.

    TARGET is pkg.mod:factory, path/file.py:factory, torchvision:NAME or timm:NAME.

    Exit code: 0, also where the sizes of --at are refused; 2 nothing could be said.
    """
    from archlint.contracts.contract import Budget, ModelRef
    from archlint.contracts.settings import project_root
    from archlint.errors import ArchlintError
    from archlint.explanation.explain import explain_source
    from archlint.models.targets import resolve

    input = read_input(input_)
    try:
        with resolve(ModelRef(target, target), project_root(Path.cwd())) as source:
            told = explain_source(source, input, at, mode, Budget(paths, seconds))
            text = told.text(verbose=verbose, layer=layer)
    except ArchlintError as e:
        raise CannotRun(str(e)) from e
    click.echo(text)
