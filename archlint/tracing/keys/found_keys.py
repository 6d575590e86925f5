"""Which of some keys another one is equal to on this path: a branch for each that may be."""

from __future__ import annotations

import collections
import functools
import operator
import types
from collections.abc import Iterable, Mapping, Set, ValuesView
from typing import Any

from torch import nn

from archlint.symbolic.formula import Formula
from archlint.tracing.path import TracedPath
from archlint.tracing.symint.key_texts import is_marked, is_of_size, keys_equal, looked_up
from archlint.tracing.tensors.symbolic_tensor import SymbolicTensor

OPEN = "whether keys that are sizes equal keys that are numbers is not known"
_SEQUENCES = (list, tuple, collections.deque)
_BOUND = (types.BuiltinMethodType, types.MethodWrapperType)
_MOST_PAIRS = 4096
_DEPTH = 6


def has_keys(value: Any) -> bool:
    """Whether values are looked up in it by their hash, or by names."""
    if type(value) is SymbolicTensor:
        return False
    return isinstance(value, (dict, Set, Mapping, nn.ModuleDict, nn.ParameterDict))


def keys_in(container: Any) -> list[Any]:
    """The keys of a container that has some, or the elements of a sequence."""
    if isinstance(container, (nn.ModuleDict, nn.ParameterDict)):
        return list(container.keys())
    return list(container)


def holds(value: Any, depth: int = _DEPTH) -> bool:
    """Whether a value is a text of a size, or has keys that are made from sizes, or such parts.

    Sizes themselves, in a list or tuple, answer what they are asked.
    """
    if isinstance(value, str):
        return is_marked(value)
    if value is None or type(value) in (int, float, bool, SymbolicTensor):
        return False
    if has_keys(value):
        inside = value.values() if isinstance(value, dict) and depth else ()
        return any(map(is_of_size, keys_in(value))) or any(holds(v, depth - 1) for v in inside)
    if isinstance(value, (*_SEQUENCES, ValuesView)):
        return depth > 0 and any(holds(part, depth - 1) for part in value)
    if isinstance(value, _BOUND):
        return depth > 0 and holds(value.__self__, depth - 1)
    if isinstance(value, functools.partial):
        parts = (value.func, *value.args, *value.keywords.values())
        return depth > 0 and any(holds(part, depth - 1) for part in parts)
    return False


def note_mixed_keys(path: TracedPath) -> None:
    """Note a size and a number that are keys, may be equal, and were not compared."""
    for container in path.keys.containers:
        keys = keys_in(container)
        sizes = [key for key in keys if is_of_size(key)]
        if len(sizes) * len(keys) > _MOST_PAIRS or any(
            _may_equal(path, size, key) for size in sizes for key in keys if key is not size
        ):
            path.unproved(OPEN)


def forget_stored(path: TracedPath) -> None:
    """Remove what code stored by keys that are made from sizes: other runs have other sizes."""
    for container in path.keys.stored.values():
        for key in filter(is_of_size, keys_in(container)):
            looked_up(dict.pop, (container, key, None), {})


def note_output(path: TracedPath, output: Any) -> Any:
    """The output; if keys of it are made from sizes, which no contract can say, that is noted."""
    if path.keys and holds(output):
        path.unproved("the output has keys that are made from sizes, which a contract cannot state")
    return output


def _may_equal(path: TracedPath, key: Any, other: Any) -> bool:
    equal = keys_equal(path, key, other)
    return equal is None or path.known(equal) is not False


class FoundKeys:
    """Keys that are equal to others on one path."""

    def __init__(self, path: TracedPath) -> None:
        self.path = path

    def open(self) -> None:
        """Note that something became of the keys that is not followed."""
        self.path.unproved(OPEN)

    def stored(self, container: Any, key: Any) -> None:
        """Note that something was stored in the container by this key."""
        if is_of_size(key) and isinstance(container, dict):
            self.path.keys.stored[id(container)] = container

    def found(self, keys: Iterable[Any], key: Any) -> Any:
        """The one of the keys that ``key`` is equal to; ``key`` itself if it is none of them."""
        of_size = is_of_size(key)
        for other in keys:
            if other is key:
                return key
            if (of_size or is_of_size(other)) and self.decided(keys_equal(self.path, key, other)):
                return other
        return key

    def decided(self, equal: Any) -> bool:
        """Whether keys are equal on this path."""
        if equal is None:
            self.open()
            return False
        return self.path.branch(equal) if isinstance(equal, Formula) else bool(equal)

    def equal(self, one: Any, other: Any) -> bool:
        """Whether two values that may be or hold texts of sizes are equal."""
        if one is other:
            return True
        if isinstance(one, str) and isinstance(other, str):
            return self.decided(keys_equal(self.path, one, other))
        for kind in (list, tuple):
            if isinstance(one, kind) and isinstance(other, kind):
                return len(one) == len(other) and all(map(self.equal, one, other))
        if has_keys(one) and has_keys(other):
            self.open()
        return bool(one == other)

    def merged(self, container: Any, in_order: bool) -> Any:
        """A dict or set whose equal keys are one: the first of them, with the last value.

        With ``in_order``, Python made no two keys one whose values came before and after another's.
        """
        kept: dict[Any, Any] = {}
        pairs = container.items() if isinstance(container, dict) else ((k, k) for k in container)
        for key, value in list(pairs):
            first = self.found(kept, key)
            if isinstance(container, dict) and not in_order and first is not key:
                self.open()
            looked_up(operator.setitem, (kept, first, value), {})
        return kept if isinstance(container, dict) else type(container)(kept)
