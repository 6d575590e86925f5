"""Branches that change nothing: ``if n >= h: shift[0] = 0`` where ``shift[0]`` is 0 already.

Whichever side such a branch takes, the code that follows finds the same: the sides only assign
constants that are there already, to local variables or to items of local lists and dictionaries,
and nothing else reads the condition. So the sizes that it compares need not be told apart.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Mapping
from functools import lru_cache
from types import CodeType, FrameType
from typing import Any, NamedTuple

import torch

from archlint.tracing.symint.source_nodes import SourceTree, tree_of

_COMPARISONS = (ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE)
_NOTHING = object()


class _Assigned(NamedTuple):
    """A constant that becomes the value of a variable, or of one item of the list it holds."""

    variable: str
    item: Any  # _NOTHING for the variable itself
    value: Any


class _Idle(NamedTuple):
    """An ``if`` whose condition compares ``operands`` and whose sides assign constants only."""

    operands: tuple[ast.expr, ast.expr]
    assigned: tuple[_Assigned, ...]


def changes_nothing(frame: FrameType) -> bool:
    """Whether the condition that ``frame`` asks for now chooses between sides without effect."""
    tree = tree_of(frame)
    found = None if tree is None else _idle(tree, frame.f_code, frame.f_lasti)
    if found is None:
        return False
    held = frame.f_locals
    return all(_is_number(n, held) for n in found.operands) and all(
        _is_there(a, held.get(a.variable, _NOTHING)) for a in found.assigned
    )


def _is_number(operand: ast.expr, held: Mapping[str, Any]) -> bool:
    """Whether an operand is a number: to compare lists asks for truths of its own."""
    if isinstance(operand, ast.BinOp):
        return _is_number(operand.left, held) and _is_number(operand.right, held)
    value = _value(operand, held)
    return type(value) in (int, float) or issubclass(type(value), (torch.SymInt, torch.SymFloat))


def _value(operand: ast.expr, held: Mapping[str, Any]) -> Any:
    """The value of a constant, of a variable, or of an item of a list or tuple in one."""
    if isinstance(operand, ast.Subscript):
        value, item = _value(operand.value, held), _constant(operand.slice)
        return value[item] if _has_item(value, item) else _NOTHING
    if isinstance(operand, ast.Name):
        return held.get(operand.id, _NOTHING)
    return _constant(operand)


def _is_there(assigned: _Assigned, held: Any) -> bool:
    """Whether the constant is the value already, so that to assign it has no effect."""
    item = assigned.item
    if item is not _NOTHING:
        held = held[item] if type(held) is list and _has_item(held, item) else _NOTHING
    return held is assigned.value


def _has_item(value: Any, item: Any) -> bool:
    plain = type(value) in (list, tuple, torch.Size) and type(item) is int
    return plain and -len(value) <= item < len(value)


@lru_cache(maxsize=1024)
def _idle(tree: SourceTree, code: CodeType, instruction: int) -> _Idle | None:
    """The ``if`` whose condition an instruction asks for; ``None`` if it is another one."""
    test = tree.at(code, instruction)
    node = None if test is None else tree.parents.get(test)
    if not isinstance(test, ast.Compare) or not isinstance(node, ast.If) or node.test is not test:
        return None
    if len(test.ops) > 1 or not isinstance(test.ops[0], _COMPARISONS):
        return None
    assigned = [_assigned(statement, code) for statement in (*node.body, *node.orelse)]
    every = tuple(a for a in assigned if a is not None)
    return _Idle((test.left, test.comparators[0]), every) if len(every) == len(assigned) else None


def _assigned(statement: ast.stmt, code: CodeType) -> _Assigned | None:
    """What a statement assigns that is ``name = constant`` or ``name[constant] = constant``."""
    if not isinstance(statement, ast.Assign) or len(statement.targets) > 1:
        return None
    target: ast.expr = statement.targets[0]
    item: Any = _NOTHING
    if isinstance(target, ast.Subscript):
        item, target = _constant(target.slice), target.value
        if item is _NOTHING:
            return None
    if not isinstance(target, ast.Name) or target.id not in code.co_varnames:
        return None
    value = _constant(statement.value)
    return None if value is _NOTHING else _Assigned(target.id, item, value)


def _constant(node: ast.expr) -> Any:
    """The object that code has as this constant, where Python keeps one object for each value."""
    if isinstance(node, ast.Constant):
        return sys.intern(node.value) if type(node.value) is str else node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = _constant(node.operand)
        return -value if type(value) is int else _NOTHING
    return _NOTHING
