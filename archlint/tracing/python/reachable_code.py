"""The functions of user code that a model's code can come to call, as far as names show it."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterable, Iterator
from functools import lru_cache, partial
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any, NamedTuple

from archlint.models.code_places import in_cell
from archlint.models.held_names import HeldNames
from archlint.models.model_code import CONTAINERS, ModelCode, attributes_of
from archlint.runtime.code_owner import Owner, file_of_module, is_user_code, owner_of
from archlint.runtime.real_type import is_a
from archlint.tracing.python.draw_names import held_source

_MOST = 20_000  # functions and classes that are followed
_BY_TEXT = frozenset({"globals", "eval", "exec"})  # look up names of the function's own module


def reachable_functions(code: ModelCode) -> tuple[FunctionType, ...]:
    """The functions behind the methods of the model's classes, and what these name.

    Followed are global names and their attributes, what a function closes over, its defaults, and
    the functions and objects that modules hold as attributes. A function that looks names up by
    text is taken to call all of the module. Functions of torch, Python and archlint are left out.
    """
    return _reached_from(code).functions


def held_sources(code: ModelCode) -> tuple[str, ...]:
    """The clocks and sources of entropy that the code holds otherwise than by a global name."""
    own: list[Any] = []
    for value in code.held:
        own += [value, value.func] if type(value) is partial else [value]
        own += attributes_of(value).values()
    names = (*map(held_source, own), *_reached_from(code).sources)
    return tuple(dict.fromkeys(name for name in names if name is not None))


def _reached_from(code: ModelCode) -> _Reached:
    roots = code.classes | {
        part if type(part) is FunctionType else type(part)
        for value in code.held
        for part in (value, *_inside(value))
    }
    known = _known(roots)
    if not known or known[0].names.changed():
        known[:] = [_reached(roots)]
    return known[0]


class _Reached(NamedTuple):
    """Functions, the names by which they were found, and the clocks that these hold."""

    functions: tuple[FunctionType, ...]
    names: HeldNames
    sources: tuple[str, ...]


@lru_cache(maxsize=16)
def _known(roots: frozenset[Any]) -> list[_Reached]:
    """What was found last for these classes and functions, if anything was."""
    return []


def _reached(roots: frozenset[Any]) -> _Reached:
    todo: list[Any] = []
    homes = {sys.modules.get(root.__module__) for root in roots}
    spaces = {id(m): vars(m) for m in homes if isinstance(m, ModuleType)}
    classes = [base for root in roots if is_a(root, type) for base in root.__mro__]
    for root in roots:  # instances of these exist: what makes one runs only where code names it
        todo += _without_init(root) if is_a(root, type) else [root]
    seen: set[int] = set()
    functions: list[FunctionType] = []
    sources: list[str] = []
    while todo and len(seen) < _MOST:
        value = todo.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        kind = type(value)
        source = held_source(value) if not issubclass(kind, type) else None
        if source is not None:
            sources.append(source)
        if kind is FunctionType:
            if _is_model_code(value.__code__):
                functions.append(value)
                spaces[id(value.__globals__)] = value.__globals__
                todo += _named(value)
        elif issubclass(kind, type):
            if _is_users(value):
                classes.append(value)
                todo += [*vars(value).values(), *value.__bases__]
        else:
            todo += _inside(value)
    held = [vars(kind) for kind in dict.fromkeys(classes) if _is_users(kind)]
    return _Reached(tuple(functions), HeldNames([*spaces.values(), *held]), tuple(sources))


def _without_init(kind: type) -> list[Any]:
    """The members of a class and its bases, as far as they are user code, except ``__init__``."""
    members = (item for base in kind.__mro__ if _is_users(base) for item in vars(base).items())
    return [value for name, value in members if name != "__init__"]


def _named(function: FunctionType) -> list[Any]:
    """What a function can call: by global names, its variables of outer functions, and defaults."""
    names = {name for code in codes(function) for name in code.co_names}
    if names & _BY_TEXT:
        return _replaced_left_out(function.__globals__.values())
    found = [function.__globals__[n] for n in names if n in function.__globals__]
    found += [sys.modules[n] for n in names if n in sys.modules]  # imported in the function
    modules = [m for m in found if is_a(m, ModuleType)]
    found += [
        value
        for module in modules
        for value in (_attributes(module, names) if "getattr" not in names else _values(module))
    ]
    found = _replaced_left_out(found)
    found += [in_cell(cell) for cell in function.__closure__ or ()]
    found += [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
    return [value for value in found if not is_a(value, ModuleType)]


def _replaced_left_out(values: Iterable[Any]) -> list[Any]:
    """The values of names without those that are replaced by their names, see :mod:`.draws`."""
    return [value for value in values if held_source(value) is None]


def _attributes(module: ModuleType, names: set[str]) -> Iterator[Any]:
    """The values of these names in a module, and in its own modules of these names."""
    for name in names & vars(module).keys():
        value = vars(module)[name]
        yield value
        if is_a(value, ModuleType) and value.__name__.startswith(f"{module.__name__}."):
            yield from _attributes(value, names - {name})


def _values(module: ModuleType) -> list[Any]:
    """All that a module of user code holds."""
    users = is_user_code(file_of_module(module) or "<unknown>")
    return list(vars(module).values()) if users else []


def _inside(value: Any) -> list[Any]:
    """Functions and classes in an object: what it wraps, holds, or is an instance of."""
    kind = type(value)
    if kind in (MethodType, staticmethod, classmethod):
        return [value.__func__]
    if kind is property:
        return [value.fget, value.fset]
    if kind is partial:
        return [value.func]
    if kind in CONTAINERS:
        items = value.values() if kind is dict else value
        return [item for item in items if callable(item)]
    return [inspect.getattr_static(value, "__wrapped__", None), kind]


@lru_cache(maxsize=4096)
def _is_users(kind: type) -> bool:
    """Whether it is user code, also where its module has no file, as in a notebook."""
    file = file_of_module(sys.modules.get(kind.__module__))
    if file is not None:
        return is_user_code(file)
    found = (getattr(value, "__func__", value) for value in vars(kind).values())
    return any(type(f) is FunctionType and _is_model_code(f.__code__) for f in found)


def _is_model_code(code: CodeType) -> bool:
    """Whether it is user code, also compiled from a text: ``<stdin>`` has no generated methods."""
    file = code.co_filename
    typed = owner_of(file) is Owner.TEXT and not code.co_name.startswith("__")
    return typed or is_user_code(file)


def codes(function: FunctionType) -> Iterator[CodeType]:
    """The code of a function and of the functions in it."""
    return codes_in(function.__code__)


def codes_in(outer: CodeType) -> Iterator[CodeType]:
    """A code, and those of the functions in it."""
    todo = [outer]
    while todo:
        code = todo.pop()
        yield code
        todo += [c for c in code.co_consts if isinstance(c, CodeType)]
