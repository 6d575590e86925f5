"""Code that no time limit may leave half done (:mod:`.deadline` waits for its end)."""

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
    """Inside it no limit rings. It should not take long, or have a limit of its own."""
    _depth.now += 1
    try:
        yield
    finally:
        _depth.now -= 1


def is_uninterrupted() -> bool:
    """Whether such code runs in this thread."""
    return _depth.now > 0
