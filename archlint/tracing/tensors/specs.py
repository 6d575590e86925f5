"""Arguments and results of calls as shape rules see them: each tensor as its spec."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import torch

from archlint.ops.registry import ElementFacts, SizeTuple, TensorSpec
from archlint.ops.values.grids import grid_of_numbers
from archlint.tracing.real_memory import UNKNOWN
from archlint.tracing.run import TraceRun, current_run
from archlint.tracing.signals import UnknownOutcome
from archlint.tracing.symint.node import SizeNode, size_of
from archlint.tracing.symint.python_types import NUMBER_TYPES
from archlint.tracing.symint.rounding import as_operand
from archlint.tracing.tensors.symbolic_tensor import SymbolicTensor
from archlint.tracing.trees import leaves, map_leaves

if TYPE_CHECKING:
    from archlint.tracing.trace import Call

_CPU = torch.device("cpu")
_FEW = 64  # integers that are read one by one
_PLAIN = frozenset({int, float, bool, type(None), str, torch.dtype, torch.device, complex})


def spec_of(tensor: torch.Tensor) -> TensorSpec:
    """The spec of a stand-in or of a real tensor."""
    return tensor.spec if type(tensor) is SymbolicTensor else _real_spec(tensor)


def _real_spec(tensor: torch.Tensor) -> TensorSpec:
    dtype, dims = tensor.dtype, tuple(tensor.shape)
    strides = None if tensor.is_contiguous() else tensor.stride()
    spec = TensorSpec(dims, dtype, strides, None, _CPU)
    if _integer(dtype) and not tensor.is_meta and tensor.numel() and not _is_unknown(tensor):
        spec.values = (int(tensor.min()), int(tensor.max()))
        if max(dims, default=1) == tensor.numel() <= _FEW:
            numbers = tuple(tensor.flatten().tolist())
            line = numbers if len(dims) == 1 else None
            spec.elements = ElementFacts(line, grid=grid_of_numbers(numbers, dims))
    return spec


def with_elements(value: Any) -> Any:
    """As :func:`known_of`; of a weight of one dimension also its elements, if they are known."""
    known = known_of(value)
    if not isinstance(value, torch.Tensor) or type(value) is SymbolicTensor or value.is_meta:
        return known
    if value.ndim == 1 and value.is_floating_point() and not _is_unknown(value):
        known.elements = ElementFacts(tensor=value)
    return known


def has_known_elements(tensor: torch.Tensor) -> bool:
    """Whether :func:`known_of` tells of elements of a real tensor."""
    return _integer(tensor.dtype) and not tensor.is_meta


def cast_of_real(func: Any, args: Any, kwargs: Any, types: Any) -> tuple[Any, Any, Any, Any]:
    """A call of ``to`` or ``type_as`` that takes only the dtype of a stand-in, without it.

    The result of a real tensor is then a real one, whose elements are known.
    """
    others = [a for a in (*args[1:2], *kwargs.values()) if type(a) is SymbolicTensor]
    tensor = args[0]
    if len(others) != 1 or type(tensor) is SymbolicTensor or tensor.is_meta or _is_unknown(tensor):
        return func, args, kwargs, types
    kwargs = {name: value for name, value in kwargs.items() if value is not others[0]}
    return torch.Tensor.to, (tensor, others[0].spec.dtype, *args[2:]), kwargs, (type(tensor),)


CASTS_LIKE_ANOTHER = frozenset({torch.Tensor.to, torch.Tensor.type_as})


def forget_elements(run: TraceRun, values: Iterable[Any]) -> None:
    """Note for the rest of ``run`` that real tensors among ``values`` lost the model's elements.

    The model would have written elements that only symbolic tensors stand for.
    """

    for value in values:
        place = _place(value) if isinstance(value, torch.Tensor) else 0
        if place:
            run.unknown_elements[place] = value


def places_of(values: Any) -> dict[int, torch.Tensor]:
    """The real tensors among nested values, by where their elements are in memory."""
    tensors = [v for v in leaves(values) if isinstance(v, torch.Tensor)]
    return {place: tensor for tensor in tensors if (place := _place(tensor))}


def _place(tensor: torch.Tensor) -> int:
    """Where its elements are in memory, the same for all views; 0 if it has none.

    :data:`~archlint.tracing.real_memory.UNKNOWN` for what stands for another tensor, as in
    ``torch.func``.
    """
    if type(tensor) is SymbolicTensor or tensor.layout is not torch.strided:
        return 0
    if tensor.device.type == "meta":
        return 0
    try:
        return tensor.untyped_storage().data_ptr()
    except (NotImplementedError, RuntimeError):
        return UNKNOWN


def _is_unknown(tensor: torch.Tensor) -> bool:
    run = current_run()
    return run is not None and bool(run.unknown_elements) and _place(tensor) in run.unknown_elements


def has_unknown_elements(run: TraceRun, values: Iterable[Any]) -> bool:
    """Whether a real tensor whose elements ``run`` does not know is among the nested values."""
    unknown = run.unknown_elements
    if not unknown:
        return False
    tensors = (v for v in leaves(list(values)) if isinstance(v, torch.Tensor))
    return any(_place(t) in unknown for t in tensors)


@cache
def _integer(dtype: torch.dtype) -> bool:
    return not (dtype.is_floating_point or dtype.is_complex or dtype is torch.bool) and (
        dtype in (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8)
    )


def known_of(value: Any) -> Any:
    """An argument as a shape rule receives it: tensors as specs, sizes as formulas."""
    kind = type(value)
    if kind is SymbolicTensor:
        return value.spec
    if kind in _PLAIN:
        return value
    if kind is torch.nn.Parameter or (kind is torch.Tensor and _is_strided(value)):
        return _real_spec(value)
    if kind in NUMBER_TYPES:
        node: Any = value.node
        return as_operand(size_of(value), node.path.env) if isinstance(node, SizeNode) else value
    if kind is tuple:
        return value if _PLAIN.issuperset(map(type, value)) else tuple([known_of(v) for v in value])
    if kind is torch.Size:
        return SizeTuple(known_of(v) for v in value)
    if kind is list:
        return [known_of(v) for v in value]
    if kind is slice:
        return slice(*(number_in(known_of(v)) for v in (value.start, value.stop, value.step)))
    if isinstance(value, torch.Tensor):
        if not _is_strided(value):
            raise UnknownOutcome("tensors of another layout than strided are not followed")
        return _real_spec(value)
    if kind.__module__ == "numpy" and isinstance(value, sys.modules["numpy"].integer):
        return int(value)
    if isinstance(value, (list, tuple)):
        return [known_of(v) for v in value]
    return value


def _is_strided(tensor: torch.Tensor) -> bool:
    return tensor.layout is torch.strided and not tensor.is_nested


def with_specs(call: Call) -> Call:
    """The call with the specs of its tensors, as they are now, in the place of the tensors."""
    settings = {name: known_of(value) for name, value in call.kwargs.items()}
    return replace(call, args=known_of(call.args), kwargs=settings, result=known_of(call.result))


def number_in(known: Any) -> Any:
    """The number in an integer tensor without dimensions, if it is known; else ``known`` itself.

    PyTorch takes such a tensor where it wants a number.
    """
    if not isinstance(known, TensorSpec) or known.dims or not _integer(known.dtype):
        return known
    low, high = known.values if isinstance(known.values, tuple) else (None, None)
    return known if low is None or (low is not high and low != high) else low


def is_symbolic(values: Iterable[Any]) -> bool:
    """Whether a stand-in or a symbolic size is among the values, or in lists of them."""
    for value in values:
        kind = type(value)
        if kind in NUMBER_TYPES or kind is SymbolicTensor:
            return True
        if kind in (tuple, list, torch.Size):
            if is_symbolic(value):
                return True
        elif kind is slice and is_symbolic((value.start, value.stop, value.step)):
            return True
    return False


def has_tensors(value: Any) -> bool:
    """Whether there is a tensor in nested arguments."""
    return any(isinstance(leaf, torch.Tensor) for leaf in leaves(value))


def has_integers(value: Any) -> bool:
    """Whether there is a tensor of integers in nested arguments."""
    found: list[bool] = []
    map_tensors(value, lambda tensor: found.append(_integer(spec_of(tensor).dtype)))
    return any(found)


def map_tensors(
    value: Any, change: Callable[[torch.Tensor], Any], other: Callable[[Any], Any] | None = None
) -> Any:
    """A copy of nested arguments with every tensor changed.

    ``other`` changes all other leaves, such as numbers; without it they stay.
    """

    def changed(leaf: Any) -> Any:
        if isinstance(leaf, torch.Tensor):
            return change(leaf)
        return leaf if other is None else other(leaf)

    return map_leaves(value, changed)
