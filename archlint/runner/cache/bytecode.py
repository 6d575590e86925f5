"""Compiled code: whether it belongs to its source, and the names that it uses."""

from __future__ import annotations

import dis
import importlib.util
import marshal
import os
from collections.abc import Iterator
from types import CodeType


def is_outdated(source: str, compiled: str) -> bool:
    """Whether Python would load ``compiled`` for ``source`` although its code is another.

    Python compares the time (in seconds) and the size of the source; both stay the same when a
    file is written, compiled and written again within a second.
    """
    try:
        with open(compiled, "rb") as file:
            head, code = file.read(16), file.read()
        status = os.stat(source)
        with open(source, "rb") as file:
            text = file.read()
        flags, seconds, size = (int.from_bytes(head[i : i + 4], "little") for i in (4, 8, 12))
        if head[:4] != importlib.util.MAGIC_NUMBER or flags == 0b11:
            return False  # not loaded, or checked by contents
        same = seconds == int(status.st_mtime) & 0xFFFFFFFF and size == status.st_size & 0xFFFFFFFF
        if flags == 0 and (not same or int(os.stat(compiled).st_mtime) > seconds):
            return False  # not loaded, or written in a later second than the source
        current = compile(text, source, "exec", dont_inherit=True)
        return bool(marshal.dumps(current) != code and current != marshal.loads(code))
    except OSError:
        return False  # there is no such file
    except (ValueError, EOFError, TypeError, SyntaxError):
        return True


def names_in(code: CodeType) -> Iterator[str]:
    """All names and texts that a piece of code uses, with its functions."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from names_in(constant)
        elif isinstance(constant, str):
            yield constant


def uses_builtin(code: CodeType, *names: str) -> bool:
    """Whether a piece of code, or one of its functions, loads a global of one of these names.

    A method ``__hash__`` may: it makes one hash of others.
    """
    return any(
        i.argval in names and i.opname in ("LOAD_GLOBAL", "LOAD_NAME")
        for part in _parts(code)
        if part.co_name != "__hash__" and not set(names).isdisjoint(part.co_names)
        for i in dis.get_instructions(part)
    )


def calls_without_arguments(code: CodeType, method: str) -> bool:
    """Whether a piece of code, or one of its functions, calls ``x.method()``."""
    for part in _parts(code):
        if method not in part.co_names:
            continue
        loaded = False
        for i in dis.get_instructions(part):
            if loaded and i.opname.startswith("CALL") and i.arg == 0:
                return True
            if i.opname not in ("PRECALL", "PUSH_NULL", "CACHE"):
                loaded = i.argval == method and i.opname in ("LOAD_METHOD", "LOAD_ATTR")
    return False


def _parts(code: CodeType) -> list[CodeType]:
    """A piece of code and those of all its functions."""
    parts = [code]
    for part in parts:
        parts += [c for c in part.co_consts if isinstance(c, CodeType)]
    return parts
