"""A progress bar on stderr."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from archlint.errors import one_line


class Bar:
    """A bar that is shown, and counts steps."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress = progress
        self._task = progress.add_task("checking", total=total)

    def advance(self, name: str) -> None:
        """Count one step, and show its name."""
        self._progress.update(self._task, advance=1, description=escape(one_line(name)))

    @contextmanager
    def hidden(self) -> Iterator[None]:
        """Remove the bar while something is printed on the same terminal."""
        if not sys.stdout.isatty():
            yield
            return
        self._progress.stop()
        try:
            yield
        finally:
            self._progress.start()


@contextmanager
def bar(total: int) -> Iterator[Bar]:
    """A bar of ``total`` steps, removed at the end."""
    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )
    console = Console(stderr=True)
    with Progress(
        *columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False
    ) as shown:
        yield Bar(shown, total)
