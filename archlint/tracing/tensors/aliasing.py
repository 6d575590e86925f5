"""Which tensors are views of others, and whether a write in place overlaps what the call reads.

PyTorch refuses to write to memory that an operand partly overlaps. So a call that writes is
checked: the calls that made its target and its operands are followed back, through every call that
may return a view, to tensors that own their memory (roots). The steps say how each view was made.
Whether an operator returns a view is one of its traits (:class:`archlint.ops.traits.View`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import torch

from archlint.ops.registry import TensorSpec, rule_for
from archlint.ops.shapes.strides import DeferredStrides
from archlint.ops.traits import FIRST, OUT, View, selected, separated, traits_of, written_by
from archlint.symbolic import Size
from archlint.symbolic.formula import ge, le, lt
from archlint.tracing.path import TracedPath
from archlint.tracing.symint.memory_format import non_overlapping_and_dense
from archlint.tracing.tensors.specs import known_of, map_tensors, spec_of
from archlint.tracing.tensors.symbolic_tensor import SymbolicTensor, learn, strides_of
from archlint.tracing.trace import Call
from archlint.tracing.trees import LEAVES

Step = tuple[Any, ...]
"""How a view was made of another: its kind, then what to compare it by."""
Lineage = tuple[Any, list[Step]]
"""A root, and the steps from it to the tensor."""


def check_overlap(path: TracedPath, call: Call, calls: Sequence[Call]) -> list[torch.Tensor]:
    """The tensors that a call writes to.

    The verdict becomes unproved where an operand may lie in the same memory, so that PyTorch may
    refuse the call.
    """
    writes = written_by(call.func, call.args, call.kwargs)
    target = call.args[0] if call.args else None
    if writes == FIRST and type(target) is SymbolicTensor:
        others = (*call.args[1:], *call.kwargs.values())
        if not path.varies and all(map(_is_plain, others)):
            return [target]
    if writes is None:
        return _tensors((call.args, call.kwargs))
    written, read = separated((*writes, OUT), call.args, call.kwargs)
    targets = _tensors(written)
    if any(getattr(r, "older", None) is not None for t in targets for r in roots(t, calls)):
        path.unproved(f"what {call.op} writes to may be memory of any other tensor")
    _compare(path, call, targets, _tensors(read), calls)
    return targets


def _is_plain(value: Any) -> bool:
    """Whether it is a number, a slice of numbers or the like, without a tensor."""
    if type(value) is tuple:
        return all(map(_is_plain, value))
    if type(value) is slice:
        return LEAVES.issuperset((type(value.start), type(value.stop), type(value.step)))
    return type(value) in LEAVES


def _compare(
    path: TracedPath,
    call: Call,
    written: Sequence[torch.Tensor],
    read: Sequence[torch.Tensor],
    calls: Sequence[Call],
) -> None:
    if not read:
        return
    exact = traits_of(call.func).may_read_target
    setitem = call.func is torch.Tensor.__setitem__
    for target in written:
        into = list(_lineages(path, target, calls))
        if setitem:
            index = call.args[1]
            exact = not _gathers(index)
            if exact:
                into = [(r, [*s, *subscript_steps(path, target, index)]) for r, s in into]
        for operand in read:
            if operand is target and not setitem and exact:
                continue
            for root, steps in _lineages(path, operand, calls):
                for at, way in into:
                    same = _is_same(at, root)
                    if _may_be_in(at, root) or (same and not _apart(path, way, steps)):
                        whole = same and _same_place(way, steps, target, operand)
                        if not (exact and whole):
                            path.unproved(f"what {call.op} reads and writes may overlap in part")
                            return


def roots(tensor: torch.Tensor, calls: Sequence[Call]) -> tuple[Any, ...]:
    """All that the tensor may be a view of, itself if it is none."""
    found: dict[int, Any] = {}
    seen: set[int] = set()
    todo = [tensor]
    while todo:
        part = todo.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        if type(part) is not SymbolicTensor:
            root, _ = _real_root(part, [])
            found[id(root)] = root
            continue
        if part.all_roots is not None:
            found |= {id(root): root for root in part.all_roots}
            continue
        for other in part.shares:
            found[id(other)] = other
        bases = [] if part.older is not None else _bases(part, calls)
        if not bases:
            found[id(part)] = part
        todo += reversed(bases)
    every = tuple(found.values())
    if type(tensor) is SymbolicTensor and _is_made(tensor, calls):
        learn(tensor, all_roots=every)
    return every


def _is_made(tensor: SymbolicTensor, calls: Sequence[Call]) -> bool:
    """Whether the call that makes the tensor has ended, so that its bases are known."""
    at = tensor.made_by
    return at < 0 or (at < len(calls) and calls[at].result is not None)


def _bases(tensor: SymbolicTensor, calls: Sequence[Call]) -> list[torch.Tensor]:
    """The arguments that the tensor may be a view of, of the call that made it."""
    made = calls[tensor.made_by] if 0 <= tensor.made_by < len(calls) else None
    return [] if made is None else bases_of(made, tensor)


def _tensors(value: Iterable[Any]) -> list[torch.Tensor]:
    """The tensors among nested arguments, each once."""
    found: dict[int, torch.Tensor] = {}
    for part in value:
        if type(part) is SymbolicTensor:
            found[id(part)] = part
        elif type(part) not in LEAVES:
            map_tensors(part, lambda t: found.setdefault(id(t), t))
    return list(found.values())


def _lineages(path: TracedPath, tensor: torch.Tensor, calls: Sequence[Call]) -> Iterator[Lineage]:
    steps: list[Step] = []  # from the tensor back
    while True:
        if type(tensor) is not SymbolicTensor:
            yield _real_root(tensor, steps)
            return
        for other in tensor.shares:
            yield other, [_of_a_list(tensor), *steps[::-1]]
        bases = [] if tensor.older is not None else _bases(tensor, calls)
        if not bases:
            yield tensor, steps[::-1]
            return
        if len(bases) > 1:
            for base in bases:
                for root, _ in _lineages(path, base, calls):
                    yield root, [("unknown", id(tensor)), *steps[::-1]]
            return
        steps += _steps(path, calls[tensor.made_by], bases[0], tensor)[::-1]
        tensor = bases[0]


def _real_root(tensor: torch.Tensor, steps: list[Step]) -> Lineage:
    """Memory of a tensor that is there, by its address, and which of it."""
    if tensor.layout is not torch.strided:
        return tensor, steps[::-1]
    place = ("real", tensor.storage_offset(), tuple(tensor.shape), tensor.stride())
    return tensor.untyped_storage()._cdata, [place, *steps[::-1]]


def _is_same(one: Any, other: Any) -> bool:
    """Whether two roots are the same."""
    return one is other or (type(one) is int and type(other) is int and one == other)


def _may_be_in(one: Any, other: Any) -> bool:
    """Whether one root may have memory of another that is not the same."""
    return one is not other and (_is_older(one, other) or _is_older(other, one))


def _is_older(one: Any, other: Any) -> bool:
    limit = one.older if type(one) is SymbolicTensor else None
    if limit is None:
        return False
    return type(other) is not SymbolicTensor or other.made_by < limit


def bases_of(call: Call, tensor: torch.Tensor) -> list[torch.Tensor]:
    """The arguments of which the call's result ``tensor`` may be a view."""
    traits = traits_of(call.func)
    view = traits.view
    if view is View.NEVER or (view is View.SUBSCRIPT and _gathers(call.args[1])):
        return []
    if view in (View.EACH, View.ALONE) or traits.view_of is None:
        bases = _tensors((call.args, call.kwargs))
        if view is View.ALONE and len(bases) > 1:
            return []
        number = _number(call, tensor)
        if view is View.EACH and number is not None and len(call.result) == len(bases):
            bases = [bases[number]]
    else:
        bases = _tensors(selected(traits.view_of, call.args, call.kwargs))
    if view is View.SAME and any(spec_of(b).dtype is not spec_of(tensor).dtype for b in bases):
        return []  # a cast, which copies
    return [] if any(b is tensor for b in bases) else bases


def _gathers(index: Any) -> bool:
    """Whether a subscript picks elements by lists or tensors, and so gives a copy."""
    items = index if isinstance(index, tuple) else (index,)
    return any(
        isinstance(i, (list, range)) or (isinstance(i, torch.Tensor) and len(spec_of(i).dims) > 0)
        for i in items
    )


def _number(call: Call, tensor: torch.Tensor) -> int | None:
    """Which of the call's results the tensor is."""
    if isinstance(call.result, (tuple, list)):
        return next((n for n, t in enumerate(call.result) if t is tensor), None)
    return None


def _steps(path: TracedPath, call: Call, base: torch.Tensor, tensor: torch.Tensor) -> list[Step]:
    """What the call does to the tensor ``base``."""
    view = traits_of(call.func).view
    if view is View.SAME:
        return []
    args = known_of(call.args[1:])
    if view is View.SUBSCRIPT:
        return subscript_steps(path, base, call.args[1])
    if view in (View.WHOLE, View.REPEATED):
        made_by = (view, rule_for(call.func) or call.func, call.op)
        return [("whole", made_by, args, known_of(tuple(call.kwargs.items())))]
    if view is View.PIECES:
        number = _number(call, tensor)
        return [_of_a_list(tensor) if number is None else ("piece", call, number)]
    if view in (View.SELECT, View.NARROW) and len(args) == (2 if view is View.SELECT else 3):
        dim, *bounds = args
        rank = len(spec_of(base).dims)
        if isinstance(dim, int) and rank and not any(isinstance(b, TensorSpec) for b in bounds):
            if view is View.SELECT:
                size = spec_of(base).dims[dim % rank]
                return [("cut", (view, *args), {dim % rank: _interval(path, bounds[0], size)})]
            start, length = bounds
            within = (start, start + length) if path.known(ge(start, 0)) else None
            return [("cut", (view, *args), {dim % rank: within})]
    return [("unknown", call, _number(call, tensor))]


def _of_a_list(tensor: torch.Tensor) -> Step:
    """That a view is this element of a list, and whether no element of it is in two places."""
    return "of a list", id(tensor), spec_of(tensor).strides is None


def subscript_steps(path: TracedPath, base: torch.Tensor, index: Any) -> list[Step]:
    """The step of a subscript, with what it leaves of each dimension; none if that is all."""
    items = index if isinstance(index, tuple) else (index,)
    if not all(
        i is None or i is ... or isinstance(i, (int, slice, torch.SymInt)) for i in items
    ) or any(isinstance(i, bool) for i in items):
        return [("unknown", object())]
    known = known_of(items)
    dims = spec_of(base).dims
    spoken = sum(i is not None and i is not ... for i in known)
    kept: dict[int, Any] = {}
    at = 0
    for item in known:
        if item is ...:
            at += len(dims) - spoken
        elif item is not None:
            if at >= len(dims):
                return [("unknown", object())]
            if not (isinstance(item, slice) and item == slice(None)):
                kept[at] = _interval(path, item, dims[at])
            at += 1
    if not kept:
        return [("whole", (View.SUBSCRIPT,), known)] if None in known else []
    return [("cut", known, kept)]


def _interval(path: TracedPath, item: Any, size: Size) -> tuple[Size, Size] | None:
    """Bounds of what a number or a slice takes of a dimension: from the first to below the last."""

    def end(bound: Any) -> Any:
        if path.known(ge(bound, 0)):
            return bound
        return bound + size if path.known(lt(bound, 0)) else None

    if isinstance(item, slice):
        low = end(0 if item.start is None else item.start)
        high = size if item.stop is None else end(item.stop)
    else:
        low = end(item)
        high = None if low is None else low + 1
    return None if low is None or high is None else (low, high)


def _parted(one: list[Step], other: list[Step]) -> int:
    """How many steps two lineages have in common, from the root on."""
    at = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        at += 1
    return at


def _apart(path: TracedPath, one: list[Step], other: list[Step]) -> bool:
    """Whether two views of a root have certainly no element in common."""
    at = _parted(one, other)
    if at >= min(len(one), len(other)):
        return False
    if any(map(_repeats, (*one, *other))):
        return False
    a, b = one[at], other[at]
    if a[0] == b[0] == "piece":
        return a[1] is b[1] and a[2] != b[2]
    if a[0] == b[0] == "cut":
        for dim in a[2].keys() & b[2].keys():
            mine, its = a[2][dim], b[2][dim]
            if mine and its:
                before, after = le(mine[1], its[0]), le(its[1], mine[0])
                if path.known(before) is True or path.known(after) is True:
                    return True
    return False


def _repeats(step: Step) -> bool:
    """Whether a view may have one element in several places, or others than its base has."""
    kind, what, *rest = step
    if kind == "real":
        return not non_overlapping_and_dense(*rest)
    if kind == "of a list":
        return not rest[0]
    return kind == "unknown" or (kind == "whole" and what[0] is View.REPEATED)


def _same_place(
    one: list[Step], other: list[Step], target: torch.Tensor, operand: torch.Tensor
) -> bool:
    """Whether two views of a root have the same elements in the same order."""
    at = _parted(one, other)
    rest = (*one[at:], *other[at:])
    if not rest:
        return True
    if any(step[0] != "whole" for step in rest):
        return False
    a, b = spec_of(target), spec_of(operand)
    if a.dims != b.dims:
        return False
    if any(isinstance(s.strides, DeferredStrides) for s in (a, b)):
        return a.strides is b.strides
    return strides_of(a) == strides_of(b)
