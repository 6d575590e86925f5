"""What a model returns, as nested lists and mappings of one kind of leaf."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import torch

from archlint.contracts.output_match import NamedFields


def structure(output: Any, leaf: Callable[[Any], Any], is_leaf: Callable[[Any], bool]) -> Any:
    """``output`` with each tensor replaced by ``leaf(tensor)``.

    Lists and tuples become lists, named tuples :class:`NamedFields`; mappings, dataclasses and
    objects with tensor attributes become dicts by name; ``None`` stays; anything else is its
    type's name.
    """

    def walk(value: Any, depth: int) -> Any:
        if is_leaf(value):
            return leaf(value)
        if type(value).__module__ == "numpy" and hasattr(value, "item") and value.shape == ():
            return type(value.item()).__name__  # sizes in numpy are Python's numbers in a trace
        if value is None or isinstance(value, (bool, int, float, str)):
            return None if value is None else type(value).__name__
        if isinstance(value, (torch.SymInt, torch.SymFloat, torch.SymBool)):
            return value.node.pytype.__name__  # int, float or bool, as for the real model
        if depth > 16:
            return "..."
        if isinstance(value, Mapping):
            return {str(k): walk(v, depth + 1) for k, v in value.items()}
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            return NamedFields([walk(v, depth + 1) for v in value], tuple(value._fields))
        if isinstance(value, (list, tuple)):
            return [walk(v, depth + 1) for v in value]
        if dataclasses.is_dataclass(value):
            names = [f.name for f in dataclasses.fields(value)]
            return {n: walk(getattr(value, n, None), depth + 1) for n in names}
        fields = getattr(value, "__dict__", {})
        if any(is_leaf(v) for v in fields.values()):
            return {n: walk(v, depth + 1) for n, v in fields.items() if is_leaf(v)}
        return type(value).__name__

    return walk(output, 0)
