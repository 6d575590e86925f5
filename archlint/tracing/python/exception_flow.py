"""Code that goes on when an operator refuses: there a claim decides the way, not the answer.

``try: x @ y`` ``except RuntimeError: …`` takes another way at sizes that the product refuses, and
so does ``with suppress(RuntimeError): …``.
"""

from __future__ import annotations

import ast
import contextlib
import inspect
import sys
import textwrap
from collections.abc import Iterator, Sequence
from functools import lru_cache
from types import CodeType, FrameType
from typing import NamedTuple

from archlint.runtime.user_frames import is_user_code
from archlint.tracing.python.bytecode_handlers import handles, may_go_on
from archlint.tracing.python.context_managers import Manager, manager_of, manager_that_is, named

ERRORS = (RuntimeError, IndexError, ValueError, AssertionError)
"""What operators raise of sizes: nearly all of them the first, as a trace does."""

_PLAIN = {
    "view", "reshape", "view_as", "reshape_as", "expand", "expand_as", "broadcast_to", "repeat",
    "matmul", "rmatmul", "imatmul", "mm", "bmm", "addmm", "baddbmm", "mv", "dot", "outer", "linear",
    "einsum", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d",
    "conv_transpose3d", "avg_pool1d", "avg_pool2d", "avg_pool3d", "max_pool1d", "max_pool2d",
    "max_pool3d", "max_pool1d_with_indices", "max_pool2d_with_indices", "max_pool3d_with_indices",
    "cat", "concat", "concatenate", "stack", "hstack", "vstack", "dstack", "where", "masked_fill",
    "add", "radd", "iadd", "sub", "subtract", "rsub", "isub", "mul", "multiply", "rmul", "imul",
    "div", "divide", "true_divide", "truediv", "rtruediv", "itruediv", "pow", "rpow", "maximum",
    "minimum", "pixel_shuffle", "pixel_unshuffle", "scaled_dot_product_attention", "unfold",
}  # fmt: skip
"""Operators, by their short names, that raise nothing but the first."""


_TELLING = {
    "print", "warn", "debug", "info", "warning", "error", "exception", "critical", "log",
}  # fmt: skip
"""Functions and methods that show people an error."""

_TRY = (ast.Try, getattr(ast, "TryStar", ast.Try))  # ``except*`` came with Python 3.11


class _Block(NamedTuple):
    """The lines of a ``try`` or a ``with``, and what of it catches."""

    first: int
    last: int
    handlers: tuple[ast.ExceptHandler, ...] = ()
    managers: tuple[ast.expr, ...] = ()
    leaves: bool = False  # a ``finally`` that leaves by itself ends whatever was raised


def is_caught(root: CodeType | None, op: str = "") -> bool | None:
    """Whether the user's code, called by ``root``, goes on after the operator ``op`` refused here.

    ``True`` also where what is raised will tell; ``None``: it depends on the kind of the error, or
    on its words, which a trace has not. Without ``root`` there is no such code.
    """
    frame = sys._getframe(1) if root is not None else None
    kinds = ERRORS[:1] if op in _PLAIN else ERRORS
    found: bool | None = False
    while frame is not None and frame.f_code is not root:
        for fate in _fates(frame, kinds):
            if fate is None:
                return None
            found = found or fate
        frame = frame.f_back
    return found


def _fates(frame: FrameType, kinds: Sequence[type[Exception]]) -> Iterator[bool | None]:
    """What becomes of such errors in each ``try`` and ``with`` that the frame is in."""
    code = frame.f_code
    if not handles(code):
        return
    if code.co_filename == contextlib.__file__ and code.co_name == "inner":  # a decorator
        yield _agreed(manager_that_is(frame.f_locals.get("self")), kinds)
        return
    if not _is_theirs(code.co_filename):
        return
    blocks = _blocks(code, code.co_filename, code.co_linetable)
    if blocks is None:
        yield None if may_go_on(code, frame.f_lasti) else False
        return
    for block in blocks:
        if block.first <= frame.f_lineno <= block.last:
            for expression in block.managers:
                yield _agreed(manager_of(expression, frame), kinds)
            if block.handlers:
                yield _handled(block.handlers, frame, kinds)
            if block.leaves:
                yield True


def _is_theirs(filename: str) -> bool:
    """Whether it is user code; what was compiled from a text is, too."""
    return is_user_code(filename) or (filename.startswith("<") and "frozen" not in filename)


@lru_cache(maxsize=4096)
def _blocks(code: CodeType, filename: str, lines: bytes) -> tuple[_Block, ...] | None:
    """Those in a function of user code; ``None`` where there is no source.

    Line numbers are enough: what stands in a ``try`` has a line of its own. ``filename`` and
    ``lines`` are the code's own, which make no difference to whether two codes are equal.
    """
    try:
        source, first = inspect.getsourcelines(code)
        tree = ast.parse(textwrap.dedent("".join(source)))
    except (OSError, TypeError, SyntaxError, IndexError):
        # A lambda in the middle of a line has source that does not parse, and no ``try``.
        return () if code.co_name == "<lambda>" else None
    offset = max(first, 1) - 1
    return tuple(b._replace(first=b.first + offset, last=b.last + offset) for b in _found(tree))


def _found(tree: ast.AST) -> Iterator[_Block]:
    for node in ast.walk(tree):
        if isinstance(node, _TRY):
            yield _Block(*_lines(node.body), handlers=tuple(node.handlers))
            if any(_leaves(n) for n in node.finalbody):
                yield _Block(*_lines([*node.body, *node.handlers, *node.orelse]), leaves=True)
        elif isinstance(node, ast.With):
            managers = [item.context_expr for item in node.items]
            yield _Block(*_lines(node.body), managers=tuple(managers))
            for k in range(1, len(managers)):  # those before are entered already
                yield _Block(*_lines(managers[k : k + 1]), managers=tuple(managers[:k]))


def _lines(body: Sequence[ast.stmt | ast.expr | ast.ExceptHandler]) -> tuple[int, int]:
    return body[0].lineno, body[-1].end_lineno or body[-1].lineno


def _leaves(node: ast.AST, looping: bool = False) -> bool:
    """Whether a statement of a ``finally`` may leave it by ``return``, ``break`` or ``continue``.

    ``looping``: the statement is in a loop of the ``finally`` itself.
    """
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return False
    if isinstance(node, (ast.Break, ast.Continue)):
        return not looping
    if isinstance(node, (ast.For, ast.AsyncFor, ast.While)):
        inside = any(_leaves(n, True) for n in node.body)
        return inside or any(_leaves(n, looping) for n in node.orelse)
    inner = ast.iter_child_nodes(node)
    return isinstance(node, ast.Return) or any(_leaves(n, looping) for n in inner)


def _agreed(manager: Manager, kinds: Sequence[type[Exception]]) -> bool | None:
    """What becomes of errors of these kinds in a ``with``."""
    if isinstance(manager, bool):
        return manager and (True if len(kinds) == 1 else None)
    return _one({any(issubclass(kind, m) for m in manager) for kind in kinds})


def _handled(
    handlers: Sequence[ast.ExceptHandler], frame: FrameType, kinds: Sequence[type[Exception]]
) -> bool | None:
    """What becomes of them in a ``try``: the first handler that catches a kind decides."""
    return _one({_fate(handlers, frame, kind, len(kinds) == 1) for kind in kinds})


def _one(fates: set[bool | None]) -> bool | None:
    return fates.pop() if len(fates) == 1 else None


def _fate(
    handlers: Sequence[ast.ExceptHandler], frame: FrameType, kind: type[Exception], raised: bool
) -> bool | None:
    """``raised``: whether this kind is what will be raised, so that a name unknown will tell."""
    for handler in handlers:
        caught = _catches(handler.type, frame, kind)
        if caught is None:
            return True if raised else None
        if caught:
            return _goes_on(handler)
    return False


def _goes_on(handler: ast.ExceptHandler) -> bool | None:
    """Whether the code goes on behind it; ``None`` if it looks at the error first."""
    parts = [node for statement in handler.body for node in ast.walk(statement)]
    again = [n for n in parts if isinstance(n, ast.Raise) and _is_again(n, handler.name)]
    if not again:
        return None if any(_reads(n, handler.name) for n in handler.body) else True
    leaves = (ast.Return, ast.Break, ast.Continue)
    always = any(r is handler.body[-1] for r in again)
    return None if not always or any(isinstance(n, leaves) for n in parts) else False


def _reads(node: ast.AST, name: str | None) -> bool:
    """Whether it computes with the error, whose words here are not torch's.

    To raise another error with them, or to tell them to people, changes no size.
    """
    if isinstance(node, ast.Raise):
        return False
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        function = node.value.func
        called = getattr(function, "id", getattr(function, "attr", ""))
        if called in _TELLING:
            return False
    if isinstance(node, ast.Name):
        return node.id == name and isinstance(node.ctx, ast.Load)
    return any(_reads(n, name) for n in ast.iter_child_nodes(node))


def _is_again(statement: ast.Raise, name: str | None) -> bool:
    if statement.exc is None:
        return True
    return isinstance(statement.exc, ast.Name) and statement.exc.id == name


def _catches(expression: ast.expr | None, frame: FrameType, error: type[Exception]) -> bool | None:
    """Whether ``except expression`` catches such errors; ``None`` if nobody can say."""
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
