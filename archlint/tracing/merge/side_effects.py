"""What a module call could change besides its result: attributes, containers, arguments."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

from archlint.models.containers import MAPPINGS, base_of, contents, differs, put_contents
from archlint.models.module_walk import modules_of
from archlint.models.snapshot import Snapshot
from archlint.runtime.real_type import is_a
from archlint.tracing.tensors.symbolic_tensor import SymbolicTensor

_PLAIN = (int, float, bool, str, bytes, type(None))
_HARMLESS = (*_PLAIN, torch.Tensor, torch.SymInt, torch.SymFloat, torch.SymBool, torch.dtype)
_DEEP = 3  # levels of containers and objects that are followed


class ModuleState:
    """What a call of ``module`` with ``args`` could change, to be compared and restored.

    ``code`` is the state outside of the modules at the start of the run, when nothing was written.
    ``opaque``: the module or an argument holds what cannot be compared (a cache object, hooks).
    """

    def __init__(self, module: nn.Module, args: Iterable[Any], code: Snapshot) -> None:
        self._code = code
        self.opaque = False
        self._contents: list[tuple[Any, Any, Any]] = []  # a container, its base, what was in it
        self._sizes: list[tuple[SymbolicTensor, Any]] = []
        self._arrays: list[tuple[Any, Any]] = []  # of numpy, with copies
        self._seen: set[int] = set()
        for part in modules_of(module):
            if part._forward_hooks or part._forward_pre_hooks:
                self.opaque = True
            self._remember(vars(part))
            for value in vars(part).values():
                self._follow(value, _DEEP)
        for arg in args:
            self._argument(arg)

    def changed(self) -> bool:
        """Whether anything differs from before the call, or in code from before the run."""
        return (
            self._code.changed()
            or any(not _has(c, base, had) for c, base, had in self._contents)
            or any(tensor.spec.dims != dims for tensor, dims in self._sizes)
            or any(array.tobytes() != had.tobytes() for array, had in self._arrays)
        )

    def restore(self) -> None:
        """Restore the contents of all containers, and what the code wrote."""
        if self._code.changed():
            self._code.restore()
        for container, base, had in self._contents:
            put_contents(container, base, had)
        for array, copy in self._arrays:
            if array.flags.writeable:
                array[...] = copy

    def _argument(self, value: Any) -> None:
        if type(value) is SymbolicTensor:
            self._sizes.append((value, value.spec.dims))
        elif is_a(value, list, tuple, dict):
            if is_a(value, list, dict):
                self._remember(value)
            for part in _items(value):
                self._argument(part)
        elif not is_a(value, *_HARMLESS):
            self.opaque = True

    def _follow(self, value: Any, depth: int) -> None:
        if depth == 0 or is_a(value, *_HARMLESS, nn.Module, type):
            return
        kind = type(value)
        if kind.__module__ == "numpy" and kind.__name__ == "ndarray":
            if value.dtype.hasobject:
                self.opaque = True
            else:
                self._arrays.append((value, value.copy()))
            return
        if base_of(type(value)) is not None:
            if self._remember(value):
                for part in _items(value):
                    self._follow(part, depth - 1)
        elif is_a(value, tuple):
            for part in value:
                self._follow(part, depth - 1)
        elif isinstance(getattr(value, "__dict__", None), dict) and self._remember(vars(value)):
            for part in vars(value).values():
                self._follow(part, depth - 1)

    def _remember(self, container: Any) -> bool:
        """Remember what is in the container; whether it was not remembered yet."""
        if id(container) in self._seen:
            return False
        self._seen.add(id(container))
        base = base_of(type(container))
        self._contents.append((container, base, contents(container, base)))
        return True


def _items(container: Any) -> list[Any]:
    base = base_of(type(container))
    if base is None:
        return list(tuple.__iter__(container))
    had = contents(container, base)
    return list(had.values()) if isinstance(had, dict) else had


def _has(container: Any, base: Any, had: Any) -> bool:
    """Whether what is in the container is alike what was in it."""
    if type(container) in MAPPINGS and not differs(container, base, had):
        return True
    return _alike(contents(container, base), had)


def _alike(one: Any, other: Any) -> bool:
    if len(one) != len(other):
        return False
    if isinstance(one, dict):
        return all(k in other and _same(v, other[k]) for k, v in one.items())
    return all(map(_same, one, other))


def _same(one: Any, other: Any) -> bool:
    return one is other or (type(one) is type(other) and isinstance(one, _PLAIN) and one == other)
