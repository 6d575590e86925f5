"""The state at the start of a turn of a loop: all that it can read, and whether two are alike.

The state is what can be reached from the variables of the frame that runs the loop and from the
globals of the user's modules. Two states are alike if a turn that starts in one does the same to
sizes as a turn that starts in the other: tensors of equal specs, equal numbers, and the same
objects shared in the same places. The elements of tensors do not count, except where their bounds
are known.
"""

from __future__ import annotations

import collections
import itertools
import sys
import types
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import torch

from archlint.models.generators import generator_state
from archlint.ops.registry import TensorSpec
from archlint.ops.shapes.strides import DeferredStrides, contiguous_strides, settled_strides
from archlint.runtime.code_owner import file_of_module, is_users
from archlint.runtime.real_type import is_a
from archlint.symbolic import Expr
from archlint.symbolic.formula import Formula, eq
from archlint.symbolic.quantify_unknowns import unknowns_in
from archlint.tracing.loops.lists import GrowingList
from archlint.tracing.loops.segments import Segment, SymbolicTuple, segments_of
from archlint.tracing.loops.symbolic_ranges import SectionIterator
from archlint.tracing.path import TracedPath
from archlint.tracing.run import current_run
from archlint.tracing.symint.node import size_of
from archlint.tracing.symint.numbers import sizes_in
from archlint.tracing.symint.python_types import NUMBER_TYPES
from archlint.tracing.tensors.specs import has_unknown_elements
from archlint.tracing.tensors.symbolic_tensor import SymbolicTensor

_PLAIN = (int, float, complex, str, bytes, bool, type(None), type(Ellipsis))
_FIXED = (
    type, types.ModuleType, types.BuiltinFunctionType, types.CodeType, torch.dtype, torch.device,
    property, range, slice,
)  # fmt: skip
MOST_OBJECTS = 200_000
_PACKAGE = __name__.partition(".")[0]


class Unfollowed(Exception):
    """There is an object whose state cannot be read, such as a generator."""


class TensorToken:
    """What is known of a symbolic tensor, as it was when the state was read."""

    def __init__(self, path: TracedPath, spec: TensorSpec) -> None:
        strides = settled_strides(path, spec)
        if strides is not None and strides == contiguous_strides(spec.dims):
            strides = None
        self.spec: TensorSpec = spec
        self.strides = None if strides is None else tuple(strides)

    def alike(self, path: TracedPath, other: TensorToken) -> bool:
        one, two = self.spec, other.spec
        if one is two and self.strides == other.strides:
            return True
        same = (one.dtype, one.device, one.loose, one.conjugate) == (
            two.dtype, two.device, two.loose, two.conjugate,
        )  # fmt: skip
        if not same or len(one.dims) != len(two.dims) or one.values != two.values:
            return False
        if (one.elements.ones, one.elements.grid) != (two.elements.ones, two.elements.grid):
            return False
        if (self.strides is None) != (other.strides is None):
            return False
        pairs = [*zip(one.dims, two.dims, strict=True)]
        pairs += zip(self.strides or (), other.strides or (), strict=True)
        return all(same_size(path, a, b) for a, b in pairs)


class SizeToken:
    """A number made from sizes."""

    def __init__(self, value: Any) -> None:
        self.value = size_of(value)

    def alike(self, path: TracedPath, other: SizeToken) -> bool:
        return same_size(path, self.value, other.value)


def same_size(path: TracedPath, one: Any, other: Any) -> bool:
    """Whether two numbers are known to be equal."""
    if one is other or (type(one) is type(other) and one == other):
        return True
    if isinstance(one, (int, Expr)) and isinstance(other, (int, Expr)):
        return path.known(eq(one, other)) is True
    return False


State = dict[str, list[Any]]
"""What was read from each root, by its name."""


class Reader:
    """Reads a state. ``lists`` are the growing lists in it, whose elements are not part of it.

    ``objects``: all that can change, in the order in which they were found. ``generators``: those
    whose variables are read anyway, by their ids.
    """

    def __init__(self, path: TracedPath, generators: Collection[int] = ()) -> None:
        self.path = path
        self._generators = generators
        self.lists: dict[int, GrowingList] = {}
        self._numbers: dict[int, int] = {}
        self.objects: list[Any] = []
        self._modules: dict[str, types.ModuleType] = {}
        self._tokens: list[Any] = []

    def read(self, roots: Mapping[str, Any], globals_of: Iterable[dict[str, Any]]) -> State:
        """The state behind ``roots``; raises :class:`Unfollowed`."""
        state: State = {}
        for name, value in roots.items():
            self._tokens = state[name] = []
            self._value(value)
        for names in globals_of:
            self._user_module(names.get("__name__"))
        done: set[str] = set()
        while todo := [m for m in self._modules if m not in done]:
            for module in todo:
                done.add(module)
                self._tokens = state[f"module {module}"] = []
                self._globals(vars(self._modules[module]))
        return state

    def _globals(self, names: Mapping[str, Any]) -> None:
        for name, value in list(names.items()):
            if name.startswith("__"):
                continue
            if is_a(value, types.ModuleType, types.FunctionType):
                self._tokens.append((name, id(value)))
                continue
            self._tokens.append(name)
            if is_a(value, type):
                self._class(value)
            else:
                self._value(value)

    def _class(self, kind: type) -> None:
        self._tokens.append(id(kind))
        if not self._is_first(kind) or not self._user_module(kind.__module__):
            return
        for name, value in list(vars(kind).items()):
            if name.startswith("__") or callable(value) or is_a(value, *_FIXED):
                continue
            if not hasattr(type(value), "__get__"):
                self._tokens.append(name)
                self._value(value)

    def _user_module(self, name: Any) -> bool:
        module = sys.modules.get(name) if isinstance(name, str) else None
        file = file_of_module(module)
        if module is None or not file or not is_users(file):
            return False
        self._modules[module.__name__] = module
        return True

    def _is_first(self, value: Any) -> bool:
        number = self._numbers.get(id(value))
        if number is not None:
            self._tokens.append(("again", number))
            return False
        if len(self._numbers) > MOST_OBJECTS:
            raise Unfollowed
        self._numbers[id(value)] = len(self._numbers)
        self.objects.append(value)
        return True

    def _value(self, value: Any) -> None:
        kind = type(value)
        add = self._tokens.append
        if kind in _PLAIN:
            add((kind, repr(value) if kind in (float, complex) else value))
        elif kind in NUMBER_TYPES:
            add(SizeToken(value))
        elif is_a(value, type):
            self._class(value)
        elif is_a(value, *_FIXED):
            add((kind, value if isinstance(value, (range, torch.dtype)) else id(value)))
            self.objects.append(value)
        elif self._is_first(value):
            self._object(value, kind)

    def _object(self, value: Any, kind: type) -> None:
        add = self._tokens.append
        if kind is SymbolicTensor:
            add(TensorToken(self.path, value.spec))
        elif is_a(value, torch.Tensor):
            run = current_run()
            lost = run is not None and has_unknown_elements(run, (value,))
            add((id(value), value._version, tuple(value.shape), value.dtype, value.stride(), lost))
        elif kind is GrowingList:
            add(GrowingList)
            self.lists[id(value)] = value
            for part in segments_of(value):
                if not is_element(part.value):  # such as a list of its own
                    self._value(part.value)
        elif kind is SymbolicTuple:
            add(SymbolicTuple)
            self._segments(value.segments)
        elif is_a(value, dict):
            add((kind, len(value)))
            for key, part in list(dict.items(value)):
                self._value(key)
                self._value(part)
            self._attributes(value, kind)
        elif is_a(value, list, tuple, collections.deque, set, frozenset):
            add((kind, len(value)))
            for part in list(value):
                self._value(part)
            self._attributes(value, kind)
        elif is_a(value, types.FunctionType):
            self._function(value)
        elif is_a(value, types.MethodType):
            add(id(value.__func__))
            self._value(value.__self__)
        elif kind is partial:
            for part in (value.func, value.args, value.keywords):
                self._value(part)
        elif kind is itertools.count:
            add(repr(value))
        elif kind is SectionIterator:
            for count, get in value.left():
                add(SizeToken(count))
                add(id(get))
                self.objects.append(get)
        elif (drawn := generator_state(value)) is not None:
            add(drawn.tolist() if isinstance(drawn, torch.Tensor) else str(drawn))
        elif id(value) in self._generators:
            add(id(value))
        elif hasattr(kind, "__next__") or kind in (bytearray, memoryview):
            raise Unfollowed
        elif _is_result(value, kind):
            add(id(value))
        else:
            add(id(kind))
            self._user_module(kind.__module__)
            self._attributes(value, kind)

    def _segments(self, segments: Iterable[Segment]) -> None:
        for value, count in segments:
            self._tokens.append(SizeToken(count))
            self._value(value)

    def _function(self, function: types.FunctionType) -> None:
        self._tokens.append(id(function.__code__))
        for cell in function.__closure__ or ():
            try:
                self._value(cell.cell_contents)
            except ValueError:  # not bound yet
                self._tokens.append("unbound")
        for part in (function.__defaults__, function.__kwdefaults__, function.__dict__):
            self._value(part)
        self._user_module(function.__module__)

    def _attributes(self, value: Any, kind: type) -> None:
        names = getattr(value, "__dict__", None)
        if isinstance(names, dict):
            for name, part in list(names.items()):
                self._tokens.append(name)
                self._value(part)
        for owner in kind.__mro__:
            slots = owner.__dict__.get("__slots__", ())
            for slot in (slots,) if isinstance(slots, str) else slots:
                if slot not in ("__dict__", "__weakref__") and hasattr(value, slot):
                    self._value(getattr(value, slot))


def _is_result(value: Any, kind: type) -> bool:
    """Whether it is an object of ours that no model changes, such as an earlier result."""
    ours = str(kind.__module__).partition(".")[0] == _PACKAGE
    return ours and not is_a(value, torch.nn.Module)


def alike(path: TracedPath, one: list[Any], other: list[Any]) -> bool:
    """Whether what was read from a root twice is the same."""
    if len(one) != len(other):
        return False
    for a, b in zip(one, other, strict=True):
        if type(a) is not type(b):
            return False
        if isinstance(a, (TensorToken, SizeToken)):
            if not a.alike(path, b):
                return False
        elif a != b:
            return False
    return True


def canonical(path: TracedPath, segments: Iterable[Segment]) -> list[Segment]:
    """The segments with equal neighbours joined."""
    joined: list[Segment] = []
    for segment in segments:
        if joined and like(path, joined[-1].value, segment.value):
            joined[-1] = Segment(joined[-1].value, joined[-1].repeats + segment.repeats)
        else:
            joined.append(segment)
    return joined


def like(path: TracedPath, one: Any, other: Any) -> bool:
    """Whether two elements of a list are alike."""
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    if type(one) is SymbolicTensor:
        return TensorToken(path, one.spec).alike(path, TensorToken(path, other.spec))
    if type(one) is tuple:
        return len(one) == len(other) and all(
            like(path, a, b) for a, b in zip(one, other, strict=True)
        )
    if type(one) in NUMBER_TYPES:
        return SizeToken(one).alike(path, SizeToken(other))
    return type(one) in _PLAIN and bool(one == other)


def names_index(value: Any, name: str) -> bool:
    """Whether a number, a spec or an element of a list is made from the symbol ``name``."""
    return any(name in size.symbols() for size in sizes_known(value))


def names_unknown(value: Any, since: int) -> bool:
    """Whether it is made from an unknown later than the ``since``-th of the path."""
    return any(u.number > since for size in sizes_known(value) for u in unknowns_in(size))


def sizes_known(value: Any) -> Iterator[Expr | Formula]:
    """The sizes and conditions of which a number, a spec or an element of a list is made."""
    if isinstance(value, (Expr, Formula)):
        yield value
    elif sizes := sizes_in(value):
        yield from sizes_known(sizes)
    elif type(value) is SymbolicTensor:
        yield from sizes_known(value.spec)
    elif isinstance(value, TensorSpec):
        known = (value.values, value.elements.grid)
        yield from sizes_known((*value.dims, *(value.strides or ()), *known))
    elif isinstance(value, tuple):
        for part in value:
            yield from sizes_known(part)
    elif type(value) in NUMBER_TYPES:
        yield from sizes_known(size_of(value))


def is_element(value: Any) -> bool:
    """Whether a value may stand for many elements of a list."""
    if type(value) is tuple:
        return all(map(is_element, value))
    if type(value) is SymbolicTensor:
        return not isinstance(value.spec.strides, DeferredStrides)
    return isinstance(value, torch.Tensor) or type(value) in (*_PLAIN, *NUMBER_TYPES)
