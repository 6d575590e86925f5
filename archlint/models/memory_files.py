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
    """Restore what :func:`memory_of` gave: where it is, if the length is the same.

    A tensor of ``torch.frombuffer`` may share the memory, and does not stop it from moving.
    """
    now = memory_of(value)
    if now is None or now == had:
        return
    if type(value) is array:
        value[:] = array(value.typecode, had)
        return
    contents, position = had
    if type(value) is BytesIO and len(now[0]) == len(contents):
        value.getbuffer()[:] = contents
    else:
        value.seek(0)
        value.truncate()
        value.write(contents)
    value.seek(position)
