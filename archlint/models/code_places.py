"""Where a model's code may keep state outside of the model: modules, classes and functions.

The user's own modules are followed through what they name. Of libraries, the modules that define
the model's classes or functions it holds count, and what these name of their own package.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from types import CellType, FunctionType, ModuleType
from typing import Any, NamedTuple

from torch import nn

from archlint.models.held_names import HeldNames
from archlint.models.model_code import ModelCode
from archlint.runtime.code_owner import Owner, file_of_module, owner_of
from archlint.runtime.real_type import is_a
from archlint.runtime.stand_in_functions import StandIn

_OTHERS = frozenset({"torch", "torchgen", "archlint", "numpy", "builtins", "z3"})
_MOST_MODULES = 400


@dataclass(frozen=True)
class CodePlaces:
    """Modules with global names, classes with attributes, and functions.

    Functions keep state in their defaults, their attributes and the variables they close over.
    """

    modules: tuple[ModuleType, ...]
    classes: tuple[type, ...]
    functions: tuple[FunctionType, ...]


def code_places(code: ModelCode) -> CodePlaces:
    """The places that the code of a model's classes, and functions that it holds, can reach."""
    own = sorted((k for k in code.classes if _counts(k.__module__)), key=lambda k: k.__qualname__)
    held = tuple(sorted(name for name in _homes_of_functions(code.held) if _counts(name)))
    known = _known(tuple(own), held)
    if not known or known[0].names.changed():
        known[:] = [_found(tuple(own), held)]
    return known[0].places


def _homes_of_functions(held: Iterable[Any]) -> set[str]:
    """The modules of the functions that a model holds, such as activations."""
    functions = (value.func if type(value) is partial else value for value in held)
    return {f.__module__ for f in functions if type(f) is FunctionType and f.__module__ is not None}


def is_code_state(value: object) -> bool:
    """Whether a new global name or class attribute is state rather than code.

    A module that is imported late, or a function made once, is not undone: what made it will not
    make it again.
    """
    return not is_a(value, ModuleType, FunctionType, StandIn, type)


class _Found(NamedTuple):
    """Places, and the names by which they were found."""

    places: CodePlaces
    names: HeldNames


@lru_cache(maxsize=8)
def _known(kinds: tuple[type, ...], held: tuple[str, ...]) -> list[_Found]:
    """What was found last for these classes and modules, if anything was."""
    return []


def _found(kinds: tuple[type, ...], held: tuple[str, ...]) -> _Found:
    """``held``: the modules of functions that the model holds."""
    modules: dict[str, ModuleType] = {}
    todo = [*(k.__module__ for k in kinds), *held]
    first = set(todo)
    while todo and len(modules) < _MOST_MODULES:
        name = todo.pop()
        module = sys.modules.get(name)
        if module is None or name in modules or not _counts(name):
            continue
        modules[name] = module
        if name in first or _is_users(module):
            roots = {name.partition(".")[0]}
            todo += [n for n in set(_named(module)) if _follows(n, roots)]
    classes = set(kinds)
    for name, module in modules.items():
        if name in first or _is_users(module):
            found = (v for v in vars(module).values() if is_a(v, type))
            classes.update(c for c in found if c.__module__ in modules)
    functions = {id(f): f for f in _functions(modules.values(), classes)}
    places = CodePlaces(tuple(modules.values()), tuple(classes), tuple(functions.values()))
    return _Found(places, HeldNames(map(vars, (*places.modules, *places.classes))))


@lru_cache(maxsize=1 << 12)
def _counts(module: str) -> bool:
    root = module.partition(".")[0]
    return root == "__main__" or (root not in _OTHERS and root not in sys.stdlib_module_names)


def _is_users(module: ModuleType) -> bool:
    file = file_of_module(module)
    return file is None or owner_of(file) is Owner.USER


def _follows(name: str, roots: set[str]) -> bool:
    module = sys.modules.get(name)
    return module is not None and (name.partition(".")[0] in roots or _is_users(module))


def _named(module: ModuleType) -> Iterator[str]:
    """The modules of what a module's global names are bound to."""
    for value in list(vars(module).values()):
        if is_a(value, ModuleType):
            yield value.__name__
        elif is_a(value, FunctionType, type):
            yield str(value.__module__)


def _functions(modules: Iterable[ModuleType], classes: Iterable[type]) -> Iterator[FunctionType]:
    names = {m.__name__ for m in modules}
    for place in (*modules, *classes):
        for value in list(vars(place).values()):
            for function in _in(value):
                if function.__module__ in names:
                    yield function
                    yield from _closed_over(function)


def _in(value: Any) -> Iterator[FunctionType]:
    """The functions behind a name or attribute, without their decorators."""
    if is_a(value, staticmethod, classmethod):
        value = value.__func__
    if is_a(value, property):
        for part in (value.fget, value.fset):
            if is_a(part, FunctionType):
                yield part
    while value is not None and not is_a(value, type, ModuleType, nn.Module):
        if is_a(value, FunctionType):
            yield value
        value = vars(value).get("__wrapped__") if hasattr(value, "__dict__") else None


def _closed_over(function: FunctionType, depth: int = 3) -> Iterator[FunctionType]:
    for cell in function.__closure__ or () if depth else ():
        inside = in_cell(cell)
        if is_a(inside, FunctionType):
            yield inside
            yield from _closed_over(inside, depth - 1)


def in_cell(cell: CellType) -> Any:
    """What a closed-over variable holds; ``None`` if it is not bound yet."""
    try:
        return cell.cell_contents
    except ValueError:
        return None
