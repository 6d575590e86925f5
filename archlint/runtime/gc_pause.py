"""Pauses Python's garbage collection."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def gc_paused() -> Iterator[None]:
    """Do not search for reference cycles inside the block.

    For what makes many small objects that live on (a copy of a model, a trace): looking through
    them again and again takes longer than making them.
    """
    was_enabled = gc.isenabled()
    try:
        gc.disable()
        yield
    finally:
        if was_enabled:
            gc.enable()
