"""Context managers: which errors end in the ``with`` of one.

``__exit__`` ends an error by returning something true. ``contextlib.suppress`` names the kinds that
it ends; for others the source of ``__exit__``, or of the generator, shows whether it could, and
whether that depends on more than the error's kind. Without source nothing is known.
"""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Iterable
from enum import Enum
from functools import partial
from types import CodeType, FrameType, FunctionType, MethodType, SimpleNamespace
from typing import Any, Union

from archlint.tracing.exception_handling.meanings import UNKNOWN, Names
from archlint.tracing.exception_handling.reporting_calls import always_shows
from archlint.tracing.exception_handling.statements import (
    TRY,
    always_raises,
    asks_of_error,
    blocks_with,
    leaves,
    own_nodes,
    raises_another,
    reads_error,
    source_of,
)


class Ends(Enum):
    """Which errors a context manager ends, where it does not name their kinds."""

    NONE = "no error"
    BY_KIND = "it may end an error, which raising one of that kind shows"
    REPLACES = "none, but it may raise another error instead"
    UNKNOWN = "not known: it may depend on what the error says"


Manager = Union[Ends, "tuple[type, ...]"]
"""What a manager ends; the kinds, where it is known that it ends these and no others."""

_TRUSTED = ("torch", "archlint")  # their managers let every error through
_DEEP = 3  # functions that return the manager of another


def manager_of(item: ast.withitem, frame: FrameType) -> Manager:
    """The manager that an item of a ``with`` makes in this frame; nothing is run to find it."""
    names = Names(frame.f_globals, frame)
    if isinstance(item.optional_vars, ast.Name):
        entered = names.value(item.optional_vars)
        if isinstance(entered, contextlib.ExitStack):  # what it ends is known only by what it holds
            return manager_that_is(entered)
    made = item.context_expr
    maker = names.value(made.func) if isinstance(made, ast.Call) else UNKNOWN
    if item.optional_vars is None and maker is contextlib.ExitStack:
        return Ends.NONE  # nothing can give it anything to hold
    return _made(made, names, _DEEP)


def manager_that_is(manager: object) -> Manager:
    """Which errors the ``with`` of a context manager ends, an object that exists."""
    leave = getattr(type(manager), "__exit__", None)
    if isinstance(manager, contextlib.suppress) and leave is contextlib.suppress.__exit__:
        kinds = manager._exceptions  # type: ignore[attr-defined]
        return tuple(kinds) if all(isinstance(k, type) for k in kinds) else Ends.BY_KIND
    if isinstance(manager, contextlib._GeneratorContextManager):
        return _of_entered(manager)
    if isinstance(manager, contextlib.ExitStack):
        held = (callback for _, callback in manager._exit_callbacks)  # type: ignore[attr-defined]
        return _together(map(_of_callback, held))
    return _of_class(type(manager))


def _of_callback(callback: Any) -> Manager:
    """What a function that an ``ExitStack`` calls ends, such as the ``__exit__`` of a manager."""
    if isinstance(callback, MethodType) and callback.__func__.__name__ == "__exit__":
        return manager_that_is(callback.__self__)
    return _of_exit(callback) if isinstance(callback, FunctionType) else Ends.UNKNOWN


def _made(expression: ast.expr, names: Names, depth: int) -> Manager:
    if isinstance(expression, ast.IfExp):
        return _either(_made(e, names, depth) for e in (expression.body, expression.orelse))
    if isinstance(expression, ast.Call):
        maker = names.value(expression.func)
        if maker is contextlib.suppress:
            kinds = [names.value(a) for a in expression.args]
            return tuple(kinds) if all(isinstance(k, type) for k in kinds) else Ends.BY_KIND
        return Ends.UNKNOWN if maker is UNKNOWN else _of_maker(maker, depth)
    value = names.value(expression)
    return Ends.UNKNOWN if value is UNKNOWN else manager_that_is(value)


def _either(managers: Iterable[Manager]) -> Manager:
    """What holds for each of these managers; of several answers, the careful one."""
    found = [Ends.NONE if m == () else m for m in managers]
    if found and all(f == found[0] for f in found):
        return found[0]
    return _together(Ends.BY_KIND if isinstance(f, tuple) else f for f in found)


def _together(managers: Iterable[Manager]) -> Manager:
    """What managers end that are all entered."""
    found = list(managers)
    for answer in (Ends.UNKNOWN, Ends.REPLACES, Ends.BY_KIND):
        if answer in found:
            others = any(isinstance(f, tuple) for f in found)
            return Ends.UNKNOWN if answer is Ends.REPLACES and others else answer
    return tuple(kind for f in found if isinstance(f, tuple) for kind in f) or Ends.NONE


def _of_maker(maker: Any, depth: int) -> Manager:
    """The manager that a call of ``maker`` returns; nothing is called."""
    if isinstance(maker, type):
        return _of_class(maker)
    function = maker.__func__ if isinstance(maker, MethodType) else maker
    if not isinstance(function, FunctionType):
        trusted = _trusted(type(function)) or _trusted(function)
        return Ends.NONE if trusted else Ends.UNKNOWN
    if _trusted(function):
        return Ends.NONE
    inner = getattr(function, "__wrapped__", None)
    if isinstance(inner, FunctionType) and function.__code__.co_filename == contextlib.__file__:
        return _of_generator(inner.__code__, inner.__globals__, depth)
    return _returned(function, depth - 1) if depth and inner is None else Ends.UNKNOWN


def _returned(function: FunctionType, depth: int) -> Manager:
    """The manager that a function of the user's returns."""
    tree = _tree(function.__code__)
    returns = [n.value for n in own_nodes(tree) if isinstance(n, ast.Return)] if tree else []
    names = Names(function.__globals__)
    if not returns or any(r is None for r in returns):
        return Ends.UNKNOWN
    return _either(_made(r, names, depth) for r in returns if r is not None)


def _tree(code: CodeType) -> ast.AST | None:
    """The definition of a function; ``None`` without source, or for a lambda."""
    source = source_of(code, code.co_filename, code.co_linetable)
    top = source[0].body[0] if source is not None and source[0].body else None
    return top if isinstance(top, (ast.FunctionDef, ast.AsyncFunctionDef)) else None


def _of_class(kind: type) -> Manager:
    if _trusted(kind):
        return Ends.NONE
    leave = getattr(kind, "__exit__", None)
    if issubclass(kind, contextlib.ExitStack) or leave is contextlib.suppress.__exit__:
        return Ends.UNKNOWN  # what it holds decides
    # Built-in ones, such as those of locks and files, let every error through.
    return _of_exit(leave) if isinstance(leave, FunctionType) else Ends.NONE


def _of_exit(function: FunctionType) -> Manager:
    """What an ``__exit__`` ends, or a function that is called like one."""
    if _trusted(function):
        return Ends.NONE
    tree = _tree(function.__code__)
    if tree is None:
        return Ends.UNKNOWN
    ends, replaces = _may_be_true(tree), any(isinstance(n, ast.Raise) for n in own_nodes(tree))
    if not ends and not replaces:
        return Ends.NONE
    if asks_of_error(tree, _shows_in(function.__code__, function.__globals__)):
        return Ends.UNKNOWN
    return Ends.UNKNOWN if ends and replaces else Ends.BY_KIND if ends else Ends.REPLACES


def _of_entered(manager: Any) -> Manager:
    """What an object of ``@contextmanager`` ends, which has lost its function once entered."""
    function, frame = getattr(manager, "func", None), getattr(manager.gen, "gi_frame", None)
    if isinstance(function, FunctionType):
        return _of_generator(function.__code__, function.__globals__)
    return Ends.UNKNOWN if frame is None else _of_generator(frame.f_code, frame.f_globals)


def _of_generator(code: CodeType, names: dict[str, Any], depth: int = _DEEP) -> Manager:
    """A ``@contextmanager`` ends an error if its generator catches it where it yields.

    ``code``: of the generator. ``names``: the globals that it was defined in.
    """
    if str(names.get("__name__")).split(".")[0] in _TRUSTED:
        return Ends.NONE
    tree = _tree(code)
    if tree is None or depth <= 0:
        return Ends.UNKNOWN
    shows = _shows_in(code, names)
    return _together(
        _of_block(block, Names(names), shows, depth)
        for block in blocks_with(tree, ast.Yield, (*TRY, ast.With, ast.AsyncWith))
    )


def _of_block(block: ast.stmt, names: Names, shows: Any, depth: int) -> Manager:
    """What a ``try`` or a ``with`` around the ``yield`` of a generator ends."""
    if isinstance(block, ast.With):
        return _together(_made(item.context_expr, names, depth - 1) for item in block.items)
    if not isinstance(block, ast.Try):
        return Ends.UNKNOWN
    if any(map(leaves, block.finalbody)):
        return Ends.BY_KIND
    if all(map(always_raises, block.handlers)):
        return Ends.REPLACES if any(map(raises_another, block.handlers)) else Ends.NONE
    return Ends.UNKNOWN if any(reads_error(h, shows) for h in block.handlers) else Ends.BY_KIND


def _shows_in(code: CodeType, names: dict[str, Any]) -> Any:
    """Whether calls in a function that is not running only show what they get."""
    inside: Any = SimpleNamespace(f_code=code, f_locals={}, f_globals=names)
    return partial(always_shows, frame=inside)


def _trusted(thing: Any) -> bool:
    return str(getattr(thing, "__module__", "")).split(".")[0] in _TRUSTED


def _may_be_true(tree: ast.AST) -> bool:
    """Whether a function can return anything but ``None`` and ``False``."""
    returned = (n.value for n in own_nodes(tree) if isinstance(n, ast.Return))
    return any(
        value is not None and not (isinstance(value, ast.Constant) and not value.value)
        for value in returned
    )
