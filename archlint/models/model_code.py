"""What a model's code is found by: the classes of its modules, and what these hold to call."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from archlint.models.deepcopy import CopyParts
from archlint.models.module_walk import modules_of
from archlint.runtime.real_type import is_a

CONTAINERS = frozenset({dict, list, tuple, set, frozenset})
_NEVER_CALLED = CONTAINERS | {bool, int, float, str, type(None), OrderedDict}


@dataclass(frozen=True)
class ModelCode:
    """The classes of a model's modules with all that these derive from, and what they hold.

    ``held``: the functions, classes and objects that can be called, without modules, which modules
    have as attributes. Of a copy what is in containers counts, too, modules included.
    """

    classes: frozenset[type]
    held: tuple[Any, ...]

    @classmethod
    def of(cls, model: nn.Module, parts: CopyParts | None = None) -> ModelCode:
        """That of a model as it is now; ``parts``: what it is made of, if it is a copy."""
        values: Iterable[Any]
        if parts is not None and parts.complete():
            modules, values = parts.modules, parts.held
        else:
            modules = modules_of(model)
            values = (value for module in modules for value in vars(module).values())
        kinds = set(map(type, modules))
        return cls(
            frozenset(base for kind in kinds for base in kind.__mro__),
            tuple(_callables(values)),
        )


def _callables(values: Iterable[Any]) -> Iterator[Any]:
    """Those of the values that can be called, and such attributes of those that cannot."""
    for value in values:
        if type(value) in _NEVER_CALLED or is_a(value, nn.Module):
            continue
        if callable(value):
            yield value
        elif not is_a(value, Tensor):
            yield from filter(callable, attributes_of(value).values())


def attributes_of(value: Any) -> dict[str, Any]:
    """What an object has in its ``__dict__``, without asking code of its own."""
    try:
        found = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return {}
    return found if type(found) is dict else {}
