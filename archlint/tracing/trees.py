"""Nested tuples, lists, mappings and slices: their leaves, and copies with other leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch

LEAVES = frozenset({int, float, bool, str, type(None), torch.dtype, torch.device})
"""Types of plain values, of which nothing is asked."""


def leaves(value: Any, is_leaf: Callable[[Any], bool] | None = None) -> Iterator[Any]:
    """Everything in ``value`` that is no container, in order; ``value`` itself if it is none.

    A container for which ``is_leaf`` is true is a leaf.
    """
    if is_leaf is not None and is_leaf(value):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from leaves(part, is_leaf)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from leaves(part, is_leaf)
    elif isinstance(value, slice):
        for part in (value.start, value.stop, value.step):
            yield from leaves(part, is_leaf)
    else:
        yield value


def find(value: Any, wanted: Callable[[Any], bool]) -> list[Any]:
    """The outermost parts of ``value`` for which ``wanted`` is true, in order."""
    return [leaf for leaf in leaves(value, wanted) if wanted(leaf)]


def map_leaves(value: Any, change: Callable[[Any], Any]) -> Any:
    """A copy of ``value`` with each leaf changed; containers keep their kind.

    Mappings become dicts, and a ``torch.Size`` whose sizes change becomes a tuple.
    """
    kind = type(value)
    if kind is tuple:
        return tuple([map_leaves(part, change) for part in value])
    if kind in LEAVES or issubclass(kind, torch.Tensor):
        return change(value)  # before what is slow to ask of a stand-in
    if isinstance(value, Mapping):
        return {key: map_leaves(part, change) for key, part in value.items()}
    if isinstance(value, torch.Size):
        changed = tuple(map(change, value))
        same = all(new is old for new, old in zip(changed, value, strict=True))
        return value if same else changed
    if isinstance(value, (list, tuple)):
        items = [map_leaves(part, change) for part in value]
        if hasattr(value, "_fields"):
            return type(value)(*items)
        return type(value)(items)
    if isinstance(value, slice):
        return slice(*(map_leaves(p, change) for p in (value.start, value.stop, value.step)))
    return change(value)
