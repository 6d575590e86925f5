"""Pauses Python's garbage collection, or makes it rarer."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

SELDOM = 100_000
"""New objects after which Python searches for cycles while a check runs; by default 700 or 2000."""


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


@contextmanager
def gc_seldom() -> Iterator[None]:
    """Search for reference cycles inside the block after :data:`SELDOM` new objects only.

    For a whole check, which may run for minutes: its memory stays bounded, and a small one ends
    before any search, when most of what it made is gone.
    """
    was = gc.get_threshold()
    try:
        if 0 < was[0] < SELDOM:
            gc.set_threshold(SELDOM, *was[1:])
        yield
    finally:
        gc.set_threshold(*was)
