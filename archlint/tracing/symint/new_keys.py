"""Dicts and sets that code makes of sizes: ``{h: 1}``, ``dict(pairs)``, ``len({h, w})``.

A dict keeps the order in which it got its keys. A set has an order of its own, which depends on the
values, so only those count whose order nobody sees: of which the length is asked, and those that
something is looked up in.
"""

from __future__ import annotations

import ast
import dis
from types import CodeType

from archlint.tracing.symint.source_nodes import SourceTree

_SETS = frozenset(("set", "frozenset"))
_BUILTINS = ("dict", "set", "frozenset", "len")


def makes_keys(tree: SourceTree, code: CodeType, instruction: int, node: ast.expr) -> bool:
    """Whether an instruction, of the expression ``node``, hashes the keys of a new container."""
    operation = dis.opname[code.co_code[instruction]]
    if operation.startswith("CALL"):
        return isinstance(node, ast.Call) and is_new(tree, node)
    if operation.startswith(("BUILD_", "SET_", "MAP_")):
        around: ast.AST | None = node
        while isinstance(around, ast.expr):
            if isinstance(around, (ast.Dict, ast.DictComp, ast.Set, ast.SetComp)):
                return is_new(tree, around)
            around = tree.parents.get(around)
    return False


def is_key_of_new(tree: SourceTree, parent: ast.expr, node: ast.AST) -> bool:
    """Whether ``node`` is a key in the container that ``parent`` makes."""
    if isinstance(parent, ast.Dict):
        is_key = any(node is key for key in parent.keys)
    elif isinstance(parent, ast.DictComp):
        is_key = node is parent.key
    elif isinstance(parent, ast.SetComp):
        is_key = node is parent.elt
    else:
        is_key = isinstance(parent, ast.Set)
    return is_key and is_new(tree, parent)


def is_new(tree: SourceTree, node: ast.expr) -> bool:
    """Whether ``node`` makes a dict, or a set whose order nobody sees."""
    if tree.binds_one_of(_BUILTINS):
        return False
    if isinstance(node, (ast.Dict, ast.DictComp)):
        return True
    if isinstance(node, (ast.Set, ast.SetComp)):
        return _has_unseen_order(tree, node)
    if not isinstance(node, ast.Call):
        return False
    function = node.func
    if isinstance(function, ast.Attribute):
        owner = function.value
        return function.attr == "fromkeys" and isinstance(owner, ast.Name) and owner.id == "dict"
    if not isinstance(function, ast.Name):
        return False
    return function.id == "dict" or (function.id in _SETS and _has_unseen_order(tree, node))


def _has_unseen_order(tree: SourceTree, node: ast.expr) -> bool:
    parent = tree.parents.get(node)
    if isinstance(parent, ast.Assign) and len(parent.targets) == 1:
        return _is_only_counted(tree, parent.targets[0])
    return _is_counted(tree, node)


def _is_counted(tree: SourceTree, node: ast.expr) -> bool:
    """Whether the length of a set is asked, or something is looked up in it."""
    parent = tree.parents.get(node)
    if isinstance(parent, ast.Call):
        return isinstance(parent.func, ast.Name) and parent.func.id == "len"
    if isinstance(parent, ast.Compare):
        looks_up = len(parent.ops) == 1 and isinstance(parent.ops[0], (ast.In, ast.NotIn))
        return looks_up and node is parent.comparators[0]
    return False


def _is_only_counted(tree: SourceTree, target: ast.expr) -> bool:
    """Whether a local variable that is assigned once is counted, searched or shown in an error."""
    if not isinstance(target, ast.Name):
        return False
    stores = 0
    for node in ast.walk(tree.scope(target)):
        if isinstance(node, (ast.Global, ast.Nonlocal)) and target.id in node.names:
            return False
        if isinstance(node, ast.Name) and node.id == target.id:
            if isinstance(node.ctx, ast.Store):
                stores += 1
            elif not (_is_counted(tree, node) or _is_in_error(tree, node)):
                return False
    return stores == 1


def _is_in_error(tree: SourceTree, node: ast.AST) -> bool:
    """Whether only the text of an error has it."""
    while isinstance(node, ast.expr):
        parent = tree.parents[node]
        if isinstance(parent, ast.Assert):
            return node is parent.msg
        node = parent
    return isinstance(node, ast.Raise)
