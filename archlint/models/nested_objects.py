"""Arguments of models that are objects: ``{of: model.GPTConfig, n_layer: 2}`` in a rule file."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

KEY = "of"
"""The key of a mapping that stands for what a class or function makes of the other keys."""


def is_object(value: object) -> bool:
    """Whether a value of ``args`` or ``kwargs`` stands for an object: its ``of`` is a target."""
    return isinstance(value, dict) and isinstance(value.get(KEY), str) and ":" in value[KEY]


def targets_in(value: object) -> Iterator[str]:
    """The targets of all ``of`` in a value, however deep."""
    if isinstance(value, dict):
        if is_object(value):
            yield value[KEY]
        for part in value.values():
            yield from targets_in(part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from targets_in(part)


def with_objects(value: Any, makers: dict[str, Callable[..., Any]]) -> Any:
    """A copy of a value in which each ``{of: TARGET, ...}`` is what ``makers[TARGET]`` returns."""
    if isinstance(value, dict):
        parts = {key: with_objects(part, makers) for key, part in value.items()}
        if not is_object(value):
            return parts
        return makers[parts.pop(KEY)](**parts)
    if isinstance(value, (list, tuple)):
        return type(value)(with_objects(part, makers) for part in value)
    return copy.deepcopy(value)
