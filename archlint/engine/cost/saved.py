"""What autograd keeps of a path until the backward pass, module by module, at the least.

Each call keeps what its derivative needs (:mod:`archlint.ops.rules.saved_tensors`), if its result
requires gradients. Memory counts once, and not where it is a weight's. Where a view may be a copy,
or a copy a view, the smaller of both counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from archlint.engine.cost.amount import Amount, one_of_each
from archlint.engine.cost.flops import ByModule, added, outermost
from archlint.ops.registry import INPLACE
from archlint.ops.traits import Saves, View, is_inplace, traits_of
from archlint.symbolic import Size
from archlint.symbolic.quantify_unknowns import unknowns_in
from archlint.tracing.call_log import CallLog, MergedCalls, Span
from archlint.tracing.fx_graph import tensors, weights
from archlint.tracing.tensors.aliasing import bases_of
from archlint.tracing.tensors.autograd import requires_grad
from archlint.tracing.tensors.specs import known_of
from archlint.tracing.tensors.symbolic_tensor import SymbolicTensor
from archlint.tracing.trace import Call, Trace

_DETACHED = frozenset((torch.Tensor.detach, torch.detach, torch.Tensor.detach_, torch.detach_))
_MAY_COPY = frozenset((
    torch.reshape, torch.Tensor.reshape, torch.Tensor.reshape_as, torch.flatten,
    torch.Tensor.flatten, torch.ravel, torch.Tensor.ravel,
))  # fmt: skip
_NOTHING = Saves()


def saved(trace: Trace, dtype: torch.dtype | None = None) -> ByModule:
    """The bytes kept, by module; ``dtype`` is what floating-point tensors would have."""
    count = _Saved(trace, dtype)
    found = count.stretch(trace.calls, 0, len(trace.calls), trace.log)
    return {module: amount for module, amount in found.items() if amount != Amount()}


class _Saved:
    """The tensors of a path that require gradients, and the memory that is kept so far."""

    def __init__(self, trace: Trace, dtype: torch.dtype | None) -> None:
        self.dtype = dtype
        self.required: set[int] = set()
        self.kept: dict[int, SymbolicTensor] = {}  # whole memories, by the tensor made first
        self.parts: dict[int, dict[int, dict[Any, Size]]] = {}  # of others: by group, by part
        self.trained: dict[int, bool] = {}  # whether weights require gradients
        self.elements: dict[tuple[Size, ...], Size] = {}  # of tensors of these sizes
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
        if not isinstance(span, MergedCalls):  # a loop, whose turns may each free what they made
            self._follow(calls[span.first : span.end])
            return {}
        before = set(self.kept)
        cases = [(span.when, self.stretch(calls, span.first, span.end, inside))]
        for branch in span.others:
            kept, self.kept = self.kept, {k: t for k, t in self.kept.items() if k in before}
            other = [*calls[: branch.start], *branch.calls]
            cases.append((branch.when, self.stretch(other, branch.start, len(other), branch.log)))
            self.kept |= kept
        return one_of_each(cases)

    def _plain(self, calls: Sequence[Call], start: int, end: int) -> ByModule:
        self.calls = list(calls) if not isinstance(calls, list) else calls
        sums: dict[str, Size] = {}
        for call in calls[start:end]:
            size = self._call(call)
            if size != 0 and not unknowns_in(size):
                sums[call.module] = sums.get(call.module, 0) + size
        return {module: Amount(size) for module, size in sums.items()}

    def _follow(self, calls: Sequence[Call]) -> None:
        for call in calls:
            self._requires(call)

    def _requires(self, call: Call) -> bool:
        """Whether the result requires gradients, which later calls look up."""
        if call.func in _DETACHED or traits_of(call.func).creates is not None:
            return False
        arguments = (call.args, call.kwargs) if call.kwargs else call.args
        if not (
            any(id(t) in self.required for t in tensors(arguments))
            or any(map(self._needs, weights(arguments)))
        ):
            return False
        floating = [t for t in tensors(call.result) if _floating(t)]
        self.required.update(map(id, floating))
        if call.func is torch.Tensor.__setitem__:
            self.required.update(map(id, tensors(call.args[:1])))
        return bool(floating)

    def _call(self, call: Call) -> Size:
        traits = traits_of(call.func)
        saves = traits.saves
        if saves is None:
            saves = Saves(factors=traits.factors, laid_out=True) if traits.factors else _NOTHING
        before = {at for at in saves.factors if self._needs(_argument(call, at))}
        if not self._requires(call) or saves is _NOTHING:
            return 0
        fixed = saves.operands
        specs: tuple[Any, ...] = ()
        settings: dict[str, Any] = {}
        if saves.extra is not None or callable(fixed):
            specs, settings = known_of(call.args), {k: known_of(v) for k, v in call.kwargs.items()}
            settings.pop("out", None)
        positions = dict.fromkeys(fixed(*specs, **settings) if callable(fixed) else fixed)
        positions |= dict.fromkeys(at for at in saves.factors if before - {at})
        writes = call.func in INPLACE or is_inplace(call.func, call.args, call.kwargs)
        size: Size = 0
        for at in positions:
            tensor = _argument(call, at)
            if type(tensor) is not SymbolicTensor:
                continue
            if writes and at == 0:
                made = call.result if type(call.result) is SymbolicTensor else tensor
                more = self._keep(made, False) if saves.in_place else self._bytes(tensor)
            else:
                more = self._keep(tensor, saves.laid_out)
            size = size + more
        if saves.result:
            size = size + sum((self._keep(t, False) for t in tensors(call.result)[:1]), start=0)
        if saves.extra is not None:
            size = size + saves.extra(known_of(call.result), *specs, **settings)
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
        owner, whole, group, part = self._lineage(tensor)
        if id(owner) in self.kept:
            return 0
        if self._numel(tensor) == self._numel(owner) or (whole and not laid_out):
            self.kept[id(owner)] = owner
            already = _most(self.parts.pop(id(owner), {}))
            return self._bytes(owner) - already
        groups = self.parts.setdefault(id(owner), {})
        already = _most(groups)
        self.alive.append(group)
        groups.setdefault(id(group), {})[part] = self._bytes(tensor)
        return _most(groups) - already

    def _lineage(self, tensor: SymbolicTensor) -> tuple[SymbolicTensor, bool, Any, Any]:
        """The tensor whose memory it is, whether it surely is, and which piece of what it is."""
        whole = True
        group: Any = tensor
        part: Any = None
        while True:
            made = self.calls[tensor.made_by] if 0 <= tensor.made_by < len(self.calls) else None
            bases = bases_of(made, tensor) if made is not None and not tensor.shares else []
            if made is None or len(bases) != 1 or type(bases[0]) is not SymbolicTensor:
                return tensor, whole, group, part
            view = traits_of(made.func).view
            whole = whole and view is not View.SAME and made.func not in _MAY_COPY
            if view is View.PIECES and part is None:
                group, part = made, id(tensor)
            elif view is View.SUBSCRIPT and part is None and type(made.args[1]) is int:
                group, part = bases[0], made.args[1]
            elif view in (View.UNKNOWN, View.EACH, View.ALONE):
                whole = False
            tensor = bases[0]

    def _bytes(self, tensor: SymbolicTensor) -> Size:
        own = tensor.spec.dtype
        if self.dtype is not None and own.is_floating_point:
            own = self.dtype
        return self._numel(tensor) * own.itemsize


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
