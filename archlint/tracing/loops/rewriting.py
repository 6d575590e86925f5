"""Functions compiled again with their loops, lists and calls of ``range`` and ``len`` replaced.

``for t in range(T)`` becomes ``for t in loop(range(T))``, where ``loop``, ``range`` and a few more
names are attributes of one object that the function finds among its globals
(:data:`HELPER`). Line numbers, variables and everything else stay.
"""

from __future__ import annotations

import ast
import copy
import linecache
from functools import lru_cache
from types import CodeType
from typing import Any

from archlint.tracing.identity.asking_code import Asking
from archlint.tracing.keys.watched_code import Unfit, Watch
from archlint.tracing.loops.counted_while import counted_loop, counter_of, with_test
from archlint.tracing.loops.definitions import compiled, definitions, imports_of, is_same, module_of
from archlint.tracing.loops.mapped_items import bound_names, mapped
from archlint.tracing.loops.measured_while import (
    counting_lines,
    is_followed,
    measured_loop,
    measured_of,
)
from archlint.tracing.loops.names import BodyNames, body_names

HELPER = "__archlint_loops__"
"""The global name by which a rewritten function reaches the loops of the current run."""

_OF_ALL = tuple(f.__name__ for f in (list, tuple, sum, max, min))
"""Builtin functions that take all that a generator gives."""

REPLACED = (*(f.__name__ for f in (range, enumerate, zip, reversed, iter, len)), *_OF_ALL)
"""Builtin functions whose calls are replaced in rewritten functions."""

_FOLDS = ("reduce", "accumulate")
"""Functions of ``functools`` and ``itertools``, also called as attributes."""

_UNFIT = (ast.Await,)
_BY_NAME = {"locals", "vars", "eval", "exec", "dir", "globals"}

Site = tuple[str, int, int]
"""A loop in the source: file, line, column."""


class Rewritten:
    """A function's new code, and the names in the bodies of its loops."""

    def __init__(self, code: CodeType, sites: dict[Site, BodyNames]) -> None:
        self.code = code
        self.sites = sites


def rewritten(
    code: CodeType, *, loops: bool = True, keys: bool = False, names: frozenset[str] = frozenset()
) -> Rewritten | None:
    """A function's code with its loops, or its look-ups of keys, or both replaced.

    Its questions of identity (``a is b``) are replaced, too, and those that it asks by ``names``.
    ``None`` without loops that are to be replaced, and without matching source. Also for source
    that is nested too deeply to be copied, such as a sum of 1,000 terms.
    """
    try:
        return _rewritten(code, code.co_filename, code.co_firstlineno, loops, keys, names)
    except (RecursionError, Unfit):
        return None


@lru_cache(maxsize=256)
def _rewritten(
    code: CodeType, filename: str, first: int, loops: bool, keys: bool, names: frozenset[str]
) -> Rewritten | None:
    module = module_of(tuple(linecache.getlines(filename)))
    if module is None:
        return None
    imports = imports_of(module)
    for node, owner in definitions(module, code):
        plain = compiled(copy.deepcopy(node), owner, code, imports)
        if plain is not None and is_same(plain, code):
            break
    else:
        return None  # the source is not what was compiled
    by_name = any(isinstance(n, ast.Name) and n.id in _BY_NAME for n in ast.walk(node))
    if by_name and (loops or keys):
        return None
    change = _Change(filename, "map" in bound_names(module))
    changed = copy.deepcopy(node)
    if loops:
        _change(changed, change)
    if loops and not keys and not change.sites and not change.calls:
        return None
    if keys:
        _change(changed, Watch(HELPER))
    _change(changed, Asking(names))
    new = compiled(changed, owner, code, imports)
    return None if new is None else Rewritten(new, change.sites)


def _change(function: ast.FunctionDef | ast.Lambda, change: ast.NodeTransformer) -> None:
    if isinstance(function, ast.Lambda):
        function.body = change.visit(function.body)
    else:
        function.body = [change.visit(s) for s in function.body]


def counts_at(code: CodeType, line: int) -> bool:
    """Whether a line of a function's code has the test of a loop that counts."""
    module = module_of(tuple(linecache.getlines(code.co_filename)))
    return module is not None and line in counting_lines(module)


class _Change(ast.NodeTransformer):
    """Replaces loops, comprehensions, new lists and calls of some builtin functions."""

    def __init__(self, filename: str, has_map: bool) -> None:
        self.filename = filename
        self.has_map = has_map  # the module gives the name another meaning
        self.sites: dict[Site, BodyNames] = {}
        self.calls = 0

    def visit_For(self, node: ast.For) -> ast.AST:
        names = body_names(node.target, node.body)
        self.generic_visit(node)
        return node if _has(node.body, _UNFIT) else self._loop(node, names)

    def _loop(self, node: ast.For, names: BodyNames) -> ast.For:
        site = self._site(node, names)
        node.iter = _call(node, "loop", node.iter, _constant(site))
        rebinds = [
            _rebinding(name, site) for name in sorted(names.carried | names.left)
            if not name.startswith("__")
        ]  # fmt: skip
        if rebinds:
            test = ast.parse(f"{HELPER}.rebound", mode="eval").body
            first = ast.copy_location(ast.If(test, rebinds, []), node.iter)
            _place(first, node.iter)
            node.body.insert(0, first)
        return node

    def visit_While(self, node: ast.While) -> ast.AST:
        tested = (
            None if _has(node.body, _UNFIT) else with_test(node) or with_test(node, is_followed)
        )
        if isinstance(tested, ast.While):
            node = tested
        elif tested is not None:
            return self.generic_visit(tested)
        counter, measured = counter_of(node), measured_of(node)
        names = body_names(None, [ast.Expr(node.test), *node.body])
        self.generic_visit(node)
        if _has(node.body, _UNFIT) or (counter is None and measured is None):
            return node
        if counter is not None:
            return self._loop(counted_loop(node, counter, HELPER), names)
        assert measured is not None
        return self._loop(measured_loop(node, measured, HELPER), names)

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        """``yield from items`` as a loop."""
        if not isinstance(node.value, ast.YieldFrom):
            return self.generic_visit(node)
        item = "__archlint_item"
        each = ast.Expr(ast.Yield(ast.Name(item, ast.Load())))
        loop = ast.For(ast.Name(item, ast.Store()), node.value.value, [each], [])
        for part in (loop, loop.target, each, *ast.walk(each)):
            ast.copy_location(part, node)
        return self.visit_For(loop)

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> ast.AST:
        return self._turns(node) or node

    def visit_ListComp(self, node: ast.ListComp) -> ast.AST:
        return self._listed(node)

    def _listed(self, node: ast.ListComp | ast.GeneratorExp) -> ast.expr:
        element = self._turns(node)
        return node if element is None else _call(node, "list_of", element)

    def _turns(self, node: ast.ListComp | ast.GeneratorExp) -> ast.GeneratorExp | None:
        """A generator whose loops are followed."""
        carried = {n.target.id for n in ast.walk(node) if isinstance(n, ast.NamedExpr)}
        targets = [n for g in node.generators for n in ast.walk(g.target)]
        stored = {n.id for n in targets if isinstance(n, ast.Name)}
        names = BodyNames(frozenset(stored | carried), frozenset(carried))
        self.generic_visit(node)
        if _has([node], _UNFIT) or any(g.is_async for g in node.generators):
            return None
        for generator in node.generators:
            site = self._site(generator.iter, names)
            generator.iter = _call(generator.iter, "loop", generator.iter, _constant(site))
        return ast.copy_location(ast.GeneratorExp(_with_lists(node.elt), node.generators), node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        plain = all(k.arg == "default" for k in node.keywords)
        only = node.args[0] if len(node.args) == 1 and plain else None
        if isinstance(only, ast.Call) and not self.has_map:
            only = mapped(only)
        if name in _OF_ALL and isinstance(only, ast.GeneratorExp):
            node.args[0] = self._listed(only)
        else:
            self.generic_visit(node)
        for at, arg in enumerate(node.args):
            if isinstance(arg, ast.List) and _has(arg.elts, (ast.Starred,)):
                self.calls += 1
                node.args[at] = _with_lists(arg)
        called = node.func.attr if isinstance(node.func, ast.Attribute) else name
        if name in REPLACED or called in _FOLDS:
            self.calls += 1
            node.func = _call(node.func, "replacement", node.func)
        elif called == "numel":
            self.calls += 1
            node.func = _call(node.func, "counting", node.func)
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        self.generic_visit(node)
        node.value = _with_lists(node.value)
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        self.generic_visit(node)
        if node.value is not None:
            node.value = _with_lists(node.value)
        return node

    def _site(self, node: Any, names: BodyNames) -> Site:
        site = (self.filename, node.lineno, node.col_offset)
        self.sites[site] = names
        return site


def _rebinding(name: str, site: Site) -> ast.stmt:
    key = repr((name, site))
    return ast.parse(f"if {key} in {HELPER}.rebound: {name} = {HELPER}.rebound.pop({key})").body[0]


def _constant(site: Site) -> ast.expr:
    return ast.Tuple([ast.Constant(part) for part in site], ast.Load())


def _with_lists(value: ast.expr) -> ast.expr:
    """The value with the lists displayed in it replaced."""
    if isinstance(value, ast.List):
        parts: list[ast.expr] = []
        own: list[ast.expr] = []
        for item in value.elts:
            if isinstance(item, ast.Starred):
                parts += [_call(value, "new_list", ast.List(own, ast.Load()))] if own else []
                parts.append(_call(value, "list_of", item.value))
                own = []
            else:
                own.append(_with_lists(item))
        if own or not parts:
            parts.append(_call(value, "new_list", ast.List(own, ast.Load())))
        joined = parts[0]
        for part in parts[1:]:
            joined = ast.copy_location(ast.BinOp(joined, ast.Add(), part), value)
        return joined
    if isinstance(value, ast.Tuple):
        value.elts = [_with_lists(e) for e in value.elts]
    elif isinstance(value, ast.Dict):
        value.values = [_with_lists(e) for e in value.values]
    return value


def _call(at: ast.AST, name: str, *args: ast.expr) -> ast.Call:
    helper = ast.Attribute(ast.Name(HELPER, ast.Load()), name, ast.Load())
    call = ast.copy_location(ast.Call(helper, list(args), []), at)
    return ast.fix_missing_locations(call)


def _place(node: ast.AST, at: ast.expr) -> None:
    for part in ast.walk(node):
        if hasattr(part, "lineno") or isinstance(part, (ast.expr, ast.stmt)):
            ast.copy_location(part, at)


def _has(nodes: Any, kinds: tuple[type, ...]) -> bool:
    """Whether there is such a node, outside of functions defined there."""
    todo = list(nodes)
    while todo:
        node = todo.pop()
        if isinstance(node, kinds):
            return True
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
            todo.extend(ast.iter_child_nodes(node))
    return False
