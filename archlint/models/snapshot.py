"""Restores a model, which may change itself as it runs.

Every path and every sample starts from the model as it was built, and a user's own model comes
back unchanged.
"""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from functools import lru_cache, partial
from types import (
    BuiltinFunctionType,
    CellType,
    FunctionType,
    MemberDescriptorType,
    MethodType,
    ModuleType,
)
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from archlint.models.code_places import code_places, in_cell
from archlint.models.code_state import CodeState
from archlint.models.containers import MAPPINGS, base_of, differs, held_in, put_contents
from archlint.models.generators import generator_state, put_generator_state
from archlint.models.generators import same_state as _same_state
from archlint.models.memory_files import memory_of, put_memory
from archlint.models.model_code import ModelCode
from archlint.models.tensor_state import TensorState
from archlint.runtime.iterators import is_iterator, iterator_state, same_iterator_state
from archlint.runtime.real_type import is_a
from archlint.runtime.uninterruptible import uninterrupted

_SIMPLE = frozenset(
    {bool, int, float, complex, str, bytes, type(None), torch.Size, torch.dtype}
    | {torch.device, BuiltinFunctionType, ModuleType, range, slice}
)
_PLAIN_CONTAINERS = MAPPINGS | {set, list, deque, bytearray}
_DEPTH = 8  # how far to follow containers and plain objects that a module holds
_LONG = 10_000  # a longer container is data rather than state: only its own items are restored
_MOST = 200_000  # objects that are followed
_LARGE = 1 << 22  # elements of a tensor or array outside of the model that is not copied


class Snapshot:
    """The state of a module tree, and of its code: what a run could write to.

    Of the modules: attributes, containers, hooks, training flags, tensors. Of their code: global
    names, attributes of classes, what functions close over, their defaults and attributes
    (:mod:`.code_places`), and random generators. Containers and plain objects are followed
    :data:`_DEPTH` levels deep. A copy of a model has the same hooks, which write where the first
    wrote. ``buffers`` copies the values of buffers and of tensors held as plain attributes,
    ``parameters`` those of parameters too (without it an assignment to ``parameter.data`` is
    undone, a write into its memory is not). With ``code_only`` the modules themselves are left out.

    ``held``: what leads out of a copy (:class:`.deepcopy.CopyParts`), which is followed instead of
    the modules. ``code``: that of the model, if it is known.
    """

    def __init__(
        self,
        model: nn.Module,
        buffers: bool = True,
        parameters: bool = False,
        code_only: bool = False,
        held: Iterable[Any] | None = None,
        code: ModelCode | None = None,
    ) -> None:
        self._containers: list[tuple[Any, Any, Any]] = []
        self._empty: list[Any] = []
        self._slots: list[tuple[Any, Any, Any]] = []
        self._cells: list[tuple[CellType, Any]] = []
        self._code = CodeState(code_places(code or ModelCode.of(model)))
        self._classes: list[tuple[nn.Module, type]] = []
        self._scripted: list[tuple[torch.jit.ScriptModule, bool]] = []
        self._parameters: list[Tensor] = []
        self._tensors: list[Tensor] = []
        self._arrays: list[tuple[Any, Any]] = []
        self._generators: list[tuple[Any, Any]] = []
        self._iterators: list[tuple[Any, list[Any]]] = []
        self._memories: list[tuple[Any, Any]] = []
        self._seen: set[int] = set()
        if held is not None:
            self._visit(held, 0)
        elif not code_only:
            self._visit((model,), 0)
        own, of_libraries = self._code.values()
        self._visit(own, 0)
        self._visit(of_libraries, _DEPTH)
        del self._seen
        self._state = TensorState(self._parameters, self._tensors, buffers, parameters)

    def _visit(self, values: Iterable[Any], depth: int) -> None:
        seen = self._seen
        empty = self._empty.append
        for value in values:  # a ResNet-50 has 3000 of them: what is common comes first
            kind: Any = type(value)
            if kind in _SIMPLE:
                continue
            if kind in _PLAIN_CONTAINERS:
                if not value:
                    empty(value)
                    continue
            elif kind is nn.Parameter or kind is Tensor:
                if id(value) not in seen:
                    seen.add(id(value))
                    (self._tensors if kind is Tensor else self._parameters).append(value)
                continue
            elif _is_own(kind):
                continue
            if id(value) in seen:
                continue
            seen.add(id(value))
            base = kind if kind in MAPPINGS else base_of(kind)
            if base is not None:
                self._container(value, base, depth)
                if kind not in _PLAIN_CONTAINERS and depth < _DEPTH:
                    self._attributes(value, depth)
            elif is_a(value, nn.Module):
                self._module(value)
            elif is_a(value, Tensor):
                if not is_lazy(value):  # has nothing yet that could change
                    is_parameter = isinstance(value, nn.Parameter)
                    (self._parameters if is_parameter else self._tensors).append(value)
            elif depth < _DEPTH:
                self._object(value, kind, depth)

    def _object(self, value: Any, kind: Any, depth: int) -> None:
        if kind is tuple:
            self._visit(value, depth + 1)
        elif kind is FunctionType:
            self._function(value, depth)
        elif kind is MethodType:
            self._visit((value.__func__, value.__self__), depth + 1)
        elif kind is partial:
            self._visit((value.func, value.args, value.keywords), depth + 1)
        elif is_a(value, type):
            if self._code.add_class(value):
                self._visit(list(vars(value).values()), depth + 1)
        elif kind.__module__ == "numpy":
            if kind.__name__ == "ndarray" and value.size <= _LARGE and not value.dtype.hasobject:
                self._arrays.append((value, value.copy()))
        elif is_iterator(kind):
            self._iterators.append((value, iterator_state(value)))
        else:
            state, memory = generator_state(value), memory_of(value)
            if state is not None:
                self._generators.append((value, state))
            if memory is not None:
                self._memories.append((value, memory))
            self._attributes(value, depth)

    def _attributes(self, value: Any, depth: int) -> None:
        """Follow what an object holds in its ``__dict__`` and ``__slots__``."""
        try:
            if is_a(value, threading.local):
                attributes = vars(value)  # those of this thread
            else:
                attributes = object.__getattribute__(value, "__dict__")
        except AttributeError:
            attributes = None
        if type(attributes) is dict and id(attributes) not in self._seen:
            self._seen.add(id(attributes))
            self._containers.append((attributes, dict, attributes.copy()))
            self._visit(list(attributes.values()), depth + 1)
        for slot in _slots(_kind(value)):
            try:
                held = slot.__get__(value)
            except AttributeError:
                held = _UNSET
            self._slots.append((value, slot, held))
            self._visit((held,), depth + 1)

    def _container(self, value: Any, base: Any, depth: int) -> None:
        had = held_in(value, base)
        self._containers.append((value, base, had))
        short = len(had) <= _LONG and len(self._seen) < _MOST
        if base is not bytearray and depth < _DEPTH and short:
            self._visit(list(had.values()) if isinstance(had, dict) else had, depth + 1)

    def _function(self, function: FunctionType, depth: int) -> None:
        for cell in function.__closure__ or ():
            with contextlib.suppress(ValueError):  # nothing is in it yet
                self._cells.append((cell, cell.cell_contents))
                self._visit((cell.cell_contents,), depth + 1)
        self._code.add_function(function)
        self._visit((function.__defaults__, function.__kwdefaults__, vars(function)), depth + 1)
        held = function.__globals__
        for name in function.__code__.co_names:
            if name in held:
                value = held[name]
                self._code.add_global(held, name)
                if base_of(_kind(value)) is not None or is_a(value, nn.Module):
                    self._visit((value,), depth + 1)

    def _module(self, module: nn.Module) -> None:
        if isinstance(module, torch.jit.ScriptModule):
            self._scripted.append((module, module.training))
            self._visit([*module.parameters(), *module.buffers()], 0)
            return
        attributes = module.__dict__
        self._classes.append((module, type(module)))
        self._containers.append((attributes, dict, attributes.copy()))
        self._visit(attributes.values(), 0)

    def changed(self) -> bool:
        """Whether something other than elements of tensors differs from the snapshot."""
        return (
            self._code.changed()
            or any(self._empty)
            or any(differs(*place) for place in self._containers)
            or any(_held(value, slot) is not had for value, slot, had in self._slots)
            or any(in_cell(cell) is not had for cell, had in self._cells)
            or any(memory_of(value) != had for value, had in self._memories)
            or any(array.tobytes() != was.tobytes() for array, was in self._arrays)
            or self.advanced()
        )

    def tensors(self) -> Iterator[Tensor]:
        """The tensors that were found, parameters first."""
        yield from self._parameters
        yield from self._tensors

    def drew(self) -> bool:
        """Whether a random generator that the model or its code holds was used."""
        return any(not _same_state(generator_state(g), had) for g, had in self._generators)

    def advanced(self) -> bool:
        """Whether an iterator that the model or its code holds gave an item: it cannot go back."""
        return any(not same_iterator_state(iterator_state(i), had) for i, had in self._iterators)

    def restore(self) -> None:
        """Restore everything. May be called more than once."""
        for module, kind in self._classes:
            if type(module) is not kind:
                module.__class__ = kind  # parametrizations swap the class
        self._code.restore()
        for container, base, had in self._containers:
            if differs(container, base, had):
                put_contents(container, base, had)
        if any(self._empty):
            for container in self._empty:
                container.clear()
        for value, slot, had in self._slots:
            if _held(value, slot) is not had:
                if had is _UNSET:
                    slot.__delete__(value)
                else:
                    slot.__set__(value, had)
        for cell, value in self._cells:
            cell.cell_contents = value
        for scripted, training in self._scripted:
            if scripted.training is not training:
                scripted.train(training)
        for array, was in self._arrays:
            if array.flags.writeable:
                array[...] = was
        for value, memory in self._memories:
            put_memory(value, memory)
        for generator, state in self._generators:
            put_generator_state(generator, state)
        self._state.restore()


_UNSET = object()


def _kind(value: Any) -> Any:
    return type(value)


@lru_cache(maxsize=4096)
def _is_own(kind: Any) -> bool:
    """Whether it is a class of archlint, such as that of a result the user keeps."""
    return str(kind.__module__).partition(".")[0] == "archlint"


@lru_cache(maxsize=4096)
def _slots(kind: Any) -> tuple[Any, ...]:
    """The slots of a class written in Python."""
    if kind.__module__ in ("builtins", "torch") or not kind.__flags__ & _HEAP:
        return ()
    own = (v for k in kind.__mro__ for v in vars(k).values())
    members = (v for v in own if type(v) is MemberDescriptorType)
    return tuple(v for v in members if "__slots__" in vars(v.__objclass__))


_HEAP = 1 << 9  # Py_TPFLAGS_HEAPTYPE: made by a class statement


def _held(value: Any, slot: Any) -> Any:
    try:
        return slot.__get__(value)
    except AttributeError:
        return _UNSET


@contextlib.contextmanager
def keep(
    model: nn.Module,
    buffers: bool = True,
    parameters: bool = False,
    snapshot: Snapshot | None = None,
) -> Iterator[Snapshot]:
    """Undo whatever happens to ``model`` inside; see :class:`Snapshot` for the options.

    ``snapshot``: one of the model that was made before, so that none has to be made.
    """
    snapshot = snapshot or Snapshot(model, buffers, parameters)
    try:
        yield snapshot
    finally:
        with uninterrupted():
            snapshot.restore()
