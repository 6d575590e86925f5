"""Code that goes on when an operator refuses: there a claim decides the way, not the answer.

``try: x @ y`` ``except RuntimeError: …`` takes another way at sizes that the product refuses.
"""

from __future__ import annotations

import ast
import builtins
import dis
import inspect
import sys
import textwrap
from collections.abc import Iterator
from functools import lru_cache
from types import CodeType
from typing import NamedTuple

from archlint.frames import is_user_code

_OTHERS = (IndexError, ValueError, AssertionError)  # what some operators raise of sizes


class _Try(NamedTuple):
    """The lines of a ``try``; whether it is certain to catch what an operator raises."""

    first: int
    last: int
    surely: bool


def is_caught(root: CodeType | None) -> bool | None:
    """Whether the user's code, called by ``root``, goes on after an operator has refused here.

    ``None``: it depends on the kind of error. Errors are raised as ``RuntimeError``, which most
    operators do; a few have others. Without ``root`` there is no such code.
    """
    frame = sys._getframe(1) if root is not None else None
    found: bool | None = False
    while frame is not None and frame.f_code is not root:
        for first, last, surely in _tries(frame.f_code):
            if first <= frame.f_lineno <= last:
                if not surely:
                    return None
                found = True
        frame = frame.f_back
    return found


@lru_cache(maxsize=4096)
def _tries(code: CodeType) -> tuple[_Try, ...]:
    """Those in a function of user code; none where there is no source.

    Line numbers are enough: what stands in a ``try`` has a line of its own.
    """
    if not _handles(code) or not is_user_code(code.co_filename):
        return ()
    try:
        source, first = inspect.getsourcelines(code)
        tree = ast.parse(textwrap.dedent("".join(source)))
    except (OSError, TypeError, SyntaxError):  # a lambda in the middle of a line has no ``try``
        return ()
    offset = max(first, 1) - 1
    return tuple(_Try(a + offset, b + offset, surely) for a, b, surely in _found(tree))


def _handles(code: CodeType) -> bool:
    """Whether anything in it may be a ``try``: most functions are done with here."""
    table = getattr(code, "co_exceptiontable", None)  # from Python 3.11 on
    return bool(table) if table is not None else _SETUP in code.co_code[::2]


_SETUP = dis.opmap.get("SETUP_FINALLY", -1)


def _found(tree: ast.AST) -> Iterator[_Try]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Try):
            handlers = [h for h in node.handlers if not _only_raises_again(h)]
            sure = [_catches(h.type, RuntimeError) for h in handlers]
            other = [any(_catches(h.type, kind) for kind in _OTHERS) for h in handlers]
            if any(sure) or any(other):
                last = node.body[-1]
                surely = all(s or not o for s, o in zip(sure, other, strict=True))
                yield _Try(node.body[0].lineno, last.end_lineno or last.lineno, surely)


def _only_raises_again(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    leaves = (ast.Return, ast.Break, ast.Continue)
    others = any(isinstance(node, leaves) for part in handler.body for node in ast.walk(part))
    return isinstance(last, ast.Raise) and last.exc is None and not others


def _catches(kind: ast.expr | None, error: type[Exception]) -> bool:
    """Whether ``except kind`` catches such errors; a name that Python does not have may."""
    if kind is None:
        return True
    if isinstance(kind, ast.Tuple):
        return any(_catches(k, error) for k in kind.elts)
    if not isinstance(kind, ast.Name):
        return False
    named = getattr(builtins, kind.id, None)
    return issubclass(error, named) if isinstance(named, type) else named is None
