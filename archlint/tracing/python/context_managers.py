"""Context managers: which errors end in the ``with`` of one.

``__exit__`` ends an error by returning something true. ``contextlib.suppress`` says which kinds;
of others it is read from their code whether they could.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import dis
import inspect
from functools import lru_cache
from types import CodeType, FrameType, FunctionType, MethodType, ModuleType
from typing import Any, Union

from archlint.tracing.python.bytecode_handlers import may_go_on

Manager = Union[bool, "tuple[type, ...]"]
"""Whether it may end an error; the kinds, where it is known that it ends these and no others."""

_TRUSTED = ("torch", "archlint")  # their managers let every error through
_DEEP = 3  # functions that return the manager of another
_UNKNOWN = object()
_WITHOUT = {"LOAD_CONST", "RETURN_CONST"}


def manager_of(expression: ast.expr, frame: FrameType) -> Manager:
    """The manager that ``with expression`` makes in this frame; nothing is run to find it."""
    return _made(expression, _Names(frame.f_globals, frame), _DEEP)


def manager_that_is(manager: object) -> Manager:
    """A manager that is there already."""
    if isinstance(manager, contextlib.suppress):
        kinds = manager._exceptions  # type: ignore[attr-defined]
        return tuple(kinds) if all(isinstance(k, type) for k in kinds) else True
    if isinstance(manager, contextlib._GeneratorContextManager):
        return _of_generator(getattr(manager, "func", None))
    return _of_class(type(manager))


def named(expression: ast.expr, frame: FrameType) -> Any:
    """What a name, or an attribute of a module, class or object, is in this frame.

    Something that is no type where that cannot be told without running code.
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
                return self.frame.f_locals.get(expression.id, _UNKNOWN)
            found = self.names.get(expression.id, _UNKNOWN)
            return getattr(builtins, expression.id, _UNKNOWN) if found is _UNKNOWN else found
        if isinstance(expression, ast.Attribute):
            return _attribute(self.value(expression.value), expression.attr)
        return _UNKNOWN


def _attribute(owner: Any, name: str) -> Any:
    if owner is _UNKNOWN:
        return _UNKNOWN
    if isinstance(owner, ModuleType):
        return vars(owner).get(name, _UNKNOWN)
    found = inspect.getattr_static(owner, name, _UNKNOWN)
    if isinstance(found, (staticmethod, classmethod)):
        return found.__func__
    if isinstance(found, FunctionType) and not isinstance(owner, type):
        return MethodType(found, owner)
    return (
        _UNKNOWN
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
        return True if maker is _UNKNOWN else _of_maker(maker, depth)
    value = names.value(expression)
    return True if value is _UNKNOWN else manager_that_is(value)


def _either(managers: Any) -> Manager:
    """What is so of every one of them."""
    found = list(managers)
    same = all(f == found[0] for f in found)
    return found[0] if found and same else any(f is not False and f != () for f in found)


def _of_maker(maker: Any, depth: int) -> Manager:
    """The manager that calling this gives."""
    if isinstance(maker, type):
        return _of_class(maker)
    function = maker.__func__ if isinstance(maker, MethodType) else maker
    if not isinstance(function, FunctionType):
        return not _trusted(type(function)) and not _trusted(function)
    if _trusted(function):
        return False
    inner = getattr(function, "__wrapped__", None)
    if isinstance(inner, FunctionType) and function.__code__.co_filename == contextlib.__file__:
        return _of_generator(inner)
    return _returned(function, depth - 1) if depth and inner is None else True


def _returned(function: FunctionType, depth: int) -> Manager:
    """The manager that a function of the user's returns."""
    tree = _tree(function.__code__)
    returns = [n.value for n in ast.walk(tree) if isinstance(n, ast.Return)] if tree else []
    names = _Names(function.__globals__)
    if not returns or any(r is None for r in returns):
        return True
    return _either(_made(r, names, depth) for r in returns if r is not None)


@lru_cache(maxsize=256)
def _tree(code: CodeType) -> ast.AST | None:
    try:
        return ast.parse(inspect.cleandoc("\n" + inspect.getsource(code)))
    except (OSError, TypeError, SyntaxError):
        return None


def _of_class(kind: type) -> Manager:
    if issubclass(kind, contextlib.suppress):
        return True
    if _trusted(kind):
        return False
    leave = inspect.getattr_static(kind, "__exit__", None)
    # Built-in ones, such as those of locks and files, let every error through.
    return isinstance(leave, FunctionType) and not _trusted(leave) and _may_be_true(leave.__code__)


def _of_generator(function: Any) -> Manager:
    """A ``@contextmanager`` ends an error if its generator does not raise it again."""
    if not isinstance(function, FunctionType):
        return True
    return not _trusted(function) and may_go_on(function.__code__)


def _trusted(thing: Any) -> bool:
    return str(getattr(thing, "__module__", "")).split(".")[0] in _TRUSTED


@lru_cache(maxsize=256)
def _may_be_true(code: CodeType) -> bool:
    """Whether a function can return anything but ``None`` and ``False``."""
    before: dis.Instruction | None = None
    for instruction in dis.get_instructions(code):
        made = before if instruction.opname == "RETURN_VALUE" else instruction
        if instruction.opname in ("RETURN_VALUE", "RETURN_CONST") and (
            made is None or made.opname not in _WITHOUT or made.argval
        ):
            return True
        before = instruction
    return False
