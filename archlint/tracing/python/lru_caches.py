"""Cached functions, called without their cache.

``functools.lru_cache`` hashes its arguments, which would pin every size among them to a number. A
function that may be answered from such a cache returns the same without it.
"""

from __future__ import annotations

import functools
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn

from archlint.runtime.process_lock import PROCESS_LOCK

_OURS = ("torch", "archlint", "builtins")  # roots of modules that are left as they are
_MEMORY = type(functools.cache(lambda: None))
_Put = Callable[[Any], None]


@contextmanager
def uncached(model: nn.Module) -> Iterator[None]:
    """Call the cached functions that the model's own code can name without their cache.

    These are the ones in the classes of its modules and in the files that define them, decorated
    or not. Others, in instances or lists, keep their cache.
    """
    put_back: list[tuple[_Put, Any]] = []
    seen: set[int] = set()
    with PROCESS_LOCK:
        try:
            for owner in _owners(model):
                for name, value in list(vars(owner).items()):
                    _forget(value, functools.partial(setattr, owner, name), put_back, seen)
            yield
        finally:
            for put, value in reversed(put_back):
                put(value)


def _owners(model: nn.Module) -> list[Any]:
    """The files that define the model's classes, and all classes of these files."""
    kinds = {kind for module in model.modules() for kind in type(module).__mro__}
    names = sorted({k.__module__ for k in kinds if k.__module__.split(".")[0] not in _OURS})
    files = [sys.modules[n] for n in names if n in sys.modules]
    classes = (v for f in files for v in vars(f).values() if isinstance(v, type))
    own = {c for c in (*classes, *kinds) if c.__module__ in names}
    return [*files, *sorted(own, key=lambda c: (c.__module__, c.__qualname__))]


def _forget(value: Any, put: _Put, put_back: list[tuple[_Put, Any]], seen: set[int]) -> None:
    """Replace ``value`` if it is cached; else look into what its function closes over."""
    if type(value) is _MEMORY:
        _replace(value, _plain(value), put, put_back)
        return
    kind = type(value)
    if kind in (staticmethod, classmethod):
        if type(value.__func__) is _MEMORY:
            _replace(value, kind(_plain(value.__func__)), put, put_back)
            return
        value = value.__func__
    if not isinstance(value, types.FunctionType) or id(value) in seen:
        return
    seen.add(id(value))
    for cell in value.__closure__ or ():
        try:
            inside = cell.cell_contents
        except ValueError:  # not bound yet
            continue
        if type(inside) is _MEMORY or isinstance(inside, types.FunctionType):
            _forget(inside, functools.partial(setattr, cell, "cell_contents"), put_back, seen)


def _replace(old: Any, new: Any, put: _Put, put_back: list[tuple[_Put, Any]]) -> None:
    try:
        put(new)
    except (AttributeError, TypeError):  # a class that lets nothing be set
        return
    put_back.append((put, old))


def _plain(remembering: Any) -> Any:
    """The function without its cache, with the cache's methods."""
    function = remembering.__wrapped__

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    for name in ("cache_clear", "cache_info", "cache_parameters"):
        setattr(call, name, getattr(remembering, name))
    return call
