"""Restores a model, which may change itself as it runs.

Every path and every sample starts from the model as it was built, and a user's own model comes
back unchanged.
"""

from __future__ import annotations

import contextlib
from collections import OrderedDict, defaultdict, deque
from collections.abc import Iterable, Iterator
from functools import partial
from operator import is_
from types import BuiltinFunctionType, CellType, FunctionType, MethodType, ModuleType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

_SIMPLE = frozenset(
    {bool, int, float, complex, str, bytes, type(None), type, torch.Size, torch.dtype}
    | {torch.device, BuiltinFunctionType, ModuleType, range, slice}
)
_MAPPINGS = frozenset({dict, OrderedDict, defaultdict})
_CONTAINERS = _MAPPINGS | {set, list, deque}
_DEPTH = 4  # how far to follow containers and plain objects that a module holds
_LONG = 10_000  # a longer container is data rather than state: only its own items are kept


class Snapshot:
    """The state of a module tree: attributes, containers, hooks, training flags, tensors.

    Containers and plain objects that modules hold are followed :data:`_DEPTH` levels deep. Of
    functions, such as hooks: what their closures hold, and the modules and containers among the
    globals that they name. A copy of a model has the same hooks, which write where the first wrote.
    ``buffers`` copies the values of buffers and of tensors held as plain attributes,
    ``parameters`` those of parameters too (without it an assignment to ``parameter.data`` is
    undone, a write into its memory is not).
    """

    def __init__(self, model: nn.Module, buffers: bool = True, parameters: bool = False) -> None:
        self._dicts: list[tuple[dict[Any, Any], dict[Any, Any]]] = []
        self._others: list[tuple[Any, Any]] = []
        self._empty: list[Any] = []
        self._cells: list[tuple[CellType, Any]] = []
        self._globals: list[tuple[dict[str, Any], str, Any]] = []
        self._classes: list[tuple[nn.Module, type]] = []
        self._scripted: list[tuple[torch.jit.ScriptModule, bool]] = []
        self._parameters: list[Tensor] = []
        self._tensors: list[Tensor] = []
        self._seen: set[int] = set()
        self._visit((model,), 0)
        del self._seen
        self._every = every = self._parameters + self._tensors
        self._data = [t.data for t in every]
        self._where = list(map(_place, every))
        self._needs_grad = [t.requires_grad for t in every]
        self._grads = [t.grad for t in self._parameters]
        copied = (self._parameters if parameters else []) + (self._tensors if buffers else [])
        self._copied = _groups(copied)
        self._copies = [_joined(group) for group in self._copied]

    def _visit(self, values: Iterable[Any], depth: int) -> None:
        seen = self._seen
        empty = self._empty.append
        for value in values:  # a ResNet-50 has 3000 of them: what is common comes first
            kind = type(value)
            if kind in _CONTAINERS:
                if not value:
                    empty(value)
                elif id(value) not in seen:
                    seen.add(id(value))
                    self._container(value, kind, depth)
            elif kind in _SIMPLE or id(value) in seen:
                continue
            elif kind is Tensor or kind is nn.Parameter:
                seen.add(id(value))
                (self._tensors if kind is Tensor else self._parameters).append(value)
            elif isinstance(value, nn.Module):
                seen.add(id(value))
                self._module(value)
            elif isinstance(value, Tensor):
                seen.add(id(value))
                if not is_lazy(value):  # has nothing yet that could change
                    is_parameter = isinstance(value, nn.Parameter)
                    (self._parameters if is_parameter else self._tensors).append(value)
            elif depth < _DEPTH and not isinstance(value, type):
                seen.add(id(value))
                attributes = getattr(value, "__dict__", None)
                if kind is tuple:
                    self._visit(value, depth + 1)
                elif kind is FunctionType:
                    self._function(value, depth)
                elif kind is MethodType:
                    self._visit((value.__func__, value.__self__), depth + 1)
                elif kind is partial:
                    self._visit((value.func, value.args, value.keywords), depth + 1)
                elif type(attributes) is dict:
                    self._dicts.append((attributes, attributes.copy()))
                    self._visit(attributes.values(), depth + 1)

    def _container(self, value: Any, kind: type, depth: int) -> None:
        if kind in _MAPPINGS:
            self._dicts.append((value, dict(value)))
            value = value.values()
        else:
            self._others.append((value, value.copy()))
        if depth < _DEPTH and len(value) <= _LONG:
            self._visit(value, depth + 1)

    def _function(self, function: FunctionType, depth: int) -> None:
        for cell in function.__closure__ or ():
            with contextlib.suppress(ValueError):  # nothing is in it yet
                self._cells.append((cell, cell.cell_contents))
                self._visit((cell.cell_contents,), depth + 1)
        held = function.__globals__
        for name in function.__code__.co_names:
            if name in held:
                value = held[name]
                self._globals.append((held, name, value))
                if type(value) in _CONTAINERS or isinstance(value, nn.Module):
                    self._visit((value,), depth + 1)

    def _module(self, module: nn.Module) -> None:
        if isinstance(module, torch.jit.ScriptModule):
            self._scripted.append((module, module.training))
            self._visit([*module.parameters(), *module.buffers()], 0)
            return
        attributes = module.__dict__
        self._classes.append((module, type(module)))
        self._dicts.append((attributes, attributes.copy()))
        self._visit(attributes.values(), 0)

    def restore(self) -> None:
        """Put everything back. May be called more than once."""
        for module, kind in self._classes:
            if type(module) is not kind:
                module.__class__ = kind  # parametrizations swap the class
        for mapping, was in self._dicts:
            if not _same(mapping, was):
                mapping.clear()
                mapping.update(was)
        for container, was in self._others:
            if len(container) != len(was) or not all(map(is_, container, was)):
                container.clear()
                (container.update if isinstance(container, set) else container.extend)(was)
        if any(self._empty):
            for container in self._empty:
                container.clear()
        for cell, value in self._cells:
            cell.cell_contents = value
        for held, name, value in self._globals:
            if held.get(name) is not value:
                held[name] = value
        for scripted, training in self._scripted:
            if scripted.training is not training:
                scripted.train(training)
        every = self._every
        if list(map(_place, every)) != self._where or any(
            t.shape != d.shape for t, d in zip(every, self._data, strict=True)
        ):
            for tensor, data in zip(every, self._data, strict=True):
                tensor.data = data
        for tensor, needs_grad in zip(every, self._needs_grad, strict=True):
            if tensor.requires_grad is not needs_grad:
                tensor.detach_() if tensor.grad_fn else tensor.requires_grad_(needs_grad)
        for parameter, grad in zip(self._parameters, self._grads, strict=True):
            if parameter.grad is not grad:
                parameter.grad = grad
        # Not by ``_version``: batch_norm writes its running statistics without raising it.
        for group, copy in zip(self._copied, self._copies, strict=True):
            if not torch.equal(_joined(group), copy):
                _put_back(group, copy)


_TOGETHER = 1 << 14  # elements; more would be copied by several threads, which cost more to wake


def _place(tensor: Tensor) -> int:
    return tensor.data_ptr() if tensor.layout is torch.strided else 0


def _groups(tensors: list[Tensor]) -> list[list[Tensor]]:
    """CPU tensors of one dtype each, few enough to be copied at once."""
    last: dict[torch.dtype, tuple[list[Tensor], int]] = {}
    groups: list[list[Tensor]] = []
    for tensor in tensors:
        if tensor.is_cpu and tensor.layout is torch.strided:
            dtype, elements = tensor.dtype, tensor.numel()
            group, size = last.get(dtype, (None, 0))
            if group is None or size + elements > _TOGETHER:
                group, size = [], 0
                groups.append(group)
            group.append(tensor)
            last[dtype] = group, size + elements
    return groups


@torch.no_grad()
def _joined(tensors: list[Tensor]) -> Tensor:
    """One flat copy of all elements: a tenth of the cost of a clone for each."""
    return torch.cat([t if t.ndim == 1 else t.reshape(-1) for t in tensors])


def _put_back(tensors: list[Tensor], flat: Tensor) -> None:
    end = 0
    for tensor in tensors:
        start, end = end, end + tensor.numel()
        values = flat[start:end]
        if not torch.equal(tensor.data.reshape(-1), values):
            tensor.data.copy_(values.view(tensor.shape))


def _same(mapping: dict[Any, Any], was: dict[Any, Any]) -> bool:
    return (
        len(mapping) == len(was)
        and all(map(is_, mapping.values(), was.values()))
        and mapping.keys() == was.keys()
    )


@contextlib.contextmanager
def keep(model: nn.Module, buffers: bool = True, parameters: bool = False) -> Iterator[Snapshot]:
    """Undo whatever happens to ``model`` inside; see :class:`Snapshot` for the options."""
    snapshot = Snapshot(model, buffers, parameters)
    try:
        yield snapshot
    finally:
        snapshot.restore()
