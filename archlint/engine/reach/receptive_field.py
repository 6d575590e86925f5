"""The receptive field of each output of a path: the input positions that one position depends on.

Followed from the input through the calls of the trace, along each spatial dimension: windows are
composed exactly (:mod:`.window`), and what reads a whole dimension depends on everything. Borders
are not looked at: the field is that of a position far from them, on the smallest interval that has
all of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Union

import torch

from archlint.engine.reach.window import Window
from archlint.ops.read_positions import SAME, Reach
from archlint.ops.registry import NoRule, TensorSpec
from archlint.ops.rules.reach import pointwise
from archlint.ops.rules.reach_views import reshaped
from archlint.ops.traits import OUT, View, selected, traits_of, written_by
from archlint.symbolic import Expr, Size, product
from archlint.tracing.fx_graph import tensors
from archlint.tracing.tensors.specs import known_of
from archlint.tracing.tensors.symbolic_tensor import SymbolicTensor
from archlint.tracing.trace import Call, Trace
from archlint.tracing.trees import leaves

EVERYTHING = "everything"


@dataclass(frozen=True)
class Field:
    """What a position of an output depends on along one spatial dimension of the input.

    ``length``: the size of that dimension. ``window``: of the input positions, or
    :data:`EVERYTHING`; ``None`` if it is not known, because of ``unknown``.
    """

    axis: str
    length: Size
    window: Window | str | None
    unknown: str = ""

    @property
    def size(self) -> int | str | None:
        """The number of input positions, or :data:`EVERYTHING`."""
        return self.window.size if isinstance(self.window, Window) else self.window

    @property
    def stride(self) -> Fraction | None:
        """By how many input positions neighbours are apart."""
        return self.window.stride if isinstance(self.window, Window) else None

    @property
    def first_centre(self) -> Fraction | None:
        """The middle of what position 0 depends on, counted from the first input position."""
        return self.window.first_centre if isinstance(self.window, Window) else None


@dataclass(frozen=True)
class _Placed:
    """A dimension of a tensor whose positions have windows, and which of the sizes merged in it.

    ``whole``: the positions together depend on the whole input, but for its borders.
    """

    dim: int
    part: int
    window: Window
    whole: bool = True


@dataclass(frozen=True)
class _NotKnown:
    why: str


_State = Union[_Placed, _NotKnown, str]  # the last: everything
_Axes = dict[str, _State]


def receptive_fields(trace: Trace) -> list[tuple[TensorSpec, tuple[Field, ...]]]:
    """The tensors of the output with their fields, one for each spatial dimension of the input."""
    walk = _Walk(trace)
    result = []
    for spec in leaves(trace.output):
        if isinstance(spec, TensorSpec):
            axes = walk.axes_of(spec)
            each = (_field(name, walk.lengths[name], state) for name, state in axes.items())
            result.append((spec, tuple(each)))
    return result


def _field(name: str, length: Size, state: _State) -> Field:
    if isinstance(state, _NotKnown):
        return Field(name, length, None, state.why)
    return Field(name, length, state.window if isinstance(state, _Placed) else EVERYTHING)


def _spatial(spec: TensorSpec) -> Iterator[tuple[int, str]]:
    """The dimensions behind the batch and, of an image, the channels, with their names."""
    first = 2 if spec.ndim >= 4 or (spec.ndim == 3 and isinstance(spec.dims[1], int)) else 1
    for dim in range(first, spec.ndim):
        size = spec.dims[dim]
        if isinstance(size, Expr) or spec.ndim >= 4:
            yield dim, str(size) if isinstance(size, Expr) else f"dimension {dim}"


class _Walk:
    """The windows of each tensor of a path; ``parts`` are the sizes merged in its dimensions."""

    def __init__(self, trace: Trace) -> None:
        self.states: dict[int, _Axes] = {}
        self.parts: dict[int, tuple[tuple[Size, ...], ...]] = {}
        self.specs: dict[int, _Axes] = {}
        self.merged: dict[int, set[int]] = {}  # dimensions with several parts
        self.lengths: dict[str, Size] = {}
        self.branches = bool(trace.log.spans())
        self.viewed: set[int] = set()  # tensors that others may be views of
        self.unclear = ""  # why nothing is known any more
        for call in trace.calls:
            for tensor in tensors((call.args, call.kwargs)):
                if tensor.made_by < 0 and id(tensor) not in self.states:
                    self._note(tensor, self._start(tensor))
            self._call(call)

    def axes_of(self, spec: TensorSpec) -> _Axes:
        """The axes of a tensor of the output."""
        axes = self.specs.get(id(spec), {})
        unclear = "branches or loops were merged" if self.branches else self.unclear
        if unclear:
            return dict.fromkeys(self.lengths, _NotKnown(unclear))
        merged = _NotKnown("its dimensions are merged in the output")
        return {n: merged if self._is_merged(s, spec) else s for n, s in axes.items()}

    def _is_merged(self, state: _State, spec: TensorSpec) -> bool:
        parts = self.merged.get(id(spec), ())
        return isinstance(state, _Placed) and state.dim in parts

    def _start(self, tensor: SymbolicTensor) -> _Axes:
        spec = tensor.spec
        axes: _Axes = {}
        for dim, name in _spatial(spec):
            name = f"{name} (dimension {dim})" if name in axes else name
            axes[name] = _Placed(dim, 0, Window())
            self.lengths[name] = spec.dims[dim]
        return axes

    def _note(
        self,
        tensor: SymbolicTensor,
        axes: _Axes,
        parts: tuple[tuple[Size, ...], ...] | None = None,
    ) -> None:
        self.states[id(tensor)] = axes
        self.parts[id(tensor)] = parts or tuple((size,) for size in tensor.spec.dims)
        self.specs[id(tensor.spec)] = axes
        several = {dim for dim, sizes in enumerate(self.parts[id(tensor)]) if len(sizes) > 1}
        self.merged[id(tensor.spec)] = several

    def _call(self, call: Call) -> None:
        operands = dict(_operands(call))
        names = dict.fromkeys(n for t in operands.values() for n in self.states.get(id(t), {}))
        traits = traits_of(call.func)
        self._check_writes(call)
        if traits.view is not View.NEVER:
            self.viewed.update(map(id, operands.values()))
        if not names or traits.creates is not None:
            return
        made = tensors(call.result)
        if call.func is torch.Tensor.__setitem__:
            made = list(operands.values())[:1]
        reach, why = self._reach(call), _NotKnown(f"{call.op} in {call.module or 'the model'}")
        for tensor in made:
            if traits.reach is reshaped:
                source = next(iter(operands.values()))
                self._reshape(source, tensor, why)
                continue
            axes = {name: _joined(self._through(operands, reach, name, why), why) for name in names}
            self._note(tensor, axes, self._parts(operands, reach or {}, tensor))

    def _check_writes(self, call: Call) -> None:
        """A write to memory that several tensors show is not followed.

        But for one of each element by itself (``relu_``), which depends on what it did before.
        """
        writes = written_by(call.func, call.args, call.kwargs)
        if writes == () and "out" not in call.kwargs:
            return
        every = tensors((call.args, call.kwargs))
        if traits_of(call.func).reach is pointwise and all(t is every[0] for t in every):
            return
        written = selected((*(writes or ()), OUT), call.args, call.kwargs)
        for target in tensors(call.args if writes is None else written):
            if not target.own or id(target) in self.viewed:
                self.unclear = f"{call.op} writes to memory that other tensors may share"

    def _parts(
        self, operands: Mapping[Any, SymbolicTensor], reach: Reach, tensor: SymbolicTensor
    ) -> tuple[tuple[Size, ...], ...]:
        """The sizes merged in each dimension, where an operand's dimension is carried whole."""
        result: list[tuple[Size, ...]] = [(size,) for size in tensor.spec.dims]
        for place, operand in operands.items():
            known = self.parts.get(id(operand), ())
            for to, (dim, taps) in reach.get(place, {}).items():
                carried = 0 <= to < len(result) and taps is SAME and dim < len(known)
                if carried and len(known[dim]) > 1:
                    result[to] = known[dim]
        return tuple(result)

    def _reach(self, call: Call) -> Reach | None:
        traits = traits_of(call.func)
        args, settings = _arguments(call)
        result = known_of(call.result)
        reach = traits.reach
        if reach is None:
            if not (traits.elementwise or traits.view is View.SAME):
                return None
            reach = pointwise
        try:
            known = {name: known_of(value) for name, value in settings.items()}
            found: Reach = reach(result, *map(known_of, args), **known)
        except (NoRule, TypeError, ValueError, IndexError, AttributeError):
            return None
        return found

    def _through(
        self, operands: Mapping[Any, SymbolicTensor], reach: Reach | None, name: str, why: _NotKnown
    ) -> Iterator[_State]:
        """What each operand contributes to the result along one axis of the input."""
        for place, tensor in operands.items():
            state = self.states.get(id(tensor), {}).get(name)
            if state is None:
                continue
            if not isinstance(state, _Placed):
                yield state
                continue
            along = None if reach is None else reach.get(place)
            if along is None:
                yield why
                continue
            carried = [(r, taps) for r, (dim, taps) in along.items() if dim == state.dim]
            merged = len(self.parts[id(tensor)][state.dim]) > 1
            if not carried:
                yield EVERYTHING if state.whole else why
                continue
            to, taps = carried[0]
            window = None
            if taps is not None and (taps is SAME or not merged):
                window = state.window.through(taps)
            whole = state.whole and taps is not None and not taps.crops
            yield why if window is None else _Placed(to, state.part, window, whole)

    def _reshape(self, source: SymbolicTensor, made: SymbolicTensor, why: _NotKnown) -> None:
        before = [
            (dim, part, size)
            for dim, sizes in enumerate(self.parts.get(id(source), ()))
            for part, size in enumerate(sizes)
        ]
        placed = _matched([size for _, _, size in before], list(made.spec.dims))
        parts: list[list[Size]] = [[] for _ in made.spec.dims]
        axes: _Axes = {}
        where: dict[tuple[int, int], tuple[int, int]] = {}
        if placed is not None:
            for (dim, part, size), to in zip(before, placed, strict=True):
                if to is not None:
                    where[dim, part] = to, len(parts[to])
                    parts[to].append(size)
        for name, state in self.states.get(id(source), {}).items():
            if isinstance(state, _Placed):
                to_part = where.get((state.dim, state.part))
                placed_again = to_part and _Placed(*to_part, state.window, state.whole)
                axes[name] = placed_again or why
            else:
                axes[name] = state
        sizes = tuple(tuple(p) or (s,) for p, s in zip(parts, made.spec.dims, strict=True))
        self._note(made, axes, sizes)


def _matched(old: list[Size], new: list[Size]) -> list[int | None] | None:
    """For each old size the new one that it is, or is a factor of; ``None`` inside: it is split.

    ``None`` if the sizes do not match in their order.
    """
    result: list[int | None] = []
    at = to = 0
    while at < len(old) or to < len(new):
        if at < len(old) and old[at] == 1 and (to == len(new) or new[to] != 1):
            result.append(None)
            at += 1
        elif to < len(new) and new[to] == 1 and (at == len(old) or old[at] != 1):
            to += 1
        elif at == len(old) or to == len(new):
            return None
        elif old[at] == new[to]:
            result.append(to)
            at, to = at + 1, to + 1
        else:
            several, into = _alike(old[at:], new[to:])
            if not several:
                return None
            result += [to if into == 1 else None] * several
            at, to = at + several, to + into
    return result


def _alike(old: list[Size], new: list[Size]) -> tuple[int, int]:
    """How many of the first sizes of each have one product, as few as can be; 0 if none do."""
    counts = ((a, b) for a in range(1, len(old) + 1) for b in range(1, len(new) + 1))
    for a, b in sorted(counts, key=sum):
        if product(old[:a]) == product(new[:b]):
            return a, b
    return 0, 0


def _operands(call: Call) -> Iterator[tuple[Any, SymbolicTensor]]:
    """The tensors among the arguments, each with its position, in a list with both."""
    args, settings = _arguments(call)
    for i, value in enumerate(args):
        if type(value) is SymbolicTensor:
            yield i, value
        elif isinstance(value, (list, tuple)):
            for k, inner in enumerate(value):
                if type(inner) is SymbolicTensor:
                    yield (i, k), inner
    for name, value in settings.items():
        for tensor in tensors(value):
            yield name, tensor


def _arguments(call: Call) -> tuple[tuple[Any, ...], dict[str, Any]]:
    args, settings = call.args, {k: v for k, v in call.kwargs.items() if k != "out"}
    if not args and "input" in settings:
        args = (settings.pop("input"),)
    return args, settings


def _joined(states: Iterable[_State], why: _NotKnown) -> _State:
    """What depends on all of these."""
    every = list(states)
    for state in every:
        if isinstance(state, _NotKnown):
            return state
    if not every or EVERYTHING in every:
        return EVERYTHING if every else why
    first, *others = (s for s in every if isinstance(s, _Placed))
    for other in others:
        window = first.window.joined(other.window)
        if window is None or (first.dim, first.part) != (other.dim, other.part):
            return why
        first = _Placed(first.dim, first.part, window, first.whole and other.whole)
    return first
