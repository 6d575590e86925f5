"""Exception handlers in compiled code, for functions whose source is not there."""

from __future__ import annotations

import dis
from collections.abc import Iterator, Sequence
from functools import lru_cache
from types import CodeType
from typing import Any

_SETUP = {dis.opmap[name] for name in ("SETUP_FINALLY", "SETUP_WITH") if name in dis.opmap}


def handles(code: CodeType) -> bool:
    """Whether anything in it may be a ``try`` or a ``with``: most functions are done with here."""
    table = getattr(code, "co_exceptiontable", None)  # from Python 3.11 on
    return bool(table) if table is not None else not _SETUP.isdisjoint(code.co_code[::2])


def may_go_on(code: CodeType, at: int | None = None) -> bool:
    """Whether an error raised at a bytecode offset may end in the function; anywhere if ``None``.

    ``finally`` and a handler that raises again let it through.
    """
    if not hasattr(code, "co_exceptiontable"):
        return handles(code)
    return any(at is None or start <= at < end for start, end in _ending(code))


@lru_cache(maxsize=1024)
def _ending(code: CodeType) -> tuple[tuple[int, int], ...]:
    """The ranges of bytecode in which errors may end."""
    instructions = list(dis.get_instructions(code))
    places = {i.offset: n for n, i in enumerate(instructions)}
    parse: Any = dis._parse_exception_table  # type: ignore[attr-defined]
    found = [
        (entry.start, entry.end)
        for entry in parse(code)
        if entry.target in places and _ends(instructions, places, places[entry.target])
    ]
    return tuple(found)


def _ends(instructions: Sequence[dis.Instruction], places: dict[int, int], start: int) -> bool:
    """Whether a handler can be left other than by raising: it says so by ``POP_EXCEPT``."""
    todo, seen = [start], set()
    while todo:
        at = todo.pop()
        if at in seen or at >= len(instructions):
            continue
        seen.add(at)
        name = instructions[at].opname
        if name == "POP_EXCEPT":
            after = instructions[at + 1].opname if at + 1 < len(instructions) else ""
            if after != "RERAISE":
                return True
        if name in ("RERAISE", "RAISE_VARARGS"):
            continue
        todo += _next(instructions[at], places, at)
    return False


def _next(instruction: dis.Instruction, places: dict[int, int], at: int) -> Iterator[int]:
    if instruction.opcode in dis.hasjrel or instruction.opcode in dis.hasjabs:
        target = places.get(instruction.argval)
        if target is not None:
            yield target
        if instruction.opname.startswith(("JUMP_FORWARD", "JUMP_BACKWARD", "JUMP_ABSOLUTE")):
            return
    yield at + 1
