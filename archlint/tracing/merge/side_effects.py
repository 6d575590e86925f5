"""What a module call could change besides its result: attributes, containers, arguments."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

from archlint.tracing.tensors.symbolic_tensor import SymbolicTensor

_PLAIN = (int, float, bool, str, bytes, type(None))
_HARMLESS = (*_PLAIN, torch.Tensor, torch.SymInt, torch.SymFloat, torch.SymBool, torch.dtype)
_DEEP = 3  # levels of containers and objects that are followed


class ModuleState:
    """What a call of ``module`` with ``args`` could change, to be compared and restored.

    ``opaque``: the module or an argument holds what cannot be compared (a cache object, hooks).
    """

    def __init__(self, module: nn.Module, args: Iterable[Any]) -> None:
        self.opaque = False
        self._contents: list[tuple[Any, Any]] = []  # a container, and what was in it
        self._sizes: list[tuple[SymbolicTensor, Any]] = []
        self._seen: set[int] = set()
        for part in module.modules():
            if part._forward_hooks or part._forward_pre_hooks:
                self.opaque = True
            self._remember(vars(part))
            for value in vars(part).values():
                self._follow(value, _DEEP)
        for arg in args:
            self._argument(arg)

    def changed(self) -> bool:
        """Whether anything differs from before the call."""
        return any(not _alike(_contents(c), had) for c, had in self._contents) or any(
            tensor.spec.dims != dims for tensor, dims in self._sizes
        )

    def restore(self) -> None:
        """Restore the contents of all containers."""
        for container, had in self._contents:
            if isinstance(container, list):
                container[:] = had
            else:
                container.clear()
                container.update(had)

    def _argument(self, value: Any) -> None:
        if type(value) is SymbolicTensor:
            self._sizes.append((value, value.spec.dims))
        elif isinstance(value, (list, tuple, dict)):
            if isinstance(value, (list, dict)):
                self._remember(value)
            for part in value.values() if isinstance(value, dict) else value:
                self._argument(part)
        elif not isinstance(value, _HARMLESS):
            self.opaque = True

    def _follow(self, value: Any, depth: int) -> None:
        if depth == 0 or isinstance(value, (*_HARMLESS, nn.Module, type)):
            return
        if isinstance(value, (dict, list, set)):
            if self._remember(value):
                for part in value.values() if isinstance(value, dict) else value:
                    self._follow(part, depth - 1)
        elif isinstance(value, tuple):
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
        self._contents.append((container, _contents(container)))
        return True


def _contents(container: Any) -> Any:
    return container.copy()


def _alike(one: Any, other: Any) -> bool:
    if len(one) != len(other):
        return False
    if isinstance(one, dict):
        return all(k in other and _same(v, other[k]) for k, v in one.items())
    if isinstance(one, set):
        return bool(one == other)
    return all(map(_same, one, other))


def _same(one: Any, other: Any) -> bool:
    return one is other or (type(one) is type(other) and isinstance(one, _PLAIN) and one == other)
