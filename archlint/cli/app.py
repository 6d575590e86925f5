"""The command line. Each command imports what is slow to import only when it runs."""

from __future__ import annotations

import signal
import sys
import traceback
from typing import NoReturn

import click

from archlint.cli.badge import badge
from archlint.cli.cache import cache
from archlint.cli.check import check
from archlint.cli.compare_artifact import compare_artifact
from archlint.cli.cost import cost
from archlint.cli.diff import diff
from archlint.cli.exit_codes import EXIT_CANNOT_RUN, EXIT_INTERRUPTED, discard_stdout
from archlint.cli.explain import explain
from archlint.cli.export_ranges import export_ranges
from archlint.cli.fix import fix
from archlint.cli.infer import infer
from archlint.cli.init import init
from archlint.cli.lock import lock
from archlint.cli.rules import rules
from archlint.errors import NEEDS_TORCH

EPILOG = """\b
First:  archlint init        finds your models and writes a first rule file
        archlint check       checks it
Docs:   https://github.com/archlint/torch-archlint/tree/main/docs"""


def main() -> NoReturn:
    """The entry point. Exit code 1 means only that contracts do not hold."""
    for number in (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup ignores SIGHUP
            signal.signal(number, lambda number, _: sys.exit(128 + number))
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = cli.main(prog_name="archlint", standalone_mode=False)
    except click.ClickException as e:
        e.show()
        code = e.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        code = EXIT_INTERRUPTED
    except BrokenPipeError:
        discard_stdout()
        code = EXIT_CANNOT_RUN
    except Exception as e:
        if isinstance(e, ModuleNotFoundError) and e.name == "torch":
            click.echo(f"Error: {NEEDS_TORCH}", err=True)
            sys.exit(EXIT_CANNOT_RUN)
        traceback.print_exc()
        click.echo("This is a bug in archlint. Please report it.", err=True)
        code = EXIT_CANNOT_RUN
    sys.exit(code or 0)


class _InOrderOfUse(click.Group):
    """A group that lists its commands in the order in which they were added."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(
    cls=_InOrderOfUse, context_settings={"help_option_names": ["-h", "--help"]}, epilog=EPILOG
)
@click.option("--version", is_flag=True, is_eager=True, expose_value=False,
              callback=lambda ctx, _param, on: _version(ctx) if on else None,
              help="Show the version and exit.")  # fmt: skip
def cli() -> None:
    """Check architecture contracts of PyTorch models for all input sizes at once."""


def _version(ctx: click.Context) -> NoReturn:
    from archlint.contracts.settings import version

    click.echo(f"archlint {version()}")
    ctx.exit()


for command in (
    init, check, explain, fix, infer, cost, export_ranges, compare_artifact, lock,
    diff, badge, rules, cache,
):  # fmt: skip
    cli.add_command(command)
