"""The command line. Each command imports what is slow to import only when it runs."""

from __future__ import annotations

import errno
import signal
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NoReturn

import click

from archlint.cli.exit_codes import EXIT_CANNOT_RUN, EXIT_INTERRUPTED, CannotRun, discard_stdout
from archlint.errors import NEEDS_TORCH, ArchlintError

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
        code = _exit_code()
    except OSError:  # the message about an error cannot be written either
        code = EXIT_CANNOT_RUN
    sys.exit(code)


def _exit_code() -> int:
    """Run the command; its exit code, or that of an error, which is printed."""
    try:
        return int(cli.main(prog_name="archlint", standalone_mode=False) or 0)
    except click.ClickException as e:
        e.show()
        return e.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        discard_stdout()
    except Exception as e:
        if isinstance(e, ModuleNotFoundError) and e.name == "torch":
            click.echo(f"Error: {NEEDS_TORCH}", err=True)
        elif isinstance(e, OSError) and e.errno in _MACHINE:
            about = "" if e.filename is None else f"{e.filename}: "
            discard_stdout()
            click.echo(f"Error: {about}{e.strerror}", err=True)
        else:
            traceback.print_exc()
            click.echo("This is a bug in archlint. Please report it.", err=True)
    return EXIT_CANNOT_RUN


_MACHINE = (
    errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS, errno.EMFILE, errno.ENFILE,
    errno.ENOMEM,
)  # fmt: skip
"""Errors of the machine, such as a full disk, which are nobody's bug."""

COMMANDS = (
    "init", "check", "explain", "fix", "infer", "cost", "export-ranges", "compare-artifact", "lock",
    "diff", "badge", "rules", "cache",
)  # fmt: skip
"""In the order of use. The module of each has its name, and is imported when it is needed."""


class _Commands(click.Group):
    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except click.NoSuchOption as e:
            similar = _similar(e.option_name, e.possibilities or ())
            raise click.NoSuchOption(e.option_name, possibilities=similar, ctx=e.ctx) from None
        except ArchlintError as e:
            raise CannotRun(str(e)) from e

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        name = cmd_name.replace("-", "_")
        command: click.Command = getattr(import_module(f"archlint.cli.{name}"), name)
        sentence = (command.help or "").partition("\n\n")[0]  # click would cut it in the list
        command.short_help = command.short_help or " ".join(sentence.split()).rstrip(".")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        from archlint.contracts.suggestions import did_you_mean

        if args[0] not in COMMANDS and not args[0].startswith("-"):
            ctx.fail(f"No such command {args[0]!r}{did_you_mean(args[0], COMMANDS) or '.'}")
        return super().resolve_command(ctx, args)


def _similar(option: str, options: Sequence[str]) -> list[str]:
    """The options like a misspelt one; click also compares the dashes: ``--model``, ``--help``."""
    from difflib import get_close_matches

    names = {name.lstrip("-"): name for name in options}
    return [names[near] for near in get_close_matches(option.lstrip("-"), list(names))]


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]}, epilog=EPILOG)
@click.option("--version", is_flag=True, is_eager=True, expose_value=False,
              callback=lambda ctx, _param, on: _version(ctx) if on else None,
              help="Show the version and exit.")  # fmt: skip
def cli() -> None:
    """Check architecture contracts of PyTorch models for all input sizes at once."""


def _version(ctx: click.Context) -> NoReturn:
    from archlint.contracts.settings import version

    click.echo(f"archlint {version()}")
    ctx.exit()
