"""Code that continues when an operator refuses: there a claim chooses the path.

``try: x @ y`` ``except RuntimeError: …`` takes another path at sizes that the product refuses, and
so does ``with suppress(RuntimeError): …``. All of this is read from source; of code without source
that handles errors nothing is known.
"""

from __future__ import annotations

import ast
import contextlib
import sys
from collections.abc import Iterator, Sequence
from dis import opname
from functools import lru_cache, partial
from types import CodeType, FrameType
from typing import Any, NamedTuple, Union

from archlint.ops.traits import ERRORS
from archlint.runtime.code_owner import Owner, owner_of
from archlint.tracing.exception_handling.context_managers import (
    Ends,
    Manager,
    manager_of,
    manager_that_is,
)
from archlint.tracing.exception_handling.meanings import named
from archlint.tracing.exception_handling.reporting_calls import always_shows
from archlint.tracing.exception_handling.statements import (
    TRY,
    continues_after,
    leaves,
    raises_another,
    reads_error,
    source_of,
)

_KEEPING = frozenset(
    ("StringIO", "redirect_stdout", "redirect_stderr", "catch_warnings", "exc_info", "format_exc")
)
"""Names by which a function gets at texts that are printed, warned or raised."""


Fate = Union[bool, None, Ends]
"""Whether code continues after an error, ``None`` where that is not known, ``REPLACES``."""


class _Block(NamedTuple):
    """The lines of a ``try`` or a ``with``, and what of it catches."""

    first: int
    last: int
    handlers: tuple[ast.ExceptHandler, ...] = ()
    managers: tuple[ast.withitem, ...] = ()
    leaves: bool = False  # a ``finally`` that leaves by itself ends whatever was raised


def is_caught(root: CodeType | None, kinds: Sequence[type[Exception]] = ERRORS) -> bool | None:
    """Whether user code called by ``root`` continues after an operator refused here.

    ``kinds``: the types of exceptions that the operator may raise.

    ``True`` also where raising the error will show whether it does. ``None`` where that depends on
    the kind of the error or on its text, which a trace does not have, or where the code has no
    source. Without ``root`` there is no such code: ``False``.
    """
    frame = sys._getframe(1) if root is not None else None
    found, replaced = False, False
    while frame is not None and frame.f_code is not root:
        for fate in _fates(frame, kinds):
            if fate is None or replaced:  # what becomes of the other error is not looked at
                return None
            replaced = fate is Ends.REPLACES
            found = found or fate is True
        if _is_item_of_iteration(frame):
            fate = _common_fate({issubclass(kind, IndexError) for kind in kinds})
            if fate is None:
                return None
            found = found or fate
        frame = frame.f_back
    return None if found and _is_replaced(root) and reads_texts(root) else found


def _is_replaced(root: CodeType | None) -> bool:
    """Whether a handler around this raises another error, made from the one that it caught."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code is not root:
        code = frame.f_code
        if _is_theirs(code.co_filename) and _may_handle(code):
            for block in _blocks(code, code.co_filename, code.co_linetable) or ():
                inside = block.first <= frame.f_lineno <= block.last
                if inside and any(map(raises_another, block.handlers)):
                    return True
        frame = frame.f_back
    return False


def reads_texts(root: CodeType | None) -> bool:
    """Whether user code called by ``root`` may read what is raised, printed or logged here.

    A handler then computes with the error, or a function keeps what is printed or warned.
    """
    frame = sys._getframe(1) if root is not None else None
    while frame is not None and frame.f_code is not root:
        code = frame.f_code
        if _is_theirs(code.co_filename):
            if not _KEEPING.isdisjoint(code.co_names):
                return True
            blocks = _blocks(code, code.co_filename, code.co_linetable) if _may_handle(code) else ()
            if blocks is None or any(_may_read(b, frame) for b in blocks):
                return True
        frame = frame.f_back
    return False


def _may_read(block: _Block, frame: FrameType) -> bool:
    """Whether what catches in a block that the frame is in may compute with the error."""
    if not block.first <= frame.f_lineno <= block.last:
        return False
    shows = partial(always_shows, frame=frame)
    return any(reads_error(handler, shows) for handler in block.handlers) or any(
        manager_of(item, frame) is Ends.UNKNOWN for item in block.managers
    )


def _is_item_of_iteration(frame: FrameType) -> bool:
    """Whether Python calls ``__getitem__`` to iterate, which an ``IndexError`` ends."""
    caller = frame.f_back
    if frame.f_code.co_name != "__getitem__" or caller is None:
        return False
    code = caller.f_code
    operation = opname[code.co_code[caller.f_lasti]]
    if operation.startswith("BINARY") or "__getitem__" in code.co_names:
        return False
    return _is_theirs(code.co_filename)


def _fates(frame: FrameType, kinds: Sequence[type[Exception]]) -> Iterator[Fate]:
    """What becomes of such errors in each ``try`` and ``with`` that the frame is in.

    A ``with`` that has no part in it is left out.
    """
    code = frame.f_code
    if not _may_handle(code):
        return
    if code.co_filename == contextlib.__file__ and code.co_name == "inner":  # a decorator
        yield from _ended_by(manager_that_is(frame.f_locals.get("self")), kinds)
        return
    if not _is_theirs(code.co_filename):
        return
    blocks = _blocks(code, code.co_filename, code.co_linetable)
    if blocks is None:
        yield None
        return
    for block in reversed(blocks):  # the innermost first
        if block.first <= frame.f_lineno <= block.last:
            for item in block.managers:
                yield from _ended_by(manager_of(item, frame), kinds)
            if block.handlers:
                yield _handled(block.handlers, frame, kinds)
            if block.leaves:
                yield True


def _may_handle(code: CodeType) -> bool:
    """Whether the function may have a ``try`` or a ``with``; a shortcut past the many without."""
    table: bytes | None = getattr(code, "co_exceptiontable", None)
    return _sets_up(code) if table is None else bool(table)


@lru_cache(maxsize=4096)
def _sets_up(code: CodeType) -> bool:
    """Whether an instruction enters a block: Python 3.10 has those instead of a table."""
    return any(opname[operation].startswith("SETUP_") for operation in code.co_code[::2])


def _is_theirs(filename: str) -> bool:
    """Whether it is code of the user or of a library; what was compiled from a text is, too."""
    return owner_of(filename) in (Owner.USER, Owner.LIBRARY, Owner.TEXT)


_EXPRESSIONS = ("<lambda>", "<genexpr>", "<listcomp>", "<setcomp>", "<dictcomp>")
"""Names of code that contains no statement, hence no ``try`` and no ``with``."""


@lru_cache(maxsize=4096)
def _blocks(code: CodeType, filename: str, lines: bytes) -> tuple[_Block, ...] | None:
    """The blocks in a function of user code; ``None`` without source.

    Line numbers are enough: what stands in a ``try`` has a line of its own.
    """
    if code.co_name in _EXPRESSIONS:  # their lines are those around them, and may not parse
        return ()
    source = source_of(code, filename, lines)
    if source is None:
        return None
    tree, first = source
    offset = first - 1
    return tuple(b._replace(first=b.first + offset, last=b.last + offset) for b in _found(tree))


def _found(tree: ast.AST) -> Iterator[_Block]:
    node: Any
    for node in ast.walk(tree):
        if isinstance(node, TRY):
            yield _Block(*_lines(node.body), handlers=tuple(node.handlers))
            if any(leaves(n) for n in node.finalbody):
                yield _Block(*_lines([*node.body, *node.handlers, *node.orelse]), leaves=True)
        elif isinstance(node, ast.With):
            yield _Block(*_lines(node.body), managers=tuple(node.items[::-1]))
            for k in range(1, len(node.items)):  # those before are entered already
                entered = tuple(node.items[:k][::-1])
                yield _Block(*_lines([node.items[k].context_expr]), managers=entered)


def _lines(body: Sequence[ast.stmt | ast.expr | ast.ExceptHandler]) -> tuple[int, int]:
    return body[0].lineno, body[-1].end_lineno or body[-1].lineno


def _ended_by(manager: Manager, kinds: Sequence[type[Exception]]) -> Iterator[Fate]:
    """Whether code continues after a ``with`` in which errors of these kinds are raised."""
    if isinstance(manager, tuple):
        yield _common_fate({any(issubclass(kind, m) for m in manager) for kind in kinds})
    elif manager is Ends.REPLACES:
        yield manager
    elif manager is not Ends.NONE:
        yield True if manager is Ends.BY_KIND and len(kinds) == 1 else None


def _handled(
    handlers: Sequence[ast.ExceptHandler], frame: FrameType, kinds: Sequence[type[Exception]]
) -> bool | None:
    """What becomes of errors of these kinds in a ``try``; ``None`` if unknown or different."""
    return _common_fate({_fate(handlers, frame, kind, len(kinds) == 1) for kind in kinds})


def _common_fate(fates: set[bool | None]) -> bool | None:
    return fates.pop() if len(fates) == 1 else None


def _fate(
    handlers: Sequence[ast.ExceptHandler], frame: FrameType, kind: type[Exception], raised: bool
) -> bool | None:
    """What becomes of an error of this kind in a ``try``: whether code continues after it.

    ``raised``: just this kind will be raised, so that a handler of an unknown type shows by itself.
    """
    for handler in handlers:
        caught = _catches(handler.type, frame, kind)
        if caught is False:
            continue
        continues = continues_after(handler, partial(always_shows, frame=frame))
        if caught:
            return continues
        return True if raised and continues is not None else None
    return False


def _catches(expression: ast.expr | None, frame: FrameType, error: type[Exception]) -> bool | None:
    """Whether ``except expression`` catches such errors; ``None`` if that is not known."""
    if expression is None:
        return True
    if isinstance(expression, ast.Tuple):
        each = {_catches(e, frame, error) for e in expression.elts}
        return True if True in each else None if None in each else False
    kinds = named(expression, frame)
    if isinstance(kinds, type):
        kinds = (kinds,)
    if not isinstance(kinds, tuple) or not all(isinstance(k, type) for k in kinds):
        return None
    return issubclass(error, kinds)
