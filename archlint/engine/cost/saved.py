"""What autograd keeps of a path until the backward pass, module by module, at the least.

Each call keeps what its derivative needs (:mod:`archlint.ops.rules.saved_tensors`), if its result
requires gradients. Memory counts once, and not where it is a weight's. Where a view may be a copy,
or a copy a view, the smaller of both counts. A checkpoint keeps what is passed to it, and a
``torch.autograd.Function`` what its ``forward`` saves; where the model's code switches gradients
off, nothing is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import torch

from archlint.engine.cost.amount import Amount, one_of_each, smallest
from archlint.engine.cost.flops import ByModule, added, outermost
from archlint.ops.registry import INPLACE
from archlint.ops.traits import Function, Saves, View, is_inplace, traits_of
from archlint.symbolic import Size, minimum, product, summed
from archlint.symbolic.quantify_unknowns import unknowns_in
from archlint.tracing.call_log import CallLog, MergedCalls, RepeatedCalls, Span
from archlint.tracing.call_scopes import Around
from archlint.tracing.fx_graph import tensors
from archlint.tracing.tensors.aliasing import bases_of
from archlint.tracing.tensors.autograd import requires_grad
from archlint.tracing.tensors.specs import known_of
from archlint.tracing.tensors.symbolic_tensor import SymbolicTensor
from archlint.tracing.trace import Call, Trace
from archlint.tracing.trees import LEAVES, leaves

_DETACHED = frozenset((torch.Tensor.detach, torch.detach, torch.Tensor.detach_, torch.detach_))
_MAY_COPY = frozenset((
    torch.reshape, torch.Tensor.reshape, torch.Tensor.reshape_as, torch.flatten,
    torch.Tensor.flatten, torch.ravel, torch.Tensor.ravel,
))  # fmt: skip
_ONE_PLACE = frozenset((
    View.SAME, View.WHOLE, View.PIECES, View.SUBSCRIPT, View.SELECT, View.NARROW,
))  # fmt: skip
_NOTHING = Saves()


def saved(trace: Trace, dtype: torch.dtype | None = None) -> ByModule:
    """The bytes kept, by module; ``dtype`` is what floating-point tensors would have.

    Where values choose between calls, it is the least of what they choose between.
    """
    found, *others = (_saved_of(t, dtype) for t in (trace, *trace.others))
    if all(other == found for other in others):
        return found
    every = [found, *others]
    least = {m: smallest(each.get(m, Amount()) for each in every) for m in found}
    return {module: amount for module, amount in least.items() if amount != Amount()}


def _saved_of(trace: Trace, dtype: torch.dtype | None) -> ByModule:
    count = _Saved(trace, dtype)
    found = count.stretch(trace.calls, 0, len(trace.calls), trace.log)
    return {module: amount for module, amount in found.items() if amount != Amount()}


class _Saved:
    """The tensors of a path that require gradients, and the memory that is kept so far."""

    def __init__(self, trace: Trace, dtype: torch.dtype | None) -> None:
        self.dtype = dtype
        self.required: set[int] = set()
        self.kept: set[int] = set()  # whole memories, by the tensor made first
        self.parts: dict[int, dict[int, dict[Any, Size]]] = {}  # of others: by group, by part
        self.trained: dict[int, bool] = {}  # whether weights require gradients
        self.elements: dict[tuple[Size, ...], Size] = {}  # of tensors of these sizes
        self.functions: set[int] = set()  # the calls of autograd functions and checkpoints so far
        self.entries: list[tuple[int, Size]] = []  # of each vmap: its first call, and how many
        self.calls: list[Call] = []
        self.alive: list[Any] = []  # what is compared by ``id``

    def stretch(self, calls: Sequence[Call], start: int, end: int, log: CallLog) -> ByModule:
        """What the calls ``start`` up to ``end`` keep; ``calls`` begins with the first of all."""
        parts: list[ByModule] = []
        position = start
        for span in outermost([s for s in log.spans() if start <= s.first and s.end <= end]):
            parts.append(self._plain(calls, position, span.first))
            parts.append(self._span(calls, span, log.within(span)))
            position = span.end
        parts.append(self._plain(calls, position, end))
        return added(parts)

    def _span(self, calls: Sequence[Call], span: Span, inside: CallLog) -> ByModule:
        if isinstance(span, RepeatedCalls) and span.at_once:
            return self._at_once(calls, span, inside)
        if not isinstance(span, MergedCalls):  # a loop, whose turns may each free what they made
            self._follow(calls[span.first : span.end])
            return {}
        before = set(self.kept)
        cases = [(span.when, self.stretch(calls, span.first, span.end, inside))]
        for branch in span.others:
            kept, self.kept = self.kept, self.kept & before
            other = [*calls[: branch.start], *branch.calls]
            cases.append((branch.when, self.stretch(other, branch.start, len(other), branch.log)))
            self.kept |= kept
        return one_of_each(cases)

    def _at_once(self, calls: Sequence[Call], span: RepeatedCalls, inside: CallLog) -> ByModule:
        """What the function of a ``vmap`` keeps: for each entry what is made for it."""
        self.entries.append((span.first, span.last))
        kept = self.stretch(calls, span.first, span.end, inside)
        self.entries.pop()
        return kept

    def _times(self, made_by: int) -> Size:
        """How often a call was made in the functions of ``vmap`` that it is in."""
        if not self.entries:
            return 1
        return product(count for first, count in self.entries if made_by >= first)

    def _plain(self, calls: Sequence[Call], start: int, end: int) -> ByModule:
        self.calls = list(calls) if not isinstance(calls, list) else calls
        sizes: dict[str, list[Size]] = {}
        for call in calls[start:end]:
            size = self._call(call)
            if size != 0 and not unknowns_in(size):
                sizes.setdefault(call.module, []).append(size)
        return {module: Amount(summed(each)) for module, each in sizes.items()}

    def _follow(self, calls: Sequence[Call]) -> None:
        for call in calls:
            self._around(call)
            self._requires(call)

    def _around(self, call: Call) -> Size:
        """What the scopes keep that begin with this call."""
        size: Size = 0
        for scope in call.scopes:
            if not scope.recorded or scope.around is Around.KERNEL:
                continue
            function = scope.around is Around.FUNCTION
            if id(scope) not in self.functions:
                self.functions.add(id(scope))
                if not function or self._needed(scope.args):
                    size = size + sum((self._keep(t, False) for t in tensors(scope.saved)), start=0)
                    made = tensors(scope.result) if function else ()
                    self.required.update(id(t) for t in made if _floating(t))
            return size  # what is inside it keeps nothing
        return size

    def _needed(self, arguments: Any) -> bool:
        """Whether one of them requires gradients."""
        kind = type(arguments)
        if kind is SymbolicTensor:
            return id(arguments) in self.required
        if kind is tuple or kind is list:
            for part in arguments:  # noqa: SIM110 - quicker than any()
                if self._needed(part):
                    return True
            return False
        if kind in LEAVES:
            return False
        if isinstance(arguments, torch.Tensor):
            return self._needs(arguments)
        return any(map(self._needs, leaves(arguments)))

    def _requires(self, call: Call) -> bool:
        """Whether the result requires gradients, which later calls look up."""
        if not call.recorded or (
            call.scopes and any(s.around is Around.FUNCTION for s in call.scopes)
        ):
            return False
        if _has_no_gradients(call.func):
            return False
        if not self._needed((call.args, call.kwargs) if call.kwargs else call.args):
            return False
        single = type(call.result) is SymbolicTensor
        made = (call.result,) if single else tensors(call.result)
        floating = {id(t) for t in made if _floating(t)}
        self.required |= floating
        if call.func is torch.Tensor.__setitem__:
            self.required.update(map(id, tensors(call.args[:1])))
        return bool(floating)

    def _call(self, call: Call) -> Size:
        if call.scopes and any(s.recorded and s.around is not Around.KERNEL for s in call.scopes):
            self._requires(call)
            return self._around(call)
        saves = _saves_of(call.func)
        if saves is _NOTHING:
            self._requires(call)
            return 0
        factors = saves.factors
        before = {at for at in factors if self._needs(_argument(call, at))} if factors else set()
        if not self._requires(call):
            return 0
        fixed = saves.operands
        specs: tuple[Any, ...] = ()
        settings: dict[str, Any] = {}
        if saves.extra is not None or saves.elements is not None or callable(fixed):
            specs, settings = known_of(call.args), {k: known_of(v) for k, v in call.kwargs.items()}
            settings.pop("out", None)
        positions = dict.fromkeys(fixed(*specs, **settings) if callable(fixed) else fixed)
        if before:
            positions |= dict.fromkeys(at for at in factors if before - {at})
        size: Size = 0
        for at in positions:
            tensor = _argument(call, at)
            if type(tensor) is not SymbolicTensor:
                continue
            if at == 0 and (call.func in INPLACE or is_inplace(call.func, call.args, call.kwargs)):
                made = call.result if type(call.result) is SymbolicTensor else tensor
                copied = self._bytes(tensor) * self._times(len(self.calls))
                more = self._keep(made, False) if saves.in_place else copied
            else:
                more = self._keep(tensor, saves.laid_out)
            size = size + more
        if saves.result:
            size = size + sum((self._keep(t, False) for t in tensors(call.result)[:1]), start=0)
        if saves.extra is not None:
            extra = saves.extra(known_of(call.result), *specs, **settings)
            size = size + extra * self._times(len(self.calls))
        if saves.elements is not None:
            made = next(t for t in (*tensors(call.args), *tensors(call.kwargs)) if _floating(t))
            count = saves.elements(known_of(call.result), *specs, **settings)
            size = size + count * self._itemsize(made) * self._times(len(self.calls))
        return size

    def _needs(self, value: Any) -> bool:
        if type(value) is SymbolicTensor:
            return id(value) in self.required
        if not isinstance(value, torch.Tensor):
            return False
        if id(value) not in self.trained:
            self.alive.append(value)
            self.trained[id(value)] = requires_grad(value) is True
        return self.trained[id(value)]

    def _numel(self, tensor: SymbolicTensor) -> Size:
        dims = tensor.spec.dims
        numel = self.elements.get(dims)
        if numel is None:
            numel = self.elements[dims] = tensor.spec.numel()
        return numel

    def _keep(self, tensor: SymbolicTensor, laid_out: bool) -> Size:
        """The bytes that are kept for a tensor and were not before."""
        owner, whole, repeats, group, part = self._lineage(tensor)
        if owner is None or id(owner) in self.kept:
            return 0
        if tensor is owner or self._numel(tensor) == self._numel(owner) or (whole and not laid_out):
            self.kept.add(id(owner))
            already = _most(self.parts.pop(id(owner), {}))
            return self._bytes(owner) * self._times(owner.made_by) - already
        groups = self.parts.setdefault(id(owner), {})
        already = _most(groups)
        self.alive.append(group)
        size = self._bytes(tensor)
        if repeats and size != self._bytes(owner):
            size = minimum(size, self._bytes(owner))
        size = size * self._times(owner.made_by)
        groups.setdefault(id(group), {})[part] = size
        return _most(groups) - already

    def _lineage(
        self, tensor: SymbolicTensor
    ) -> tuple[SymbolicTensor | None, bool, bool, Any, Any]:
        """The tensor whose memory it is, whether it surely is, and which piece of what it is.

        ``None`` if it may be a weight's. The third: whether an element may be in several places.
        """
        whole, repeats = True, False
        group: Any = tensor
        part: Any = None
        while True:
            made = self.calls[tensor.made_by] if 0 <= tensor.made_by < len(self.calls) else None
            bases = bases_of(made, tensor) if made is not None and not tensor.shares else []
            if made is None or len(bases) != 1:
                return tensor, whole, repeats, group, part
            base = bases[0]
            if type(base) is not SymbolicTensor:
                return None, whole, repeats, group, part  # of a weight
            view = traits_of(made.func).view
            repeats = repeats or view not in _ONE_PLACE
            whole = whole and view is not View.SAME and made.func not in _MAY_COPY
            if view is View.PIECES and part is None:
                group, part = made, id(tensor)
            elif view is View.SUBSCRIPT and part is None and type(made.args[1]) is int:
                group, part = base, made.args[1]
            elif view in (View.UNKNOWN, View.EACH, View.ALONE):
                whole = False
            tensor = base

    def _itemsize(self, tensor: SymbolicTensor) -> int:
        own = tensor.spec.dtype
        if self.dtype is not None and own.is_floating_point:
            own = self.dtype
        return own.itemsize

    def _bytes(self, tensor: SymbolicTensor) -> Size:
        return self._numel(tensor) * self._itemsize(tensor)


@lru_cache(maxsize=8192)  # traits are looked up by each call of an operator
def _saves_of(function: Function) -> Saves:
    """What an operator keeps; of products, the factors."""
    traits = traits_of(function)
    if traits.saves is not None:
        return traits.saves
    return Saves(factors=traits.factors, laid_out=True) if traits.factors else _NOTHING


@lru_cache(maxsize=8192)
def _has_no_gradients(function: Function) -> bool:
    """Whether the results of an operator never require gradients."""
    return function in _DETACHED or traits_of(function).creates is not None


def _argument(call: Call, at: int) -> Any:
    if at < len(call.args):
        return call.args[at]
    return call.kwargs.get("input") if at == 0 else None


def _floating(tensor: SymbolicTensor) -> bool:
    dtype = tensor.spec.dtype
    return dtype.is_floating_point or dtype.is_complex


def _most(groups: Mapping[int, Mapping[Any, Size]]) -> Size:
    """The bytes of the group that is known to be largest, else of the first."""
    best: Size = 0
    for parts in groups.values():
        size: Size = 0
        for one in parts.values():
            size = size + one
        more = size - best
        if isinstance(more, int):
            best = size if more > 0 else best
        elif more.const >= 0 and all(c > 0 for _, c in more.terms):
            best = size
    return best
