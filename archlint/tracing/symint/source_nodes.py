"""The expression that a frame evaluates, as a node of its file's syntax tree."""

from __future__ import annotations

import ast
import linecache
import sys
from collections.abc import Iterator
from functools import lru_cache
from types import CodeType, FrameType, FunctionType

from archlint.tracing.symint.numbered_code import HAS_COLUMNS, place_in, places_of

SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef, ast.Module)


class SourceTree:
    """The syntax tree of a file. ``parents`` maps each node to the one around it."""

    def __init__(self, tree: ast.Module, filename: str = "") -> None:
        self.tree = tree
        self._places = {} if HAS_COLUMNS else places_of(tree, filename)
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
        """The smallest expression around an instruction; ``None`` if it is not known."""
        if sys.version_info >= (3, 11):
            where = list(code.co_positions())[instruction // 2]
        else:
            where = place_in(self._places, code, instruction) or (None, None, None, None)
        line, last, column, end = where
        if line is None or last is None or column is None or end is None:
            return None
        covering = (
            n for n in ast.walk(self.tree)
            if isinstance(n, ast.expr) and _covers(n, (line, column), (last, end))
        )  # fmt: skip
        return min(covering, key=_extent, default=None)


def _bound(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        yield node.id
    elif isinstance(node, ast.arg):
        yield node.arg
    elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        yield node.name
    elif isinstance(node, ast.alias):
        yield node.asname or node.name


def _covers(node: ast.expr, start: tuple[int, int], end: tuple[int, int]) -> bool:
    last = (node.end_lineno or node.lineno, node.end_col_offset or node.col_offset)
    return (node.lineno, node.col_offset) <= start and end <= last


def _extent(node: ast.expr) -> tuple[int, int]:
    lines = (node.end_lineno or node.lineno) - node.lineno
    return lines, (node.end_col_offset or 0) - node.col_offset


@lru_cache(maxsize=64)
def _tree(filename: str, lines: tuple[str, ...]) -> SourceTree | None:
    try:
        return SourceTree(ast.parse("".join(lines)), filename)
    except (SyntaxError, ValueError, RecursionError):
        return None


class _Latest:
    """The lines of a file as they were read last, and their tree."""

    read: tuple[list[str], SourceTree | None] = [], None


@lru_cache(maxsize=64)
def _latest(filename: str) -> _Latest:
    return _Latest()


def tree_of(frame: FrameType) -> SourceTree | None:
    """The syntax tree of the frame's file; ``None`` without source."""
    filename = frame.f_code.co_filename
    lines, latest = linecache.getlines(filename, frame.f_globals), _latest(filename)
    if latest.read[0] is not lines:  # a file that is read again has another list
        latest.read = lines, _tree(filename, tuple(lines))
    return latest.read[1]


def definition_of(function: FunctionType) -> tuple[SourceTree, ast.AST] | None:
    """The tree of a function's file, and the function in it; ``None`` without source."""
    code = function.__code__
    lines = linecache.getlines(code.co_filename, function.__globals__)
    tree = _tree(code.co_filename, tuple(lines))
    for node in () if tree is None else ast.walk(tree.tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name == code.co_name:
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            if first == code.co_firstlineno:
                assert tree is not None
                return tree, node
    return None
