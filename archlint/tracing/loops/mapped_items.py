"""``map(f, items)`` as a generator expression, so that its items are followed as a loop's."""

from __future__ import annotations

import ast
from functools import lru_cache


def mapped(call: ast.Call) -> ast.expr:
    """``map(f, items)`` as a generator expression; any other call as it is."""
    name = call.func.id if isinstance(call.func, ast.Name) else ""
    if name != "map" or len(call.args) != 2 or call.keywords:
        return call
    function, items = call.args
    if isinstance(items, ast.Starred) or not _is_cheap(function):
        return call
    item = "__archlint_item"
    made = ast.Call(function, [ast.Name(item, ast.Load())], [])
    each = ast.comprehension(ast.Name(item, ast.Store()), items, [], 0)
    expression = ast.copy_location(ast.GeneratorExp(made, [each]), call)
    for node in (made, made.args[0], each.target):
        ast.copy_location(node, call)
    return expression


def _is_cheap(function: ast.expr) -> bool:
    """Whether a function may be looked up, or made, for each item again."""
    if isinstance(function, ast.Lambda):
        return not (function.args.defaults or function.args.kw_defaults)
    return isinstance(function, (ast.Name, ast.Attribute))


@lru_cache(maxsize=64)
def bound_names(module: ast.Module) -> frozenset[str]:
    """The names that are defined or assigned anywhere in a module."""
    names: set[str] = set()
    for node in ast.walk(module):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.alias):
            names.add(node.asname or node.name)
        elif isinstance(node, ast.arg):
            names.add(node.arg)
    return frozenset(names)
