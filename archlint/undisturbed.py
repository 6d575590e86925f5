"""Code that no time limit may leave half done (:mod:`archlint.alarm` waits for its end)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

_depth = 0


@contextmanager
def undisturbed() -> Iterator[None]:
    """Inside it no limit rings. It should not take long, or have a limit of its own."""
    global _depth
    _depth += 1
    try:
        yield
    finally:
        _depth -= 1


def is_undisturbed() -> bool:
    """Whether such code runs."""
    return _depth > 0
