"""A time limit that interrupts Python code, even a loop that never ends."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from archlint.frames import is_user_code, shown


class Late(BaseException):
    """The time is up; the text says where the code was, if that is user code.

    Not an ``Exception``, so that no ``except Exception`` of a model swallows it.
    """


@contextmanager
def alarm(seconds: float) -> Iterator[None]:
    """Raise :class:`Late` inside the block after ``seconds``.

    Works in the main thread on systems with ``SIGALRM``; elsewhere, and inside code that never
    returns to Python, the limit is the worker process's (``archlint check``).
    """
    usable = hasattr(signal, "SIGALRM") and threading.current_thread() is threading.main_thread()
    sooner = usable and 0 < signal.getitimer(signal.ITIMER_REAL)[0] <= seconds
    if not usable or sooner:  # a test's own time limit, say, is not put off
        yield
        return

    def ring(number: int, frame: FrameType | None) -> None:
        while frame is not None and not is_user_code(frame.f_code.co_filename):
            frame = frame.f_back
        where = f"; it was at {shown(frame.f_code.co_filename)}:{frame.f_lineno}" if frame else ""
        raise Late(where)

    before = signal.signal(signal.SIGALRM, ring)
    outer = signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.001))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, *outer)
        signal.signal(signal.SIGALRM, before)
