"""A time limit that interrupts Python code, even a loop that never ends."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from archlint.runtime.code_owner import is_user_code
from archlint.runtime.effort_clock import now, seconds_left
from archlint.runtime.uninterruptible import is_uninterrupted
from archlint.runtime.user_frames import shown

AGAIN = 5.0
"""Seconds after which it rings again: user code may swallow whatever is raised."""

SOON = 0.02
"""Seconds after which it rings again where nothing may be raised."""


class TimeLimitReached(BaseException):
    """The time is up; the text says where the code was, if that is user code.

    Not an ``Exception``, so that no ``except Exception`` of a model swallows it.
    """


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise :class:`TimeLimitReached` inside the block after ``seconds`` of :mod:`.effort_clock`.

    A timer that is running already, a test's own limit, say, rings when it would have rung. Works
    in the main thread on systems with ``SIGALRM``; elsewhere, and inside code that never returns to
    Python, the limit is the worker process's (``archlint check``).
    """
    if not hasattr(signal, "SIGALRM") or threading.current_thread() is not threading.main_thread():
        yield
        return
    start, end = time.monotonic(), now() + seconds
    others = signal.getsignal(signal.SIGALRM)
    theirs, interval = signal.getitimer(signal.ITIMER_REAL)
    first = theirs > 0 and theirs <= seconds and callable(others)
    rang = False  # the other timer
    over = False
    late: TimeLimitReached | None = None

    def ring(number: int, frame: FrameType | None) -> None:
        nonlocal first, rang, late
        if over:
            return
        if is_uninterrupted() or _is_deleting(frame):
            signal.setitimer(signal.ITIMER_REAL, SOON)
            return
        signal.setitimer(signal.ITIMER_REAL, AGAIN)
        if first and callable(others):
            rang = True
            others(number, frame)
            first = False  # it raised nothing: our own limit is left
            signal.setitimer(signal.ITIMER_REAL, max(seconds_left(end), 0.001))
            return
        left = seconds_left(end)
        if left > SOON:  # the thread had to wait for a processor
            signal.setitimer(signal.ITIMER_REAL, left)
            return
        while frame is not None and not is_user_code(frame.f_code.co_filename):
            frame = frame.f_back
        where = f"; it was at {shown(frame.f_code.co_filename)}:{frame.f_lineno}" if frame else ""
        late = TimeLimitReached(where)
        raise late

    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, max(theirs if first else seconds, 0.001))
    try:
        yield
    except Exception as e:
        if late is None:
            raise
        raise late from e  # ctypes makes an ArgumentError of whatever is raised in a conversion
    finally:
        over = True
        signal.setitimer(signal.ITIMER_REAL, 0)  # before the handler goes: the default one kills
        signal.signal(signal.SIGALRM, others)
        left = max(theirs - (time.monotonic() - start), 0.001)
        signal.setitimer(signal.ITIMER_REAL, left if theirs and not rang else 0, interval)


def _is_deleting(frame: FrameType | None) -> bool:
    """Whether an object is just being deleted: what is raised there is lost, and warned of."""
    while frame is not None:
        if frame.f_code.co_name == "__del__":
            return True
        frame = frame.f_back
    return False
