"""A deep copy of a module tree, as ``copy.deepcopy`` makes it and several times faster.

Most of a model are modules and containers that need none of the copy protocol; whatever is not
plainly so (tensors, other objects, modules that say how they are copied) is left to ``deepcopy``.
"""

from __future__ import annotations

import contextlib
import copy
import copyreg
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from archlint.models.module_walk import modules_of
from archlint.models.shared_empties import KINDS, SharedEmpties
from archlint.runtime.real_type import is_a

Stand = Callable[[Tensor, bool], Tensor]

_VALUES = frozenset(
    {bool, int, float, complex, str, bytes, type(None), torch.dtype, torch.device} | {range}
)
_CODE = frozenset({FunctionType, BuiltinFunctionType, type})
_TENSORS = frozenset({Tensor, nn.Parameter})
LAYERS = frozenset({
    nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.LayerNorm,
})  # fmt: skip
"""Layers whose code does nothing with their weights but pass them to one operator."""
_ATOMS = _VALUES | _CODE
_EMPTY = frozenset({dict, OrderedDict, set})
_KEPT = _VALUES | KINDS
_PROTOCOL = (
    "__deepcopy__", "__getnewargs__", "__getnewargs_ex__", "__new__", "__reduce__",
    "__reduce_ex__",
)  # fmt: skip


@dataclass
class CopyParts:
    """What a copy is made of: plain modules, containers, tensors, and what else these hold.

    ``held`` may lead to what is not part of the copy, such as the names that a hook knows; nothing
    else does. ``empty``: the containers without items. ``originals``: what the tensors stand for;
    ``apart``: whether each tensor has memory of its own, as the originals do. ``shared``: what
    stands for empty containers of the modules, if they share some.
    """

    modules: list[nn.Module] = field(default_factory=list)
    containers: list[Any] = field(default_factory=list)
    empty: list[Any] = field(default_factory=list)
    tensors: list[Tensor] = field(default_factory=list)
    originals: list[Tensor] = field(default_factory=list)
    apart: bool = False
    held: list[Any] = field(default_factory=list)
    shared: SharedEmpties | None = None

    def complete(self) -> bool:
        """Whether the lists have all of the copy: no module was left to ``deepcopy``."""
        return not any(is_a(value, nn.Module) for value in self.held)

    def separate(self) -> None:
        """Let the modules share no container. They are to be as they were made."""
        if self.shared is not None:
            self.empty += self.shared.separate()
            self.shared = None


class HasOwnCode(Exception):
    """Code of a module's own says how it is copied."""


def deep_copy(
    model: nn.Module,
    memo: dict[int, Any],
    stand: Stand | None = None,
    other: Callable[[], None] | None = None,
    parts: CopyParts | None = None,
    plain: bool = False,
) -> nn.Module:
    """A copy that shares nothing with ``model`` that could change.

    ``memo``: what stands for objects of the model, by their ``id``, as for ``deepcopy``; ``stand``
    gives what stands for a plain tensor or parameter, by that and by whether it is a weight of one
    of :data:`LAYERS`; ``other`` is called before an object, which may hold views of them, is left
    to ``deepcopy``. ``parts`` is filled with what the copy is made of. Raises what ``deepcopy``
    raises, and what :func:`check_copyable` does.

    With ``parts.shared`` modules may share empty containers; ``other`` is then also called where
    what they stand for is a part of the model in another place, too. ``plain``: raise
    :class:`HasOwnCode` before code of a module's own makes its copy.
    """
    parts = CopyParts() if parts is None else parts
    copying = _Copying(memo, stand, other, parts, plain)
    whole: nn.Module = copying.copied(model)
    if parts.shared is not None and other is not None and parts.shared.stand_for(copying.empty):
        other()
    if any(type(v) not in (type, BuiltinFunctionType) for v in parts.held):  # or what holds some
        check_copyable(model)
    return whole


def real_copy(model: nn.Module) -> nn.Module:
    """A deep copy with all values. Raises what ``deepcopy`` raises, and :func:`check_copyable`."""
    check_copyable(model)
    memo: dict[int, Any] = {}
    new = copy.deepcopy(model, memo)
    for tensor in model.parameters():
        made = memo.get(id(tensor))
        if made is not None and _has_more(tensor):
            _carry(tensor, made, memo)
    return new


def _has_more(tensor: Tensor) -> bool:
    """Whether a parameter has what ``deepcopy`` does not copy."""
    return bool(tensor.__dict__) or (tensor.is_leaf and tensor.grad is not None)


def _carry(tensor: Tensor, new: Tensor, memo: dict[int, Any]) -> None:
    """Give a copy the gradient and the attributes of a tensor, which that of a parameter lacks."""
    if tensor.is_leaf and tensor.grad is not None and new.grad is None:
        new.grad = torch.empty_like(new) if new.is_meta else tensor.grad.clone()
    if not new.__dict__:
        new.__dict__.update(copy.deepcopy(tensor.__dict__, memo))


class _Copying:
    """A copy in the making; the arguments are those of :func:`deep_copy`.

    (A function in a function that calls itself would keep the copy until a search for garbage.)
    """

    def __init__(
        self,
        memo: dict[int, Any],
        stand: Stand | None,
        other: Callable[[], None] | None,
        parts: CopyParts,
        plain: bool,
    ) -> None:
        self._memo, self._stand, self._other, self._parts = memo, stand, other, parts
        self._shared, self._plain = parts.shared, plain
        self._of_layer = False  # whether attributes of one of LAYERS are copied
        self.empty: list[Any] = []  # those of the model that are not shared, but for plain ``dict``

    def copied(self, value: Any) -> Any:
        """What stands for ``value`` in the copy."""
        kind: Any = type(value)
        if kind in _VALUES:
            return value
        memo, parts = self._memo, self._parts
        known = memo.get(id(value))
        if known is not None:
            return known
        new: Any
        if kind in _TENSORS:
            more = _has_more(value)
            if more and self._other is not None:
                self._other()
            stand = self._stand
            new = copy.deepcopy(value, memo) if stand is None else stand(value, self._of_layer)
            memo[id(value)] = new
            if more:
                _carry(value, new, memo)
            parts.tensors.append(new)
            parts.originals.append(value)
        elif kind in _CODE:
            parts.held.append(value)
            return value
        elif kind is dict or kind is OrderedDict:
            new = memo[id(value)] = kind()
            parts.containers.append(new)
            if not value and kind is not dict:
                self.empty.append(value)
            copied = self.copied
            for key, item in value.items():
                if type(key) not in _VALUES:
                    key = copied(key)
                new[key] = item if type(item) in _VALUES else copied(item)
        elif kind is list:
            new = memo[id(value)] = []
            parts.containers.append(new)
            new.extend([self.copied(item) for item in value])
        elif kind is set:
            new = memo[id(value)] = {self.copied(item) for item in value}
            parts.containers.append(new)
            if not value:
                self.empty.append(value)
        elif kind is tuple and _ATOMS.issuperset(map(type, value)):
            parts.held.extend([item for item in value if type(item) in _CODE])
            return value
        elif issubclass(kind, nn.Module) and _is_plain(kind):
            return self._module(value)
        else:
            return self._others(value)
        return new

    def _module(self, module: Any) -> nn.Module:
        memo, empty, copied = self._memo, self._parts.empty, self.copied
        kind: Any = type(module)
        new: nn.Module = object.__new__(kind)
        memo[id(module)] = new
        self._parts.modules.append(new)
        attributes: dict[str, Any] = module.__getstate__()  # a copy, which becomes that of the new
        object.__setattr__(new, "__dict__", attributes)
        if self._shared is not None:
            self._shared.put_in(new, module, attributes)
        outer, self._of_layer = self._of_layer, kind in LAYERS
        # A layer has 25 attributes; most of the objects are empty.
        for name in [name for name, item in attributes.items() if type(item) not in _KEPT]:
            item = attributes[name]
            kind = type(item)
            if kind is tuple and _VALUES.issuperset(map(type, item)):
                continue
            if kind in _EMPTY and not item and id(item) not in memo:
                attributes[name] = memo[id(item)] = made = kind()
                empty.append(made)
                if kind is not dict:
                    self.empty.append(item)
            else:
                attributes[name] = copied(item)
        self._of_layer = outer
        return new

    def _others(self, value: Any) -> Any:
        """What the copy protocol makes of an object that is not plain."""
        if self._plain and _has_modules(value):
            raise HasOwnCode
        if self._stand is not None and isinstance(value, nn.Module):
            for tensor in [*value.parameters(), *value.buffers()]:
                self.copied(tensor)
        elif self._other is not None:
            self._other()
        new = copy.deepcopy(value, self._memo)
        self._parts.held.append(new)
        return new


def _has_modules(value: Any) -> bool:
    """Whether it is a module, or a mapping of modules."""
    values = dict.values(value) if is_a(value, dict) else (value,)
    return any(is_a(v, nn.Module) for v in values)


def check_copyable(model: nn.Module) -> None:
    """Raise ``copy.Error`` if a copy would lose code, or share what it writes to with the model.

    A copy of a ``ScriptModule`` has what is compiled, and not a ``forward`` that is plain Python. A
    copy has the same functions, such as hooks, which refer to the modules that they were made for.
    """
    modules = modules_of(model)
    scripted = {
        kind for kind in set(map(type, modules)) if issubclass(kind, torch.jit.ScriptModule)
    }
    for module in modules if scripted else ():
        if type(module) in scripted and not hasattr(module, "inlined_graph"):
            raise copy.Error(f"a copy of {type(module).__name__} would have no forward")
    functions = _functions(modules)
    if functions:
        changing = {id(v) for m in modules for v in (m, *vars(m).values()) if _may_change(v)}
        if any(id(value) in changing for value in _referred(functions)):
            raise copy.Error("the functions of a copy would refer to the model")


def _functions(modules: list[nn.Module]) -> list[FunctionType]:
    """The functions that modules hold as hooks and attributes, also in containers."""
    functions: list[FunctionType] = []
    for module in modules:
        for value in vars(module).values():  # of a ResNet-50 4000, most of them empty or an atom
            kind: Any = type(value)
            if kind is FunctionType:
                functions.append(value)
            elif kind in _ATOMS or (kind in _EMPTY and not value):
                continue
            elif issubclass(kind, (dict, list, tuple)):
                items = value.values() if issubclass(kind, dict) else value
                functions += [v for v in items if type(v) is FunctionType]
    return functions


def _referred(functions: list[FunctionType]) -> Iterator[Any]:
    """What functions close over or have as defaults, and the functions among that."""
    todo: list[Any] = list(functions)
    seen: set[int] = set()
    while todo:
        value = todo.pop()
        yield value
        if type(value) is not FunctionType or id(value) in seen:
            continue
        seen.add(id(value))
        todo += [*(value.__defaults__ or ()), *(value.__kwdefaults__ or {}).values()]
        for cell in value.__closure__ or ():
            with contextlib.suppress(ValueError):  # an empty cell
                todo.append(cell.cell_contents)


def _may_change(value: Any) -> bool:
    if isinstance(value, (dict, list, set, deque)):
        return True
    return hasattr(value, "__dict__") and not isinstance(
        value, (type, Tensor, FunctionType, BuiltinFunctionType, ModuleType)
    )


def are_plain(modules: list[nn.Module]) -> bool:
    """Whether no code of the modules' own says how they are copied."""
    kinds: set[Any] = set(map(type, modules))
    return all(map(_is_plain, kinds))


@lru_cache(maxsize=1024)
def _is_plain(kind: Any) -> bool:
    """Whether nothing but torch's own ``Module`` says how the class is copied or pickled.

    The ``__setstate__`` of torch's layers only fills in what old files lack, and that which
    ``torch.compile`` puts in the place of ``Module``'s, for good, only counts.
    """
    return (
        kind.__getstate__ is nn.Module.__getstate__
        and kind.__setstate__.__module__.startswith(("torch.nn.", "torch._dynamo."))
        and not any(c.__dict__.get(name) for c in kind.__mro__[:-1] for name in _PROTOCOL)
        and kind not in copyreg.dispatch_table
        and type(kind) is type
    )
