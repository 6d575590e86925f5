"""What is known of the elements of tensors, and how a write in memory ends it.

Known are the bounds of values made from sizes, whether they are reached, and of what an
element-wise result was made (:class:`.Origin`). Any tensor may be a view of
the one that is written to.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import torch

from archlint.ops.registry import TensorSpec
from archlint.ops.traits import View, traits_of, written_by
from archlint.ops.values.conditional_ranges import Origin
from archlint.ops.values.float_ranges import KNOWN
from archlint.ops.values.grid_calls import grids_of_call, has_grids
from archlint.ops.values.grids import with_grid
from archlint.ops.values.int_ranges import either, range_of
from archlint.ops.values.tight_bounds import reaching
from archlint.symbolic import Expr
from archlint.symbolic.formula import eq
from archlint.tracing.mask_counts import MASK_BYTES
from archlint.tracing.path import TracedPath
from archlint.tracing.tensors.aliasing import roots
from archlint.tracing.tensors.symbolic_tensor import SymbolicTensor, learn, symbolic_tensor
from archlint.tracing.trace import Call


class Elements:
    """What is known of the elements of the tensors of one run."""

    def __init__(self, path: TracedPath) -> None:
        self.path = path
        self._valued: list[weakref.ref[SymbolicTensor]] = []  # stand-ins whose elements are known
        self._places: dict[int, int] = {}  # where each is in the list, by its ``id``
        self._unowned: list[int] = []  # places of those whose memory may be that of others
        self._sorted = 0  # how many of the list have been looked at for this
        self._derived: list[TensorSpec] = []  # those that remember of what they were made
        self._writes: list[int] = []  # who made the tensors whose known values were written
        self._masks: dict[Any, tuple[TensorSpec, Sequence[Any]]] = {}  # by operator and operands
        self._gained = False  # a tensor is known by a write, and others of its memory are not

    def made(self, tensor: SymbolicTensor) -> None:
        """A rule gave this new tensor."""
        if isinstance(tensor.spec.values, KNOWN):
            self._add(tensor)

    def _add(self, tensor: SymbolicTensor) -> None:
        if self._place(tensor) is None:
            self._places[id(tensor)] = len(self._valued)
        self._valued.append(weakref.ref(tensor))

    def learn(
        self,
        call: Call,
        rule: Any,
        args: Sequence[Any] | None,
        settings: Mapping[str, Any],
        owns: bool,
    ) -> None:
        """Note what a call's result is, whose ``rule`` was given ``args`` and ``settings``.

        Without ``args`` it is a new tensor of floats of which nothing but its sizes is known;
        ``owns``: whether it has memory of its own.
        """
        result = call.result
        if args is None:
            if owns:
                learn(result, own=True)
            return
        single = type(result) is SymbolicTensor
        if single:
            if _is_argument(call, result):
                return
            if isinstance(result.spec.values, KNOWN):
                learn(result, spec=reaching(call.func, args, result.spec))
        else:
            _loosen(call, args)
        if has_grids(call.func) and not (single and result.spec.dtype.is_floating_point):
            self._follow_rows(call, rule, args, settings)
        traits = traits_of(call.func)
        if traits.view is View.NEVER and written_by(call.func, call.args, call.kwargs) == ():
            if single:
                learn(result, own=True)
                if result.spec.dtype is torch.bool:
                    self._share_mask(call, args, settings)
            else:
                _own(call)
        if not traits.elementwise or not single:
            return
        spec = call.result.spec
        if any(spec is a for a in args):
            return
        if traits.allocates:
            learn(call.result, own=True)
        origin = Origin.of(call.func, rule, args, settings)
        if origin is not None:
            spec.origin = origin
            self._derived.append(spec)

    def _follow_rows(
        self, call: Call, rule: Any, args: Sequence[Any], settings: Mapping[str, Any]
    ) -> None:
        """Note the bounds of rows, and those of all elements if these are narrower so."""
        result = call.result
        tensors = list(result) if isinstance(result, (tuple, list)) else [result]
        if any(type(t) is not SymbolicTensor or _is_argument(call, t) for t in tensors):
            return
        specs = [t.spec for t in tensors]
        grids = grids_of_call(self.path, call.func, rule, args, settings, specs)
        for tensor, grid in zip(tensors, grids, strict=True):
            if grid is not None:
                if not isinstance(tensor.spec.values, KNOWN):
                    self._valued.append(weakref.ref(tensor))
                learn(tensor, spec=with_grid(tensor.spec, grid))

    def _share_mask(self, call: Call, args: Sequence[Any], settings: Mapping[str, Any]) -> None:
        """Note masks that are made alike, which keep equally many elements until one is written."""
        result, traits = call.result, traits_of(call.func)
        if settings or traits.random or traits.creates is not None:
            return
        if not all(isinstance(a, (TensorSpec, int, float, Expr)) for a in args):
            return
        key = (call.func, *(_operand(a) for a in args))
        first, _ = self._masks.setdefault(key, (result.spec, args))
        self.path.masks.unite(result.spec, first)

    def write(self, target: Any, before: TensorSpec, result: TensorSpec) -> Any:
        """What an in-place operator returns, once its ``result`` is in ``target``."""
        if before.dims != result.dims:
            for have, get in zip(before.dims, result.dims, strict=False):
                self.path.claim(eq(have, get), "in-place result size {} == own size {}", get, have)
        if len(result.dims) != len(before.dims):
            self.path.claim(
                False,
                f"an in-place result of {len(before.dims)} dimensions, gets {len(result.dims)}",
            )
        if type(target) is SymbolicTensor:
            self.written(target, result.values, result.values)
            return target
        made = symbolic_tensor(before)
        learn(made, shares=roots(target, self.path.calls_so_far))
        return made

    def put(self, target: Any, before: TensorSpec, value: Any) -> None:
        """Some elements of ``target`` became those of ``value``, a tensor or a number."""
        loose = before.loose or getattr(value, "loose", False)
        put = value.values if isinstance(value, TensorSpec) else range_of(value)
        self.written(target, before.values, put, loose)

    def written(self, target: Any, had: Any, put: Any, loose: bool = False) -> None:
        """Memory was written through ``target``: what was known of other tensors ends.

        Its own values are still known from the bounds that it ``had`` and what was ``put``;
        ``loose``: whether either may not reach them.
        """
        if type(target) is not SymbolicTensor:
            return
        self.forget_origins()
        if target.spec.dtype.itemsize == MASK_BYTES:
            self._masks.clear()
            self.path.masks.forget()
        else:  # masks that were made of masks are what they were
            for key in [k for k, m in self._masks.items() if not all(map(_is_mask, m[1]))]:
                del self._masks[key]
        if isinstance(target.spec.values, KNOWN) or self._gained:
            mine: Sequence[Any] | None = None
            for other in self._others(target):
                if mine is None:
                    mine = roots(target, self.path.calls_so_far)
                if not self._apart(mine, other):
                    learn(other, spec=other.spec.like(other.spec.dims, strides=other.spec.strides))
        known = had
        if had != put:
            known, loose = either(self.path, had, put, target.spec.dtype), True
        if known is not None or target.spec.values is not None:
            self._writes.append(target.made_by)
        if isinstance(known, KNOWN):
            self._gained = True  # and views that are made later do not know its elements
            if not isinstance(target.spec.values, KNOWN):
                self._add(target)
        learn(
            target,
            spec=target.spec.like(target.spec.dims, strides=target.spec.strides, values=known),
        )
        target.spec.loose = loose

    def _apart(self, mine: Sequence[Any], other: SymbolicTensor) -> bool:
        """Whether ``other`` has no memory of the roots ``mine``, because all came to be as new."""
        if not all(map(_is_new, mine)):
            return False
        its = roots(other, self.path.calls_so_far)
        return all(map(_is_new, its)) and not any(a is b for a in mine for b in its)

    def _others(self, target: SymbolicTensor) -> Iterator[SymbolicTensor]:
        """The tensors of the list that may have memory in common with the target.

        What an operator has in memory of its own, nothing that was there before is a view of, nor
        is what another operator has in memory of its own.
        """
        first = 0
        places: Iterable[int]
        if target.own:
            for at in range(self._sorted, len(self._valued)):
                tensor = self._valued[at]()
                if tensor is not None and not tensor.own:
                    self._unowned.append(at)
            self._sorted = len(self._valued)
            first, places = self._place(target) or 0, self._unowned
        else:
            places = range(len(self._valued))
        for at in places:
            valued = self._valued[at]() if at >= first else None
            for other in () if valued is None else _with_copies(valued):
                if other is not target and not (target.own and other.own):
                    yield other
        if target.own and target.copies is not None:
            yield from (other for other in _with_copies(target) if other is not target)

    def _place(self, tensor: SymbolicTensor) -> int | None:
        """Where in the list the tensor is."""
        at = self._places.get(id(tensor))
        return at if at is not None and self._valued[at]() is tensor else None

    def ran_kernel(self, func: Any, settings: Mapping[str, Any]) -> None:
        """A kernel may have written any memory, or have viewed it as of another dtype."""
        traits = traits_of(func)
        if traits.view is View.NEVER and traits.writes == () and "out" not in settings:
            return
        self.forget_masks()
        self.path.masks.followed = False

    def forget_masks(self) -> None:
        """Any memory may be written, such as by the turns of a loop that one turn stands for."""
        self.forget_origins()
        self._masks.clear()
        self.path.masks.forget()

    def forget_origins(self) -> None:
        """Some memory may have been written."""
        for spec in self._derived:
            spec.origin = None
        self._derived.clear()

    def mark_writes(self, calls: int) -> Callable[[], bool]:
        """A function: whether no value that the first ``calls`` made has been written since now."""
        writes = len(self._writes)
        return lambda: all(made >= calls for made in self._writes[writes:])


def _with_copies(tensor: SymbolicTensor) -> Iterable[SymbolicTensor]:
    """The tensor and those that stand for elements of one list with it."""
    if tensor.copies is None:
        return (tensor,)
    return [copy for copy in (reference() for reference in tensor.copies) if copy is not None]


def _is_new(root: Any) -> bool:
    return type(root) is SymbolicTensor and root.own


def _is_mask(operand: Any) -> bool:
    return not isinstance(operand, TensorSpec) or operand.dtype.itemsize == MASK_BYTES


def _operand(value: Any) -> Any:
    """A key of an operand, the same for the same tensor, or for equal numbers of one type."""
    return id(value) if isinstance(value, TensorSpec) else (type(value), value)


def _is_argument(call: Call, result: Any) -> bool:
    """Whether a result is one of the arguments, not a new tensor."""
    if type(result) is SymbolicTensor:
        for argument in call.args:
            if result is argument:
                return True
    return False


def _own(call: Call) -> None:
    """Mark those of several results that have memory of their own."""
    for tensor in call.result if isinstance(call.result, (tuple, list)) else ():
        if type(tensor) is SymbolicTensor and not _is_argument(call, tensor):
            learn(tensor, own=True)


def _loosen(call: Call, operands: Sequence[Any]) -> None:
    """Say of each of several results whether it reaches the bounds of its values."""
    for tensor in call.result if isinstance(call.result, (tuple, list)) else ():
        if type(tensor) is not SymbolicTensor or _is_argument(call, tensor):
            continue
        if isinstance(tensor.spec.values, KNOWN):
            learn(tensor, spec=reaching(call.func, operands, tensor.spec))
