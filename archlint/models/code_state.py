"""The state that code holds by names: global variables, attributes of classes and of functions."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from operator import is_
from types import FunctionType, ModuleType
from typing import Any

from archlint.models.code_places import CodePlaces, in_cell, is_code_state
from archlint.models.containers import base_of
from archlint.runtime.code_owner import Owner, file_of_module, owner_of

_GONE = object()
_CODE = frozenset({ModuleType, type})
_NO_CONTAINERS = _CODE | {FunctionType, str, bool, int, float, tuple, type(None)}


class CodeState:
    """What names of modules, classes and functions are bound to; the values are not copied."""

    def __init__(self, places: CodePlaces) -> None:
        self._modules = [(vars(m), vars(m).copy()) for m in places.modules]
        self._own = {id(names) for names, _ in self._modules}
        self._globals: list[tuple[dict[str, Any], str, Any]] = []
        self._classes = [(c, dict(vars(c))) for c in places.classes]
        self._known = {id(c) for c in places.classes}
        self._functions: list[tuple[FunctionType, Any, Any]] = []
        self._places = places
        for function in places.functions:
            self.add_function(function)

    def values(self) -> tuple[list[Any], list[Any]]:
        """The values that may hold state: of the user's code, and the containers of libraries.

        What libraries hold deeper than in a container of their own is not followed: that is data,
        such as a registry of models with their settings.
        """
        own: list[Any] = []
        others: list[Any] = []
        for names, held in self._modules:
            file = names.get("__file__")
            is_own = not isinstance(file, str) or owner_of(file) is Owner.USER
            (own if is_own else others).extend(_stateful(held, is_own))
        for kind, held in self._classes:
            is_own = _is_users(kind)
            (own if is_own else others).extend(_stateful(held, is_own))
        for function in self._places.functions:
            is_own = owner_of(function.__code__.co_filename) is Owner.USER
            values = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
            if function.__closure__ is not None:
                values += map(in_cell, function.__closure__)
            if is_own:
                own += [*values, vars(function)]
            elif values:
                others += [v for v in values if base_of(type(v)) is not None]
        return own, others

    def add_class(self, kind: type) -> bool:
        """Remember the attributes of one more class; whether it is the user's and new."""
        if id(kind) in self._known or not _is_users(kind):
            return False
        self._known.add(id(kind))
        self._classes.append((kind, dict(vars(kind))))
        return True

    def add_function(self, function: FunctionType) -> None:
        """Remember the defaults of one more function."""
        if function.__defaults__ is None and function.__kwdefaults__ is None:
            return
        self._functions.append((function, function.__defaults__, function.__kwdefaults__))

    def add_global(self, names: dict[str, Any], name: str) -> None:
        """Remember one global name of a module that is not remembered as a whole."""
        if id(names) not in self._own:
            self._globals.append((names, name, names[name]))

    def changed(self) -> bool:
        """Whether a name is bound to something else."""
        return (
            any(next(_changes(names, had), None) for names, had in self._modules)
            or any(next(_changes(vars(kind), had), None) for kind, had in self._classes)
            or any(names.get(name) is not value for names, name, value in self._globals)
            or any(
                f.__defaults__ is not defaults or f.__kwdefaults__ is not by_name
                for f, defaults, by_name in self._functions
            )
        )

    def restore(self) -> None:
        """Bind all names as they were."""
        for names, had in self._modules:
            for name, value in list(_changes(names, had)):
                if value is _GONE:
                    del names[name]
                else:
                    names[name] = value
        for names, name, value in self._globals:
            if names.get(name) is not value:
                names[name] = value
        for kind, had in self._classes:
            for name, value in list(_changes(vars(kind), had)):
                if value is _GONE:
                    type.__delattr__(kind, name)
                else:
                    type.__setattr__(kind, name, value)
        for function, defaults, by_name in self._functions:
            if function.__defaults__ is not defaults:
                function.__defaults__ = defaults
            if function.__kwdefaults__ is not by_name:
                function.__kwdefaults__ = by_name


def _changes(names: Any, had: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """The names that are bound to something else, with what they were bound to."""
    if len(names) == len(had) and _same_objects(names, had):
        return  # as nearly always
    for name, value in names.items():
        before = had.get(name, _GONE)
        if before is not value and (before is not _GONE or _is_new_state(name, value)):
            yield name, before
    if len(names) < len(had) or names.keys() != had.keys():
        yield from ((name, value) for name, value in had.items() if name not in names)


def _same_objects(names: Any, had: dict[str, Any]) -> bool:
    return all(map(is_, names.values(), had.values())) and all(map(is_, names, had))


def _is_new_state(name: str, value: Any) -> bool:
    return is_code_state(value) and not (name.startswith("__") and name.endswith("__"))


def _stateful(held: dict[str, Any], deep: bool) -> Iterator[Any]:
    """The values that can change; with ``deep`` objects and functions too."""
    for name, value in held.items():
        kind = type(value)
        if kind in (_CODE if deep else _NO_CONTAINERS) or name.startswith("__"):
            continue
        if base_of(kind) is not None or (deep and not issubclass(kind, (ModuleType, type))):
            yield value


def _is_users(kind: type) -> bool:
    root = str(kind.__module__).partition(".")[0]
    if root == "__main__":
        return True
    file = file_of_module(sys.modules.get(kind.__module__))
    return file is not None and owner_of(file) is Owner.USER
