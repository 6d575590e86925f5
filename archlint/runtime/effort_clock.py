"""A clock for time limits that stops while a thread waits for a processor.

A limit by this clock gives the same result on a loaded machine as on an idle one. Work and sleep
count; the time that a runnable thread spends in the run queue does not. Linux states that time
in ``/proc`` for each thread; on other systems the clock is ``time.monotonic``.
"""

from __future__ import annotations

import os
import threading
from time import monotonic

_NANOSECONDS = 1e9


class _Known(threading.local):
    """The waiting time of this thread, as it was last read."""

    waited = 0.0


_known = _Known()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lambda: setattr(_known, "waited", 0.0))


def waited(pid: int | None = None, thread: int | None = None) -> float:
    """Seconds for which a thread has been runnable and did not run; 0 if that is not known.

    ``thread``: the native id of a thread of this process. ``pid``: another process, whose first
    thread is meant. By default the calling thread.
    """
    place = f"self/task/{thread}" if thread else str(pid or "thread-self")
    try:
        file = os.open(f"/proc/{place}/schedstat", os.O_RDONLY)  # a third of the time of open()
        try:
            return int(os.read(file, 99).split()[1]) / _NANOSECONDS
        finally:
            os.close(file)
    except (OSError, IndexError, ValueError):
        return 0.0


def now() -> float:
    """Seconds on this thread's clock, for deadlines; never more than ``time.monotonic()``."""
    _known.waited = waited()
    return monotonic() - _known.waited


def seconds_left(deadline: float) -> float:
    """Seconds until a deadline, a value of :func:`now` in this thread; negative if it passed."""
    return deadline - now()


def passed(deadline: float) -> bool:
    """Whether a deadline, a value of :func:`now` in this thread, has passed."""
    return monotonic() - _known.waited > deadline and now() > deadline
