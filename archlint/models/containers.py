"""The contents of containers, read and restored by the methods of their built-in base class.

A subclass may forbid ``update``, count its reads, or answer with something else: its own methods
are never called.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque
from functools import lru_cache
from operator import is_
from typing import Any

MAPPINGS = frozenset({dict, OrderedDict, defaultdict})
"""Types of mappings whose own methods are those of ``dict``."""

_BASES: tuple[type, ...] = (OrderedDict, dict, list, set, deque, bytearray)


def base_of(kind: Any) -> Any:
    """The built-in container that a type is or derives from; ``None`` for any other type."""
    return _base_of(kind)


@lru_cache(maxsize=4096)
def _base_of(kind: Any) -> Any:
    return next((base for base in _BASES if issubclass(kind, base)), None)


def contents(container: Any, base: Any) -> Any:
    """A copy of what is in the container, in its order, as a plain ``dict`` or ``list``."""
    if base is dict:
        return dict(dict.items(container))
    if base is OrderedDict:
        return {key: dict.__getitem__(container, key) for key in OrderedDict.__iter__(container)}
    return list(base.__iter__(container))


def put_contents(container: Any, base: Any, had: Any) -> None:
    """Replace what is in the container."""
    base.clear(container)
    if issubclass(base, dict):
        for key, value in had.items():
            base.__setitem__(container, key, value)
    elif base is set:
        set.update(container, had)
    else:
        base.extend(container, had)


def same_contents(now: Any, had: Any, base: Any) -> bool:
    """Whether two copies of a container's contents hold the very same objects in the same order."""
    if len(now) != len(had):
        return False
    if issubclass(base, dict):
        return all(map(is_, now.values(), had.values())) and list(now) == list(had)
    return all(map(is_, now, had)) if base is not bytearray else bool(now == had)


def held_in(container: Any, base: Any) -> Any:
    """What :func:`differs` compares the container with later."""
    return container.copy() if type(container) in MAPPINGS else contents(container, base)


def differs(container: Any, base: Any, had: Any) -> bool:
    """Whether the container holds other objects than it ``had``, as of :func:`held_in`."""
    if type(container) in MAPPINGS:
        return not _same_items(container, had)
    return not same_contents(contents(container, base), had, base)


def _same_items(mapping: dict[Any, Any], had: dict[Any, Any]) -> bool:
    return (
        len(mapping) == len(had)
        and all(map(is_, mapping.values(), had.values()))
        and (list(mapping) == list(had) or mapping.keys() == had.keys())
    )
