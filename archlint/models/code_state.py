"""The state that code holds by names: global variables, attributes of classes and of functions."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from functools import lru_cache
from operator import is_
from types import FunctionType, ModuleType
from typing import Any

from archlint.models.code_places import CodePlaces, in_cell, is_code_state
from archlint.models.containers import base_of
from archlint.runtime.code_owner import Owner, file_of_module, owner_of

_GONE = object()


class CodeState:
    """What names of modules, classes and functions are bound to; the values are not copied."""

    def __init__(self, places: CodePlaces) -> None:
        self._libraries = _libraries_now(places)
        self._users = _parts(places, of_user=True)
        modules = [(vars(m), vars(m).copy()) for m in self._users.modules]
        self._modules = [*self._libraries.modules, *modules]
        self._own = {id(names) for names, _ in self._modules}
        self._globals: list[tuple[dict[str, Any], str, Any]] = []
        classes = [(c, dict(vars(c))) for c in self._users.classes]
        self._classes = [*self._libraries.classes, *classes]
        self._known = {id(c) for c in places.classes}
        self._functions = self._libraries.functions.copy()
        for function in self._users.functions:
            self.add_function(function)

    def values(self) -> tuple[list[Any], list[Any]]:
        """The values that may hold state: of the user's code, and the containers of libraries.

        What libraries hold deeper than in a container of their own is not followed: that is data,
        such as a registry of models with their settings.
        """
        own = [v for home in (*self._users.modules, *self._users.classes) for v in _stateful(home)]
        for function in self._users.functions:
            own += [in_cell(c) for c in function.__closure__ or ()]
            own += [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
            own.append(vars(function))
        return own, self._libraries.containers()

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
        """Whether a name is bound to something else, other than a function of archlint's own."""
        return (
            any(_is_written(names, had) for names, had in self._modules)
            or any(_is_written(vars(kind), had) for kind, had in self._classes)
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


class _Libraries:
    """What names of libraries are bound to, and the containers that they hold."""

    def __init__(self, places: CodePlaces) -> None:
        self.modules = [(vars(m), vars(m).copy()) for m in places.modules]
        self.classes = [(c, dict(vars(c))) for c in places.classes]
        self.functions = [
            (f, f.__defaults__, f.__kwdefaults__)
            for f in places.functions
            if f.__defaults__ is not None or f.__kwdefaults__ is not None
        ]
        self._cells = [(c, in_cell(c)) for f in places.functions for c in f.__closure__ or ()]
        held = [v for home in (*places.modules, *places.classes) for v in _stateful(home)]
        held += [value for _, value in self._cells]
        held += [value for _, defaults, _ in self.functions for value in defaults or ()]
        self._containers = _containers_in(held)

    def containers(self) -> list[Any]:
        """The containers that libraries hold by names, in closures and as defaults."""
        by_name = (value for _, _, named in self.functions for value in (named or {}).values())
        return [*self._containers, *_containers_in(by_name)]

    def changed(self) -> bool:
        """Whether something is bound to another object."""
        return not (
            all(_same_names(names, had) for names, had in self.modules)
            and all(_same_names(vars(kind), had) for kind, had in self.classes)
            and all(in_cell(cell) is held for cell, held in self._cells)
            and all(f.__defaults__ is d and f.__kwdefaults__ is k for f, d, k in self.functions)
        )


def _libraries_now(places: CodePlaces) -> _Libraries:
    """The libraries among the places, remembered until one of their names is bound otherwise."""
    if _libraries(places).changed():
        _libraries.cache_clear()
    return _libraries(places)


@lru_cache(maxsize=8)
def _libraries(places: CodePlaces) -> _Libraries:
    return _Libraries(_parts(places, of_user=False))


@lru_cache(maxsize=16)
def _parts(places: CodePlaces, of_user: bool) -> CodePlaces:
    """The places that are the user's own, or those of libraries."""
    return CodePlaces(
        tuple(m for m in places.modules if _is_own(m) is of_user),
        tuple(c for c in places.classes if _is_users(c) is of_user),
        tuple(
            f
            for f in places.functions
            if (owner_of(f.__code__.co_filename) is Owner.USER) is of_user
        ),
    )


def _changes(names: Any, had: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """The names that are bound to something else, with what they were bound to."""
    if _same_names(names, had):
        return  # as nearly always
    for name, value in names.items():
        before = had.get(name, _GONE)
        if before is not value and (before is not _GONE or _is_new_state(name, value)):
            yield name, before
    if len(names) < len(had) or names.keys() != had.keys():
        yield from ((name, value) for name, value in had.items() if name not in names)


def _same_names(names: Any, had: dict[str, Any]) -> bool:
    return (
        len(names) == len(had)
        and all(map(is_, names.values(), had.values()))
        and all(map(is_, names, had))
    )


def _is_written(names: Any, had: dict[str, Any]) -> bool:
    """Whether code bound a name; during a run archlint's own functions stand in for some."""
    if _same_names(names, had):
        return False  # as nearly always
    return any(not _is_stand_in(names.get(name)) for name, _ in _changes(names, had))


def _is_stand_in(value: Any) -> bool:
    function = value.__func__ if type(value) in (staticmethod, classmethod) else value
    if type(function) is not FunctionType:
        return False
    return owner_of(function.__code__.co_filename) is Owner.ARCHLINT


def _is_new_state(name: str, value: Any) -> bool:
    return is_code_state(value) and not (name.startswith("__") and name.endswith("__"))


def _stateful(home: Any) -> Iterator[Any]:
    """What names of a module or a class are bound to that is neither a module nor a class."""
    for name, value in vars(home).items():
        if not name.startswith("__") and not issubclass(type(value), (ModuleType, type)):
            yield value


def _containers_in(values: Iterable[Any]) -> list[Any]:
    return [value for value in values if base_of(type(value)) is not None]


def _is_own(module: ModuleType) -> bool:
    file = vars(module).get("__file__")
    return not isinstance(file, str) or owner_of(file) is Owner.USER


def _is_users(kind: type) -> bool:
    root = str(kind.__module__).partition(".")[0]
    if root == "__main__":
        return True
    file = file_of_module(sys.modules.get(kind.__module__))
    return file is not None and owner_of(file) is Owner.USER
