"""Exit codes of the commands, and the error that ends a command with code 2."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from archlint.errors import visible

EXIT_CANNOT_RUN = 2
EXIT_INTERRUPTED = 130


class CannotRun(click.ClickException):
    """The command cannot run; its message is printed and the exit code is 2."""

    exit_code = EXIT_CANNOT_RUN

    def format_message(self) -> str:
        return visible(super().format_message())  # may contain what a model raised or printed


@contextmanager
def writing(path: Path, option: str = "") -> Iterator[None]:
    """Raise ``CannotRun`` if the block cannot write ``path``, which ``option`` names."""
    try:
        yield
    except OSError as e:
        about = f"{option}: {path}" if option else path
        raise CannotRun(f"{about} cannot be written: {e.strerror}") from e


def discard_stdout() -> None:
    """Redirect a closed stdout to the null device, so that Python's last flush does not fail."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
