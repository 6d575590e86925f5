"""Whether what is written in place and what is read for it may share memory.

PyTorch refuses to write to memory that an operand partly overlaps. Asked only where something is
written and tensors are read: then the calls that made them are followed back, through all that may
give a view, to tensors of other memory (roots). On the way it is noted how each view was made.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import torch

from archlint.ops.registry import TensorSpec
from archlint.ops.shapes.strides import DeferredStrides
from archlint.symbolic import Size
from archlint.symbolic.formula import ge, le, lt
from archlint.tracing.path import TracedPath
from archlint.tracing.symint.memory_format import non_overlapping_and_dense
from archlint.tracing.tensors.specs import known_of, map_tensors, spec_of
from archlint.tracing.tensors.symbolic_tensor import SymbolicTensor, strides_of
from archlint.tracing.trace import Call, call_name

Step = tuple[Any, ...]
"""How a view was made of another: its kind, then what to compare it by."""
Lineage = tuple[Any, list[Step]]
"""A root, and the steps from it to the tensor."""

_CASTS = (
    "to", "type", "type_as", "float", "double", "half", "bfloat16", "bool", "byte", "char", "short",
    "int", "long", "cfloat", "cdouble", "chalf", "cpu", "cuda", "as_tensor", "asarray",
)  # fmt: skip
_DROPOUTS = (
    "dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_dropout",
    "feature_alpha_dropout", "native_dropout",
)  # fmt: skip
_SAME = {
    *_CASTS, *_DROPOUTS, "contiguous", "detach", "data", "positive", "pos", "alias", "resolve_conj",
    "resolve_neg", "lift_fresh", "pin_memory",
}  # fmt: skip
"""Operators that give all of the tensor as it lies in memory, or a copy."""
_REPEATING = {"expand", "expand_as", "broadcast_to"}
_WHOLE = {
    *_REPEATING, "view", "view_as", "reshape", "reshape_as", "flatten", "ravel", "unflatten",
    "permute", "transpose", "swapaxes", "swapdims", "t", "T", "mT", "mH", "H", "adjoint", "movedim",
    "moveaxis", "squeeze", "unsqueeze",
}  # fmt: skip
"""Operators whose result has all elements of the tensor, if it is a view."""
_PIECES = {
    "chunk", "split", "split_with_sizes", "unbind", "iter", "tensor_split", "hsplit", "vsplit",
    "dsplit", "unsafe_chunk", "unsafe_split", "unsafe_split_with_sizes",
}  # fmt: skip
_OF_MANY = {
    "broadcast_tensors", "meshgrid", "atleast_1d", "atleast_2d", "atleast_3d", "einsum",
    "cartesian_prod", "combinations",
}  # fmt: skip
_OTHER_VIEWS = {"getitem", "sum_to_size", "channel_shuffle", "as_strided", "unfold"}
_ELEMENTWISE = {
    "iadd", "isub", "imul", "itruediv", "idiv", "ifloordiv", "imod", "ipow", "iand", "ior", "ixor",
    "ilshift", "irshift", "add", "sub", "subtract", "mul", "multiply", "div", "divide",
    "true_divide", "floor_divide", "remainder", "fmod", "pow", "copy", "setitem", "atan2",
    "arctan2", "hypot", "heaviside", "copysign", "nextafter", "xlogy", "lerp", "addcmul", "addcdiv",
    "masked_fill", "clamp", "clip", "clamp_min", "clamp_max", "logical_and", "logical_or",
    "logical_xor", "bitwise_and", "bitwise_or", "bitwise_xor", "eq", "ne", "lt", "le", "gt", "ge",
}  # fmt: skip
"""Operators that may be given the very tensor that they write to; others refuse that too."""


def check_overlap(path: TracedPath, call: Call, targets: Any, calls: Sequence[Call]) -> None:
    """Say that a call may be refused that writes to ``targets``, if it may read the same memory."""
    name = call_name(call.func)
    written = _tensors(targets)
    given = call.args if "out" in call.kwargs else call.args[1:]
    rest = {k: v for k, v in call.kwargs.items() if k != "out"}
    read = _tensors((given, rest))
    if not read or not written:
        return
    exact = name in _ELEMENTWISE
    for target in written:
        into = list(_lineages(path, target, calls))
        if name == "setitem":
            index = call.args[1]
            exact = not _gathers(index)
            if exact:
                into = [(r, [*s, *_cut(path, target, index)]) for r, s in into]
        for operand in read:
            if operand is target and name != "setitem" and exact:
                continue
            for root, steps in _lineages(path, operand, calls):
                for at, way in into:
                    if _is_same(at, root) and not _apart(path, way, steps):
                        whole = _same_place(way, steps, target, operand)
                        if not (exact and whole):
                            path.unproved(
                                f"what {name} reads and writes may overlap in memory partly"
                            )
                            return


def roots(path: TracedPath, tensor: torch.Tensor, calls: Sequence[Call]) -> tuple[Any, ...]:
    """All that the tensor may be a view of, itself if it is none."""
    return tuple({id(r): r for r, _ in _lineages(path, tensor, calls)}.values())


def _tensors(value: Any) -> list[torch.Tensor]:
    found: dict[int, torch.Tensor] = {}
    map_tensors(value, lambda t: found.setdefault(id(t), t))
    return list(found.values())


def _lineages(path: TracedPath, tensor: torch.Tensor, calls: Sequence[Call]) -> Iterator[Lineage]:
    steps: list[Step] = []  # from the tensor back
    while True:
        if type(tensor) is not SymbolicTensor:
            yield _real_root(tensor, steps)
            return
        for other in tensor.shares:
            yield other, [("unknown", id(tensor)), *steps[::-1]]
        made = calls[tensor.made_by] if 0 <= tensor.made_by < len(calls) else None
        bases = _bases(made, tensor) if made is not None else []
        if made is None or not bases:
            yield tensor, steps[::-1]
            return
        if len(bases) > 1:
            for base in bases:
                for root, _ in _lineages(path, base, calls):
                    yield root, [("unknown", id(tensor)), *steps[::-1]]
            return
        steps += _steps(path, made, bases[0], tensor)[::-1]
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


def _bases(call: Call, tensor: torch.Tensor) -> list[torch.Tensor]:
    """The arguments of which the call's result may be a view."""
    name = _view_name(call.func)
    if not name:
        return []
    first = call.args[0] if call.args else call.kwargs.get("input", call.kwargs.get("tensors"))
    if name in _OF_MANY:
        tensors = _tensors((call.args, call.kwargs))
        if name == "einsum" and len(tensors) > 1:
            return []
        number = _number(call, tensor)
        result = call.result
        if number is not None and isinstance(result, (tuple, list)) and len(result) == len(tensors):
            return [tensors[number]]
        return tensors
    if name == "getitem" and _gathers(call.args[1]):
        return []
    bases = _tensors(first)
    return [] if any(b is tensor for b in bases) else bases


@cache
def _view_name(func: Any) -> str:
    """The name of an operator that may give a view of its first argument, else empty."""
    name = getattr(func, "__name__", "")
    if name == "__get__":
        return getattr(getattr(func, "__self__", None), "__name__", name)
    name = call_name(func)
    known = name in _SAME | _WHOLE | _PIECES | _OF_MANY | _OTHER_VIEWS
    return name if known or _aliases(name) else ""


def _aliases(name: str) -> bool:
    """Whether PyTorch's schema of the operator says that it may give a view."""
    schemas = torch._C._jit_get_schemas_for_operator(f"aten::{name}")
    kinds = (r.alias_info for s in schemas for r in s.returns)
    return any(kind is not None and not kind.is_write for kind in kinds)


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
    name = _view_name(call.func)
    if name in _SAME:
        return []
    args = known_of(call.args[1:])
    if name == "getitem":
        return _cut(path, base, call.args[1])
    if name in _WHOLE:
        return [("whole", name, args, known_of(tuple(call.kwargs.values())))]
    if name in _PIECES:
        number = _number(call, tensor)
        return [("unknown", object()) if number is None else ("piece", call, number)]
    if name in ("select", "narrow") and len(args) == (2 if name == "select" else 3):
        dim, *bounds = args
        rank = len(spec_of(base).dims)
        if isinstance(dim, int) and rank and not any(isinstance(b, TensorSpec) for b in bounds):
            if name == "select":
                size = spec_of(base).dims[dim % rank]
                return [("cut", (name, *args), {dim % rank: _interval(path, bounds[0], size)})]
            start, length = bounds
            within = (start, start + length) if path.known(ge(start, 0)) else None
            return [("cut", (name, *args), {dim % rank: within})]
    return [("unknown", call, _number(call, tensor))]


def _cut(path: TracedPath, base: torch.Tensor, index: Any) -> list[Step]:
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
        return [("whole", "getitem", known)] if None in known else []
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
    """How many steps two ways have in common."""
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
    return kind == "unknown" or (kind == "whole" and what in _REPEATING)


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
