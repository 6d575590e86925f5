"""What a name in the model's code stands for, looked up where it is written; nothing is run."""

from __future__ import annotations

import ast
import builtins
import inspect
from types import FrameType, FunctionType, MethodType, ModuleType
from typing import Any

UNKNOWN = object()


def named(expression: ast.expr, frame: FrameType) -> Any:
    """What a name, or an attribute of a module, class or object, is in this frame.

    A placeholder, which is no type, where only running code would show it.
    """
    return Names(frame.f_globals, frame).value(expression)


class Names:
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
