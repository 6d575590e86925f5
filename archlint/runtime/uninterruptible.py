"""Marks sections that the deadline signal must not interrupt (see :mod:`.deadline`)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class _Depth(threading.local):
    """How many such blocks this thread is in; limits ring in the main thread."""

    now = 0


_depth = _Depth()


@contextmanager
def uninterrupted() -> Iterator[None]:
    """No time limit interrupts the block, which should be short or have a limit of its own."""
    _depth.now += 1
    try:
        yield
    finally:
        _depth.now -= 1


def is_uninterrupted() -> bool:
    """Whether such code runs in this thread."""
    return _depth.now > 0
