"""The expression that a frame evaluates, as a node of its file's syntax tree."""

from __future__ import annotations

import ast
import linecache
import sys
from collections.abc import Iterator
from functools import lru_cache
from types import CodeType, FrameType

SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef, ast.Module)


class SourceTree:
    """The syntax tree of a file. ``parents`` maps each node to the one around it."""

    def __init__(self, tree: ast.Module) -> None:
        self.tree = tree
        self.parents = {c: n for n in ast.walk(tree) for c in ast.iter_child_nodes(n)}
        self._bound: set[str] | None = None

    def binds_one_of(self, names: tuple[str, ...]) -> bool:
        """Whether the file gives one of the names a meaning of its own, anywhere."""
        if self._bound is None:
            self._bound = {name for node in ast.walk(self.tree) for name in _bound(node)}
        return any(name in self._bound for name in names)

    def scope(self, node: ast.AST) -> ast.AST:
        """The function, class or module around the node."""
        while not isinstance(node, SCOPES):
            node = self.parents[node]
        return node

    def at(self, code: CodeType, instruction: int) -> ast.expr | None:
        """The smallest expression around an instruction; ``None`` if it is not known.

        Before Python 3.11 code has no columns: the expression is then the only text or look-up of
        the statement.
        """
        if sys.version_info >= (3, 11):
            where = list(code.co_positions())[instruction // 2]
            line, last, column, end = where
            if line is None or last is None or column is None or end is None:
                return None
            covering = (
                n for n in ast.walk(self.tree)
                if isinstance(n, ast.expr) and _covers(n, (line, column), (last, end))
            )  # fmt: skip
            return min(covering, key=_extent, default=None)
        line = _line(code, instruction)
        nodes = [n for n in ast.walk(self.tree) if isinstance(n, _ASKING) and n.lineno == line]
        outer = [n for n in nodes if not any(o in nodes for o in self._around(n))]
        return outer[0] if len(outer) == 1 else None

    def _around(self, node: ast.AST) -> Iterator[ast.AST]:
        while node in self.parents:
            node = self.parents[node]
            yield node


def _bound(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        yield node.id
    elif isinstance(node, ast.arg):
        yield node.arg
    elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        yield node.name
    elif isinstance(node, ast.alias):
        yield node.asname or node.name


_ASKING = (ast.JoinedStr, ast.Call, ast.BinOp, ast.Subscript, ast.Compare)


def _covers(node: ast.expr, start: tuple[int, int], end: tuple[int, int]) -> bool:
    last = (node.end_lineno or node.lineno, node.end_col_offset or node.col_offset)
    return (node.lineno, node.col_offset) <= start and end <= last


def _extent(node: ast.expr) -> tuple[int, int]:
    lines = (node.end_lineno or node.lineno) - node.lineno
    return lines, (node.end_col_offset or 0) - node.col_offset


def _line(code: CodeType, instruction: int) -> int:
    line = code.co_firstlineno
    for start, _, number in code.co_lines():
        if start <= instruction and number is not None:
            line = number
    return line


@lru_cache(maxsize=64)
def _tree(filename: str, lines: tuple[str, ...]) -> SourceTree | None:
    try:
        return SourceTree(ast.parse("".join(lines)))
    except (SyntaxError, ValueError, RecursionError):
        return None


def tree_of(frame: FrameType) -> SourceTree | None:
    """The syntax tree of the frame's file; ``None`` without source."""
    filename = frame.f_code.co_filename
    return _tree(filename, tuple(linecache.getlines(filename, frame.f_globals)))
