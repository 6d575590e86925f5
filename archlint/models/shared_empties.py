"""Empty containers that the modules of a copy share until a run writes to one.

Most of a layer are dictionaries of hooks without hooks. To make and to free those of each module
takes a third of the time that a copy takes, and hardly any run registers a hook.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from operator import itemgetter
from typing import Any

from torch import nn


class Written(BaseException):
    """A run writes to a container that modules share: it is to start again, with their own.

    Not an ``Exception``: a model that catches those must not swallow it.
    """


_READS = frozenset((
    "__class__", "__contains__", "__delattr__", "__dir__", "__doc__", "__eq__", "__format__",
    "__ge__", "__getattribute__", "__getitem__", "__getstate__", "__gt__", "__hash__", "__init__",
    "__init_subclass__", "__iter__", "__le__", "__len__", "__lt__", "__ne__", "__new__", "__repr__",
    "__reversed__", "__setattr__", "__sizeof__", "__str__", "__subclasshook__",
    "clear", "discard", "get", "isdisjoint", "issubset", "issuperset", "items", "keys", "values",
))  # fmt: skip
"""What neither fills an empty container nor makes another one."""


def _shared(base: Any) -> Any:
    """A class of containers that raise :class:`Written`, and note it, before they are filled."""

    def write(self: Any, *_args: Any, **_named: Any) -> Any:
        self.writes.append(True)
        raise Written

    methods = {n: write for n in dir(base) if n not in _READS and callable(getattr(base, n))}
    return type(f"Shared{base.__name__}", (base,), {"__slots__": ("writes",), **methods})


_CLASSES = {base: _shared(base) for base in (OrderedDict, set)}
KINDS = frozenset(_CLASSES.values())
"""The types of what modules share."""

_BASES = {
    name: type(value)
    for name, value in vars(nn.Module()).items()
    if type(value) in _CLASSES and name not in ("_parameters", "_buffers", "_modules")
}
_held = itemgetter(*_BASES)
_KINDS = tuple(_BASES.values())


class SharedEmpties:
    """What stands for the empty containers that ``nn.Module`` itself makes for each module."""

    def __init__(self) -> None:
        self._writes: list[bool] = []
        self._modules: list[tuple[nn.Module, nn.Module]] = []
        self._containers: dict[Any, Any] = {}
        for base, kind in _CLASSES.items():
            self._containers[base] = container = kind()
            container.writes = self._writes
        self._by_name = {name: self._containers[base] for name, base in _BASES.items()}

    def put_in(self, copy: nn.Module, original: nn.Module, attributes: dict[str, Any]) -> None:
        """Let a copy share, if ``attributes``, those of its original, are empty where it would."""
        try:
            held = _held(attributes)
        except KeyError:
            return
        if not any(held) and tuple(map(type, held)) == _KINDS:
            attributes.update(self._by_name)
            self._modules.append((copy, original))

    def stand_for(self, values: Iterable[Any]) -> bool:
        """Whether one of the values is what a module has, too, whose copy shares."""
        ids = set(map(id, values))
        return bool(ids) and any(id(v) in ids for _, m in self._modules for v in _held(vars(m)))

    def written(self) -> bool:
        """Whether a run has written to one, by its methods or those of its base class."""
        return bool(self._writes) or any(self._containers.values())

    def separate(self) -> list[Any]:
        """Give each module containers of its own in the place of those that it shares.

        Returns the containers. Originals that have the same have the same in their copies.
        """
        own: dict[int, Any] = {}
        for module, original in self._modules:
            attributes = module.__dict__
            for name, base in _BASES.items():
                if type(attributes.get(name)) is _CLASSES[base]:
                    attributes[name] = own.setdefault(id(original.__dict__[name]), base())
        return list(own.values())
