"""Where the functions that give random numbers or the time are bound to names."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from itertools import takewhile
from typing import Any

from archlint.runtime.code_owner import Owner, file_of_module, owner_of

LIBRARIES = ("torch", "numpy", "archlint", "builtins")
"""Packages whose own names stay bound to the functions."""

Place = tuple[dict[str, Any], str, Any]
"""Names of a module or a function's defaults, one of them, and what it is bound to."""
Made = dict[int, tuple[Any, Any]]
"""By ``id``: a function, which this keeps alive, and its replacement."""


def places(made: Made, kinds: Iterable[type]) -> list[Place]:
    """The names bound to the functions in the modules of the model's code and of the user's."""
    homes = {kind.__module__ for kind in kinds}
    modules = [sys.modules[name] for name in homes if name in sys.modules]
    last = next(reversed(sys.modules))
    modules += _users_modules(len(sys.modules), last, id(sys.modules[last]))
    spaces: dict[int, Any] = {id(m): vars(m) for m in modules if _is_open(m.__name__)}
    found = [place for names in spaces.values() for place in bound(made, names)]
    classes = (vars(kind) for kind in kinds if _is_open(kind.__module__))
    for held in (*spaces.values(), *classes):
        for defaults in _defaults(held):
            found += bound(made, defaults)
    return found


def bound(made: Made, names: dict[str, Any]) -> list[Place]:
    """The names that are bound to the functions."""
    return [(names, name, value) for name, value in list(names.items()) if id(value) in made]


def _defaults(names: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The defaults of functions that bind a generator at their definition, as beartype's do."""
    found = []
    for value in names.values():
        while type(value) is types.FunctionType:
            if value.__kwdefaults__:
                found.append(value.__kwdefaults__)
            value = value.__dict__.get("__wrapped__")
    return found


@lru_cache(maxsize=4096)
def _is_open(module: str) -> bool:
    return module.partition(".")[0] not in LIBRARIES or module == "numpy.random"


@lru_cache(maxsize=4)
def _users_modules(loaded: int, newest: str, its_id: int) -> tuple[types.ModuleType, ...]:
    """The modules of the user's own code among the ``loaded`` modules of the process."""
    last, first = _first_modules()
    later = takewhile(lambda name: name != last, reversed(list(sys.modules)))
    return (*first, *_users(later))


@cache
def _first_modules() -> tuple[str, tuple[types.ModuleType, ...]]:
    """The name of the last module that is loaded at the first call, and the user's own until then.

    A process that is forked after that looks only at what it loads itself.
    """
    names = list(sys.modules)
    return names[-1], _users(names)


def _users(names: Iterable[str]) -> tuple[types.ModuleType, ...]:
    """The modules of the user's own code among those with these names."""
    modules = ((m, file_of_module(m)) for m in map(sys.modules.get, names))
    own = ((m, f) for m, f in modules if type(m) is types.ModuleType and f is not None)
    return tuple(m for m, f in own if owner_of(f) is Owner.USER)
