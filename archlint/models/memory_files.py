"""The contents of objects that are a piece of memory: arrays of ``array`` and files in memory."""

from __future__ import annotations

from array import array
from io import BytesIO, StringIO
from typing import Any

_LARGE = 1 << 22  # items of an array that is not copied


def memory_of(value: Any) -> Any:
    """A copy of what is in it, of a file its position too; ``None`` for any other object."""
    kind: Any = type(value)
    if kind is array:
        return value.tobytes() if len(value) <= _LARGE else None
    if kind in (StringIO, BytesIO) and not value.closed:
        return value.getvalue(), value.tell()
    return None


def put_memory(value: Any, had: Any) -> None:
    """Restore what :func:`memory_of` gave."""
    if memory_of(value) == had:
        return
    if type(value) is array:
        del value[:]
        value.frombytes(had)
    elif not value.closed:
        text, position = had
        value.seek(0)
        value.truncate()
        value.write(text)
        value.seek(position)
