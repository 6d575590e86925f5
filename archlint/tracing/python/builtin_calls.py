"""Where user code calls ``int``, ``type`` and the like: read from its source, once per module."""

from __future__ import annotations

import ast
import linecache
import re
import sys
from collections.abc import Iterator
from functools import lru_cache
from types import CodeType, ModuleType

from archlint.models.model_code import ModelCode
from archlint.runtime.code_owner import file_of_module, is_user_code
from archlint.tracing.python.reachable_code import codes_in, reachable_functions

SHADOWED = frozenset({"int", "float", "max", "min", "len", "type", "hash"})
"""The names of Python's functions and types that a trace can replace in a module."""


def modules_to_replace_type(code: ModelCode) -> list[str]:
    """The modules of user code that ask for ``type(x)``: those of a model, and what it calls.

    Nothing shows at the call that it was asked, so that these are replaced from the start.
    """
    own = {kind.__module__ for kind in code.classes}
    asking = {
        function.__globals__.get("__name__", "")
        for function in reachable_functions(code)
        if _names_type(function.__code__)
    }
    modules = {name: sys.modules.get(name) for name in sorted(own | asking)}
    return [
        name
        for name, module in modules.items()
        if module is not None
        and is_user_code(file_of_module(module) or "<unknown>")
        and _asks_for_type(module)
    ]


@lru_cache(maxsize=4096)
def _names_type(outer: CodeType) -> bool:
    return any("type" in code.co_names for code in codes_in(outer))


@lru_cache(maxsize=512)
def _asks_for_type(module: ModuleType) -> bool:
    return _TYPE.search(_source(module)) is not None and "type" in replaceable(module)


@lru_cache(maxsize=512)
def replaceable(module: ModuleType) -> frozenset[str]:
    """The names that the module's functions use only where a shadow can replace them."""
    source = _source(module)
    if not _CALLED.search(source):
        return frozenset()
    try:
        tree = ast.parse(source)
    except (SyntaxError, RecursionError):
        return frozenset()
    used: list[ast.Name] = []  # in functions: what else there is runs as the module is imported
    served: set[int] = set()
    todo: list[tuple[ast.AST, bool]] = [(tree, False)]
    while todo:
        node, in_function = todo.pop()
        if isinstance(node, ast.Name):
            if in_function and node.id in SHADOWED:
                used.append(node)
            continue
        served.update(map(id, _served(node)))
        body = node.body if isinstance(node, _FUNCTIONS) else ()
        later = {id(part) for part in (body if isinstance(body, (list, tuple)) else (body,))}
        todo += [(p, in_function or id(p) in later) for p in ast.iter_child_nodes(node)]
    return frozenset({n.id for n in used} - {n.id for n in used if id(n) not in served})


def _source(module: ModuleType) -> str:
    file = file_of_module(module)
    return "".join(linecache.getlines(file, vars(module))) if file else ""


_TYPE = re.compile(r"(?<![\w.])type\s*[(,)]")  # a call, or an argument
_ANY = "|".join(sorted(SHADOWED))
_CALLED = re.compile(rf"\b(?:{_ANY})\b\s*\(|\bmap\s*\(\s*(?:{_ANY})\b")
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_CALLABLES = ("type", "key", "default_factory")
"""Parameters that are called: ``add_argument("--depth", type=int)``, ``sorted(x, key=len)``."""
_EQUALITIES = (ast.Is, ast.IsNot, ast.Eq, ast.NotEq, ast.In, ast.NotIn)
_TYPES = ("int", "float", "type")  # what replaces one equals it
_TAKING_TYPES = ("isinstance", "issubclass", "map", "filter", "defaultdict", "cast")


def _numpy_types(call: ast.Call, method: ast.Attribute) -> Iterator[ast.AST]:
    """``int`` in ``x.astype(int)`` and ``np.zeros(n, dtype=int)``."""
    if method.attr == "astype":
        yield from call.args
    if isinstance(method.value, ast.Name) and method.value.id in ("np", "numpy"):
        yield from (word.value for word in call.keywords if word.arg == "dtype")


def _served(node: ast.AST) -> Iterator[ast.AST]:
    """Names that are called, compared or annotate something, and types of ``isinstance``."""
    if isinstance(node, ast.keyword):
        if node.arg in _CALLABLES:
            yield node.value
    elif isinstance(node, ast.Call):
        yield node.func
        if isinstance(node.func, ast.Name) and node.func.id in _TAKING_TYPES:
            for arg in node.args:
                yield from (arg, *(arg.elts if isinstance(arg, ast.Tuple) else ()))
        if isinstance(node.func, ast.Attribute):
            yield from _numpy_types(node, node.func)
    elif isinstance(node, ast.Attribute):
        yield node.value
    elif isinstance(node, ast.MatchClass):
        yield node.cls
    elif isinstance(node, ast.Compare):
        equal = [op for op in node.ops if isinstance(op, _EQUALITIES)]
        if len(equal) == len(node.ops):
            sides = (node.left, *node.comparators)
            every = [part for side in sides for part in (side, *getattr(side, "elts", ()))]
            by_is = all(isinstance(op, (ast.Is, ast.IsNot)) for op in equal)
            yield from (p for p in every if by_is or getattr(p, "id", "") in _TYPES)
    elif isinstance(node, (ast.arg, ast.AnnAssign)) and node.annotation is not None:
        yield from ast.walk(node.annotation)
    elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.returns is not None:
        yield from ast.walk(node.returns)
