"""Context managers: which errors end in the ``with`` of one.

``__exit__`` ends an error by returning something true. ``contextlib.suppress`` names the kinds that
it ends; for others the source of ``__exit__``, or of the generator, shows whether it could. Without
source the answer is that it could.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import inspect
from types import FrameType, FunctionType, MethodType, ModuleType
from typing import Any, Union

from archlint.tracing.exception_handling.statements import (
    TRY,
    always_raises,
    blocks_with,
    leaves,
    own_nodes,
    source_of,
)

Manager = Union[bool, "tuple[type, ...]"]
"""Whether it may end an error; the kinds, where it is known that it ends these and no others."""

_TRUSTED = ("torch", "archlint")  # their managers let every error through
_DEEP = 3  # functions that return the manager of another
UNKNOWN = object()


def manager_of(expression: ast.expr, frame: FrameType) -> Manager:
    """The manager that ``with expression`` makes in this frame; nothing is run to find it."""
    return _made(expression, _Names(frame.f_globals, frame), _DEEP)


def manager_that_is(manager: object) -> Manager:
    """Which errors the ``with`` of a context manager ends, an object that exists."""
    if isinstance(manager, contextlib.suppress):
        kinds = manager._exceptions  # type: ignore[attr-defined]
        return tuple(kinds) if all(isinstance(k, type) for k in kinds) else True
    if isinstance(manager, contextlib._GeneratorContextManager):
        return _of_generator(getattr(manager, "func", None))
    return _of_class(type(manager))


def named(expression: ast.expr, frame: FrameType) -> Any:
    """What a name, or an attribute of a module, class or object, is in this frame.

    A placeholder, which is no type, where only running code would show it.
    """
    return _Names(frame.f_globals, frame).value(expression)


class _Names:
    """The names of a function: its globals, and its locals if it is running."""

    def __init__(self, names: dict[str, Any], frame: FrameType | None = None) -> None:
        self.names = names
        self.frame = frame

    def value(self, expression: ast.expr) -> Any:
        if isinstance(expression, ast.Name):
            code = self.frame.f_code if self.frame else None
            if self.frame and code and expression.id in (*code.co_varnames, *code.co_freevars,
                                                         *code.co_cellvars):  # fmt: skip
                return self.frame.f_locals.get(expression.id, UNKNOWN)
            found = self.names.get(expression.id, UNKNOWN)
            return getattr(builtins, expression.id, UNKNOWN) if found is UNKNOWN else found
        if isinstance(expression, ast.Attribute):
            return _attribute(self.value(expression.value), expression.attr)
        return UNKNOWN


def _attribute(owner: Any, name: str) -> Any:
    if owner is UNKNOWN:
        return UNKNOWN
    if isinstance(owner, ModuleType):
        return vars(owner).get(name, UNKNOWN)
    found = inspect.getattr_static(owner, name, UNKNOWN)
    if isinstance(found, (staticmethod, classmethod)):
        return found.__func__
    if isinstance(found, FunctionType) and not isinstance(owner, type):
        return MethodType(found, owner)
    return (
        UNKNOWN
        if hasattr(type(found), "__get__") and not isinstance(found, (FunctionType, type))
        else found
    )


def _made(expression: ast.expr, names: _Names, depth: int) -> Manager:
    if isinstance(expression, ast.IfExp):
        return _either(_made(e, names, depth) for e in (expression.body, expression.orelse))
    if isinstance(expression, ast.Call):
        maker = names.value(expression.func)
        if maker is contextlib.suppress:
            kinds = [names.value(a) for a in expression.args]
            return tuple(kinds) if all(isinstance(k, type) for k in kinds) else True
        return True if maker is UNKNOWN else _of_maker(maker, depth)
    value = names.value(expression)
    return True if value is UNKNOWN else manager_that_is(value)


def _either(managers: Any) -> Manager:
    """What holds for each of these managers; of several answers, the careful one."""
    found = list(managers)
    same = all(f == found[0] for f in found)
    return found[0] if found and same else any(f is not False and f != () for f in found)


def _of_maker(maker: Any, depth: int) -> Manager:
    """The manager that a call of ``maker`` returns; nothing is called."""
    if isinstance(maker, type):
        return _of_class(maker)
    function = maker.__func__ if isinstance(maker, MethodType) else maker
    if not isinstance(function, FunctionType):
        return not _trusted(type(function)) and not _trusted(function)
    if _trusted(function):
        return False
    inner = getattr(function, "__wrapped__", None)
    if isinstance(inner, FunctionType) and function.__code__.co_filename == contextlib.__file__:
        return _of_generator(inner, depth)
    return _returned(function, depth - 1) if depth and inner is None else True


def _returned(function: FunctionType, depth: int) -> Manager:
    """The manager that a function of the user's returns."""
    tree = _tree(function)
    returns = [n.value for n in own_nodes(tree) if isinstance(n, ast.Return)] if tree else []
    names = _Names(function.__globals__)
    if not returns or any(r is None for r in returns):
        return True
    return _either(_made(r, names, depth) for r in returns if r is not None)


def _tree(function: FunctionType) -> ast.AST | None:
    """The definition of a function; ``None`` without source, or for a lambda."""
    code = function.__code__
    source = source_of(code, code.co_filename, code.co_linetable)
    top = source[0].body[0] if source is not None and source[0].body else None
    return top if isinstance(top, (ast.FunctionDef, ast.AsyncFunctionDef)) else None


def _of_class(kind: type) -> Manager:
    if issubclass(kind, contextlib.suppress):
        return True
    if _trusted(kind):
        return False
    leave = inspect.getattr_static(kind, "__exit__", None)
    # Built-in ones, such as those of locks and files, let every error through.
    return isinstance(leave, FunctionType) and not _trusted(leave) and _may_be_true(leave)


def _of_generator(function: Any, depth: int = _DEEP) -> Manager:
    """A ``@contextmanager`` ends an error if its generator catches it where it yields."""
    if not isinstance(function, FunctionType):
        return True
    if _trusted(function):
        return False
    tree = _tree(function)
    if tree is None or depth <= 0:
        return True
    names = _Names(function.__globals__)
    for block in blocks_with(tree, ast.Yield, (*TRY, ast.With, ast.AsyncWith)):
        if isinstance(block, ast.With):
            inner = (_made(item.context_expr, names, depth - 1) for item in block.items)
            if any(manager is not False for manager in inner):
                return True
        elif (
            not isinstance(block, ast.Try)
            or any(map(leaves, block.finalbody))
            or not all(map(always_raises, block.handlers))
        ):
            return True
    return False


def _trusted(thing: Any) -> bool:
    return str(getattr(thing, "__module__", "")).split(".")[0] in _TRUSTED


def _may_be_true(function: FunctionType) -> bool:
    """Whether a function can return anything but ``None`` and ``False``."""
    tree = _tree(function)
    if tree is None:
        return True
    returned = (n.value for n in own_nodes(tree) if isinstance(n, ast.Return))
    return any(
        value is not None and not (isinstance(value, ast.Constant) and not value.value)
        for value in returned
    )
