"""The memory of activations: what must be alive at once when a path runs, at the least.

A call needs its arguments and its results, and every tensor that a later call reads was made
before. Their storages are added up, each once, at each call; a result that may be a view counts as
one. Python may keep more alive, and kernels take memory of their own, so this is a lower bound of
the peak of an eager run without gradients. The model's inputs stay alive: the caller has them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch

from archlint.engine.cost.amount import Amount, plainly_larger, product_text
from archlint.symbolic import Size, evaluate, maximum, minimum
from archlint.symbolic.quantify_unknowns import unknowns_in
from archlint.tracing.call_scopes import Around
from archlint.tracing.fx_graph import tensors
from archlint.tracing.tensors.aliasing import bases_of, roots
from archlint.tracing.tensors.symbolic_tensor import SymbolicTensor
from archlint.tracing.trace import Call, Trace
from archlint.tracing.trees import leaves

Interval = tuple[int, int, int]
"""The calls before which a storage is made and last read, and which size of a list it has."""

_SIDES = (1, 40, 224, 2048)


@dataclass(frozen=True)
class Peak:
    """The largest of ``sizes`` in bytes, which are what is alive at the calls ``moments``."""

    sizes: tuple[Size, ...] = (0,)
    moments: tuple[int, ...] = (-1,)

    def at(self, sizes: Mapping[str, int]) -> int:
        """The value at concrete sizes. ``ZeroDivisionError`` where a divisor is 0."""
        return max(evaluate(s, sizes) for s in self.sizes)

    def or_more(self, amount: Amount) -> Amount | Peak:
        """The larger of both; the amount alone where parts of it have conditions."""
        if amount.parts:
            return amount
        kept = [
            pair
            for pair in zip(self.sizes, self.moments, strict=True)
            if pair[0] != amount.always and not plainly_larger(amount.always, pair[0])
        ]
        if any(plainly_larger(size, amount.always) for size, _ in kept):
            return Peak(*zip(*kept, strict=True))
        return Peak((amount.always, *(s for s, _ in kept)), (-1, *(m for _, m in kept)))

    def __str__(self) -> str:
        texts = [product_text(s) for s in self.sizes]
        return texts[0] if len(texts) == 1 else f"max({', '.join(texts)})"

    def moment(self, sizes: Mapping[str, int]) -> int:
        """The index of the call at which it is reached; -1 before the first."""
        pairs = zip(self.sizes, self.moments, strict=True)
        return max(pairs, key=lambda pair: evaluate(pair[0], sizes))[1]


def peak(trace: Trace, dtype: torch.dtype | None = None) -> Peak:
    """What must be alive at once; ``dtype`` is what floating-point tensors would have.

    Where values choose between calls, it is the least of what they choose between.
    """
    found, *others = (_peak_of(t, dtype) for t in (trace, *trace.others))
    if all(other.sizes == found.sizes for other in others):
        return found
    least = minimum(*(maximum(*each.sizes) for each in (found, *others)))
    return Peak((least,), found.moments[:1])


def _peak_of(trace: Trace, dtype: torch.dtype | None) -> Peak:
    found = _Storages(trace, dtype)
    storages, sizes = list(found.intervals()), list(found.sizes)
    moments = dict.fromkeys(
        _largest_moment(storages, amounts)
        for point in (*_points(list(trace.path.env)), trace.path.env)
        if (amounts := _evaluated(sizes, point)) is not None
    )
    sums = {
        m: sum(sizes[size] for birth, death, size in storages if birth <= m <= death)
        for m in moments
    }
    kept = [
        m for m, size in sums.items() if not any(plainly_larger(s, size) for s in sums.values())
    ]
    return Peak(tuple(sums[m] for m in kept), tuple(kept))


class _Storages:
    """The memory that a path makes, by the tensor that it was made for.

    ``sizes``: the different sizes in bytes, each with its place in their order.
    """

    def __init__(self, trace: Trace, dtype: torch.dtype | None) -> None:
        self.trace = trace
        self.dtype = dtype
        self.sizes: dict[Size, int] = {}
        self._elements: dict[tuple[Size, ...], Size] = {}  # of tensors of these sizes
        self._owners: dict[int, SymbolicTensor | None] = {}
        self._last_use: dict[int, int] = {}
        self._found: dict[int, SymbolicTensor] = {}
        end = len(trace.calls)
        returned = {id(spec) for spec in leaves(trace.output)}
        found, last_use = self._found, self._last_use
        for index, call in enumerate(trace.calls):
            used = tensors(call.args)
            used += tensors(call.kwargs) if call.kwargs else []
            for tensor in (*used, *tensors(call.result)):
                key = id(tensor)
                if key not in found:
                    found[key] = tensor
                last_use[key] = index
        for module in trace.log.modules:  # Python holds the arguments while a module runs
            for tensor in tensors(module.args):
                found[id(tensor)] = tensor
                last_use[id(tensor)] = max(last_use.get(id(tensor), -1), module.end - 1)
        for key, tensor in found.items():
            if tensor.made_by < 0 or id(tensor.spec) in returned:
                last_use[key] = end

    def intervals(self) -> Iterator[Interval]:
        """When each storage is made, when it is last read, and its bytes."""
        deaths: dict[int, int] = {}
        storages: dict[int, SymbolicTensor] = {}
        for key, tensor in self._found.items():
            owner = self._owner(tensor)
            if owner is None:
                continue
            if tensor is not owner and self._numel(tensor) != self._numel(owner):
                continue  # perhaps a copy, and a smaller one
            storages[id(owner)] = owner
            deaths[id(owner)] = max(deaths.get(id(owner), -1), self._last_use[key])
        spans = self.trace.log.spans()
        kernels = _in_kernels(self.trace.calls)
        for key, owner in storages.items():
            birth, death = owner.made_by, deaths[key]
            # The size must be that of every branch and turn that the calls stand for.
            if any(s.first <= birth and death < s.end for s in spans):
                continue
            if birth in kernels and birth <= death < kernels[birth]:
                continue  # a kernel may do without it
            size = self._numel(owner) * self._itemsize(owner)
            at = self.sizes.get(size)
            if at is None:
                if size == 0 or unknowns_in(size):
                    continue
                at = self.sizes[size] = len(self.sizes)
            yield birth, death, at

    def _owner(self, tensor: SymbolicTensor) -> SymbolicTensor | None:
        """The tensor that the memory was made for; ``None`` if it may be one of several."""
        key = id(tensor)
        if key not in self._owners:
            self._owners[key] = self._first_owner(tensor)
        return self._owners[key]

    def _first_owner(self, tensor: SymbolicTensor) -> SymbolicTensor | None:
        calls = self.trace.calls
        if not tensor.shares:
            if not 0 <= tensor.made_by < len(calls):
                return tensor
            bases = bases_of(calls[tensor.made_by], tensor)
            if not bases:
                return tensor
            if len(bases) == 1:
                base = bases[0]
                return self._owner(base) if type(base) is SymbolicTensor else None
        owners = roots(tensor, calls)
        if len(owners) != 1 or type(owners[0]) is not SymbolicTensor:
            return None
        return owners[0] if owners[0] is tensor else self._owner(owners[0])

    def _numel(self, tensor: SymbolicTensor) -> Size:
        dims = tensor.spec.dims
        numel = self._elements.get(dims)
        if numel is None:
            numel = self._elements[dims] = tensor.spec.numel()
        return numel

    def _itemsize(self, tensor: SymbolicTensor) -> int:
        own = tensor.spec.dtype
        return (self.dtype if self.dtype is not None and own.is_floating_point else own).itemsize


def _in_kernels(calls: Sequence[Call]) -> dict[int, int]:
    """The calls in whose place PyTorch runs one kernel, each with the end of that kernel's."""
    ends: dict[int, int] = {}
    end, of = 0, None
    for index in reversed(range(len(calls))):
        kernel = next((s for s in calls[index].scopes if s.around is Around.KERNEL), None)
        if kernel is not None:
            end = end if kernel is of else index + 1
            ends[index] = end
        of = kernel
    return ends


def _points(names: list[str]) -> list[dict[str, int]]:
    """Sizes at which the moments are looked for; at others the bound may be too low, never high."""
    images = [{n: side if i else 1 for i, n in enumerate(names)} for side in _SIDES]
    return images + [dict.fromkeys(names, side) for side in _SIDES]


def _evaluated(sizes: Sequence[Size], point: Mapping[str, int]) -> list[int] | None:
    """The values at a point; ``None`` where a divisor is 0: the path is about other sizes."""
    try:
        return [evaluate(size, point) for size in sizes]
    except ZeroDivisionError:
        return None


def _largest_moment(storages: Sequence[Interval], bytes_of_size: Sequence[int]) -> int:
    changes: dict[int, int] = {-1: 0}
    for birth, death, size in storages:
        changes[birth] = changes.get(birth, 0) + bytes_of_size[size]
        changes[death + 1] = changes.get(death + 1, 0) - bytes_of_size[size]
    alive, most, at = 0, 0, -1
    for moment in sorted(changes):
        alive += changes[moment]
        if alive > most:
            most, at = alive, moment
    return at
