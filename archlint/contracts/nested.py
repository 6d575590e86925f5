"""Inputs, outputs and their shapes are nested lists and mappings: their parts, copies, and text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from archlint.contracts.contract import Input, TensorInput
from archlint.contracts.output_match import keep_names


def leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """The parts that are no list or dict, in order, each with its keys: ``ids``, ``boxes.0``."""
    if isinstance(value, (list, dict)):
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(part, f"{name}.{key}" if name else str(key))
    else:
        yield name, value


def input_tensors(input: Input) -> list[TensorInput]:
    """The tensors of an input, in order."""
    return [tensor for _, tensor in leaves(input)]


def map_leaves(value: Any, change: Callable[[Any], Any]) -> Any:
    """A copy with each part changed that is no list or dict. Named tuples keep their names."""
    if isinstance(value, list):
        return keep_names((map_leaves(part, change) for part in value), value)
    if isinstance(value, dict):
        return {key: map_leaves(part, change) for key, part in value.items()}
    return change(value)


def flow_text(value: Any, text: Callable[[Any], str]) -> str:
    """The value in YAML on one line, ``[a, b]`` or ``{k: a}``; ``text`` writes the other parts."""
    if isinstance(value, list):
        return "[" + ", ".join(flow_text(part, text) for part in value) + "]"
    if isinstance(value, dict):
        parts = (f"{key}: {flow_text(part, text)}" for key, part in value.items())
        return "{" + ", ".join(parts) + "}"
    return text(value)
