"""A progress bar on stderr."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from archlint.errors import one_line


class Bar:
    """A bar that is shown, counts the steps that are done, and names one that runs."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress = progress
        self._task = progress.add_task("starting", total=total)
        self._running: dict[int, str] = {}
        self._lock = Lock()

    def started(self, step: int, name: str) -> None:
        """A step runs now. Any thread may call this."""
        with self._lock:
            self._running[step] = name
            self._show(0)

    def finished(self, step: int) -> None:
        """Count a step."""
        with self._lock:
            self._running.pop(step, None)
            self._show(1)

    def _show(self, done: int) -> None:
        """The step that has run for the longest time, and how many others run."""
        names = list(self._running.values())
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        words = f"{names[0]}{more}" if names else ""
        self._progress.update(self._task, advance=done, description=escape(one_line(words)))

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
