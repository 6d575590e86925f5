"""How far an iterator is that a model or its code holds: it can be read, but not put back."""

from __future__ import annotations

import gc
import warnings
from types import GeneratorType
from typing import Any

_MODULES = frozenset({"builtins", "itertools", "collections", "_collections"})
_VALUES = frozenset({int, float, bool, complex, str, bytes, range})
_DEPTH = 8
_FEW = 64  # items of a container that are compared; of a longer one, how many it has


def is_iterator(kind: Any) -> bool:
    """Whether it is a type of iterators that comes with Python: what ``iter`` gives, ``count``."""
    return kind.__module__ in _MODULES and hasattr(kind, "__next__")


def iterator_state(value: Any) -> list[Any]:
    """What tells how far an iterator is; it keeps alive what it compares by identity."""
    parts: list[Any] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python 3.12 deprecates reading those of itertools
        _read(value, parts, _DEPTH)
    return parts


def same_iterator_state(one: list[Any], other: list[Any]) -> bool:
    """Whether the iterator was not advanced between two readings."""
    return len(one) == len(other) and all(map(_same, one, other))


def _same(one: Any, other: Any) -> bool:
    if one is other:
        return True
    return type(one) is type(other) and type(one) in _VALUES and bool(one == other)


def _read(value: Any, parts: list[Any], depth: int) -> None:
    kind: Any = type(value)
    inside: Any
    if kind in (list, tuple, dict):
        parts.append(len(value))
        inside = value.values() if kind is dict else value
        if len(value) > _FEW:
            return
    elif is_iterator(kind):
        parts.append(kind)  # not the object: some are made for each reading
        inside = _inside(value)
    else:
        parts.append(value)
        return
    if depth:
        for part in inside:
            _read(part, parts, depth - 1)


def _inside(value: Any) -> list[Any]:
    """The parts of an iterator: its position, the iterators below it, a generator's variables."""
    if isinstance(value, GeneratorType):
        frame = value.gi_frame
        if frame is None:
            return []
        held = gc.get_referents(value, frame)  # the frame has the variables before Python 3.11
        around = (id(frame.f_globals), id(frame.f_builtins))
        return [frame.f_lasti, *(part for part in held if id(part) not in around)]
    try:
        return list(value.__reduce__())
    except TypeError:  # ``pairwise`` in every version, all of itertools in Python 3.14
        return [repr(value), *gc.get_referents(value)]
