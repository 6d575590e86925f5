"""Where in its file an instruction stands, line and column, in code that has line numbers only.

That is so before Python 3.11. The syntax tree is compiled again with a line number of its own for
each node; the instructions are the same, and say the number of their node.
"""

from __future__ import annotations

import ast
import copy
import sys
from collections.abc import Iterator
from dis import opname
from types import CodeType
from typing import Any

HAS_COLUMNS = sys.version_info >= (3, 11)

Place = tuple[int, int, int, int]
"""Line, last line, column and end column, as ``CodeType.co_positions`` gives them."""

Places = dict[tuple[str, CodeType], "list[Place | None] | None"]
"""By file and code, the place of each instruction; ``None`` for two equal codes in two places."""

_FILLING = ("NOP", "EXTENDED_ARG")  # of which there may be more where each node has its line
_REWRITTEN: Places = {}


def remember(tree: ast.Module, code: CodeType, flags: int) -> None:
    """Note where the instructions of ``code`` stand, which was compiled from a changed tree."""
    if not HAS_COLUMNS:
        _add(_REWRITTEN, tree, code, flags)


def places_of(tree: ast.Module, filename: str) -> Places:
    """Where the instructions of a file's code stand. Raises what ``compile`` raises."""
    places: Places = {}
    _add(places, tree, compile(tree, filename, "exec", dont_inherit=True), 0)
    return places


def place_in(places: Places, code: CodeType, instruction: int) -> Place | None:
    """Where an instruction stands; ``None`` if the code is not that of the file as it is."""
    key = code.co_filename, _without_name(code)
    found = places.get(key) or _REWRITTEN.get(key)
    return found[instruction // 2] if found else None


def _add(places: Places, tree: ast.Module, code: CodeType, flags: int) -> None:
    nodes = _nodes(tree)
    called: dict[Any, Any] = {n.func: n for n in ast.walk(tree) if isinstance(n, ast.Call)}
    numbered = copy.deepcopy(tree)
    for number, node in enumerate(_nodes(numbered)):
        node.lineno = node.end_lineno = number + 1
    again = compile(numbered, code.co_filename, "exec", flags, dont_inherit=True)
    for one, other in _pairs(code, again):
        found: list[Place | None] = [None] * (len(one.co_code) // 2)
        numbers = {i: n for start, end, n in other.co_lines() for i in range(start, end, 2)}
        for here, there in zip(_offsets(one), _offsets(other), strict=True):
            line = numbers.get(there)
            if line is not None and 0 < line <= len(nodes):
                node = nodes[line - 1]
                if opname[one.co_code[here]].startswith("CALL"):
                    node = called.get(node, node)  # a method's call has the place of its name
                found[here // 2] = (
                    node.lineno, node.end_lineno, node.col_offset, node.end_col_offset,
                )  # fmt: skip
        key = code.co_filename, _without_name(one)
        places[key] = found if places.get(key, found) == found else None


def _without_name(code: CodeType) -> CodeType:
    """Equal for a copy of a code under another name, ``code.replace(co_name=...)``."""
    return code.replace(co_name="")


def _pairs(one: CodeType, other: CodeType) -> Iterator[tuple[CodeType, CodeType]]:
    """Codes of the same instructions, in two codes of one syntax tree."""
    if _operations(one) == _operations(other):
        yield one, other
    inner, others = ([c for c in of.co_consts if isinstance(c, CodeType)] for of in (one, other))
    if len(inner) == len(others):
        for pair in zip(inner, others, strict=True):
            yield from _pairs(*pair)


def _nodes(tree: ast.Module) -> list[Any]:
    return [node for node in ast.walk(tree) if hasattr(node, "lineno")]


def _offsets(code: CodeType) -> list[int]:
    operations = code.co_code
    return [i for i in range(0, len(operations), 2) if opname[operations[i]] not in _FILLING]


def _operations(code: CodeType) -> list[int]:
    return [code.co_code[i] for i in _offsets(code)]
