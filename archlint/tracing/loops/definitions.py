"""The definition of a function in its source, and compiled again as the function's code."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from functools import lru_cache
from types import CodeType
from typing import Any

from archlint.tracing.symint.numbered_code import remember

_FUTURE = 0x1FF0000  # bits of the flags of ``from __future__`` imports
_LAMBDA = "<lambda>"


def is_same(code: CodeType, other: CodeType) -> bool:
    """Whether two codes of one place do the same: a place may have several lambdas."""
    lambdas = code.co_name == _LAMBDA
    return _shape(code) == _shape(other) and (not lambdas or _constants(code) == _constants(other))


def _shape(code: CodeType) -> tuple[Any, ...]:
    return (
        code.co_code, code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars,
        code.co_argcount, code.co_kwonlyargcount, code.co_posonlyargcount,
    )  # fmt: skip


def _constants(code: CodeType) -> tuple[Any, ...]:
    """The constants of a code and of those in it, without the names of the latter."""
    return tuple(
        _constants(each) if isinstance(each, CodeType) else repr(each)
        for each in code.co_consts
        if not (isinstance(each, str) and each.endswith(">"))
    )


@lru_cache(maxsize=64)
def module_of(lines: tuple[str, ...]) -> ast.Module | None:
    source = "".join(lines)
    try:
        return ast.parse(source) if source else None
    except (SyntaxError, ValueError, RecursionError):
        return None


def definitions(
    module: ast.Module, code: CodeType
) -> Iterator[tuple[ast.FunctionDef | ast.Lambda, str | None]]:
    """The ``def`` of the code, or lambdas of its line, with the class that they stand in.

    A copy of a function's code may have another name: ``code.replace(co_name=...)``.
    """
    todo: list[tuple[ast.AST, str | None]] = [(module, None)]
    while todo:
        node, owner = todo.pop()
        for child in ast.iter_child_nodes(node):
            inner = child.name if isinstance(child, ast.ClassDef) else owner
            if isinstance(child, ast.FunctionDef):
                first = min([child.lineno, *(d.lineno for d in child.decorator_list)])
                if first == code.co_firstlineno:
                    yield child, owner
            elif isinstance(child, ast.Lambda) and child.lineno == code.co_firstlineno:
                yield child, owner
            todo.append((child, inner))


def imports_of(module: ast.Module) -> list[ast.stmt]:
    """The imports of a module: CPython compiles calls of attributes of what they bind otherwise."""
    found: list[ast.stmt] = []
    todo: list[ast.AST] = [module]
    while todo:
        for child in ast.iter_child_nodes(todo.pop()):
            if isinstance(child, ast.Import):
                found.append(child)
            elif isinstance(child, ast.ImportFrom):
                if child.module != "__future__" and child.names[0].name != "*":
                    found.append(child)
            elif not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                todo.append(child)
    return found


def compiled(
    node: ast.FunctionDef | ast.Lambda,
    owner: str | None,
    like: CodeType,
    imports: list[ast.stmt],
) -> CodeType | None:
    """The code of a definition, with the free variables and the names of ``like``."""
    if getattr(node, "type_params", None):
        return None
    if isinstance(node, ast.FunctionDef):
        # Lines are counted from the first decorator.
        node.decorator_list = [
            ast.copy_location(ast.Constant(None), d) for d in node.decorator_list
        ]
        node.returns = None
    for arg in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs):
        arg.annotation = None
    for star in (node.args.vararg, node.args.kwarg):
        if star is not None:
            star.annotation = None
    none = ast.Constant(None)
    node.args.defaults = [none for _ in node.args.defaults]
    node.args.kw_defaults = [None if d is None else none for d in node.args.kw_defaults]
    inner: ast.stmt = node if isinstance(node, ast.FunctionDef) else ast.Expr(node)
    if owner is not None:
        inner = ast.ClassDef(name=owner, bases=[], keywords=[], body=[inner], decorator_list=[])
    free = [n for n in like.co_freevars if n != "__class__"]
    names: list[ast.expr] = [ast.Name(n, ast.Store()) for n in free]
    outer_body: list[ast.stmt] = [ast.Assign([name], none) for name in names]
    own = node.name if isinstance(node, ast.FunctionDef) else _LAMBDA
    bound = owner if owner is not None else own
    if bound.isidentifier() and bound not in free:  # a module's own: code in it reads a global name
        outer_body.append(ast.Global([bound]))
    no_args = ast.arguments([], [], None, [], [], None, [])
    outer = ast.FunctionDef("outer", no_args, [*outer_body, inner], [])
    tree = ast.fix_missing_locations(ast.Module([*imports, outer], []))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            flags = like.co_flags & _FUTURE
            code: CodeType = compile(tree, like.co_filename, "exec", flags, dont_inherit=True)
            remember(tree, code, flags)
    except (SyntaxError, ValueError):
        return None
    for name in ("outer", *((owner,) if owner is not None else ()), own):
        inside = next((c for c in code.co_consts if _is_code(c, name)), None)
        if not isinstance(inside, CodeType):
            return None
        code = inside
    if code.co_freevars != like.co_freevars:
        return None
    return code.replace(co_name=like.co_name)


def _is_code(value: object, name: str) -> bool:
    return isinstance(value, CodeType) and value.co_name == name
