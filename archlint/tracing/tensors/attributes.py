"""Attributes and methods of tensors that are answered from sizes, strides, dtype and device."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import torch

from archlint.ops.registry import TensorSpec
from archlint.ops.shapes.strides import (
    decide,
    empty,
    is_contiguous,
    settled_strides,
)
from archlint.ops.values.conditional_ranges import compared
from archlint.symbolic import Size
from archlint.symbolic.formula import conj, disj, eq, ge, le
from archlint.symbolic.rational import Opaque
from archlint.tracing.exception_handling.reporting_branches import only_reports
from archlint.tracing.path import VALUE_NEEDED, TracedPath
from archlint.tracing.signals import UnknownOutcome
from archlint.tracing.symint.python_types import sym_int, user_number
from archlint.tracing.symint.rounding import as_float
from archlint.tracing.symint.text_uses import only_shown

Attribute = Callable[..., Any]
_FEW = 8  # elements of a tensor, each of which is a number of its own
ATTRIBUTES: dict[Any, Attribute] = {}
"""Attributes and methods that compute no elements: ``(path, spec, *args) -> result``."""


def _attribute(*names: str) -> Callable[[Attribute], Attribute]:
    def register(answer: Attribute) -> Attribute:
        for name in names:
            found = getattr(torch.Tensor, name, None)
            if found is not None:
                ATTRIBUTES[found.__get__ if _is_getter(found) else found] = answer
        return answer

    return register


def _is_getter(found: Any) -> bool:
    return type(found).__name__ in ("getset_descriptor", "property")


def _constant(value: Any) -> Attribute:
    return lambda path, spec, *args, **kwargs: value


@_attribute("shape")
def _shape(path: TracedPath, spec: TensorSpec) -> torch.Size:
    sizes: list[Any] = [sym_int(d, path) for d in spec.dims]
    return torch.Size(sizes)


@_attribute("size")
def _size(path: TracedPath, spec: TensorSpec, dim: int | None = None) -> Any:
    return _shape(path, spec) if dim is None else _at(path, spec.dims, dim)


def _at(path: TracedPath, sizes: tuple[Size, ...], dim: int) -> Any:
    rank = max(len(sizes), 1)
    if not -rank <= dim < rank:
        raise IndexError(
            "Dimension out of range (expected to be in range of "
            f"[{-rank}, {rank - 1}], but got {dim})"
        )
    return sym_int(sizes[dim], path)


@_attribute("stride")
def _stride(path: TracedPath, spec: TensorSpec, dim: int | None = None) -> Any:
    strides = settled_strides(path, spec)
    if strides is None:
        strides = _row_major(path, spec.dims)
    elif decide(path, empty(spec.dims)):
        raise UnknownOutcome("the strides of a tensor without elements are not known")
    return tuple(sym_int(s, path) for s in strides) if dim is None else _at(path, strides, dim)


def _row_major(path: TracedPath, dims: tuple[Size, ...]) -> tuple[Size, ...]:
    """The strides that PyTorch gives a new tensor, which take a size of 0 for 1."""
    steps: list[Size] = []
    step: Size = 1
    for size in reversed(dims):
        steps.append(step)
        step = step if decide(path, eq(size, 0)) else step * size
    return tuple(reversed(steps))


@_attribute("dim", "ndimension", "ndim")
def _dim(path: TracedPath, spec: TensorSpec) -> int:
    return len(spec.dims)


@_attribute("numel", "nelement")
def _numel(path: TracedPath, spec: TensorSpec) -> Any:
    return sym_int(spec.numel(), path)


ATTRIBUTES[torch.numel] = _numel


@_attribute("is_contiguous")
def _is_contiguous(
    path: TracedPath, spec: TensorSpec, memory_format: Any = torch.contiguous_format
) -> bool:
    if memory_format is torch.preserve_format:
        raise UnknownOutcome(f"is_contiguous(memory_format={memory_format}) is not known")
    return is_contiguous(path, spec, memory_format)


@_attribute("dtype")
def _dtype(path: TracedPath, spec: TensorSpec) -> torch.dtype:
    return spec.dtype


@_attribute("device")
def _device(path: TracedPath, spec: TensorSpec) -> torch.device:
    return spec.device or torch.device("cpu")


@_attribute("is_floating_point")
def _is_floating_point(path: TracedPath, spec: TensorSpec) -> bool:
    return spec.dtype.is_floating_point


@_attribute("is_complex")
def _is_complex(path: TracedPath, spec: TensorSpec) -> bool:
    return spec.dtype.is_complex


@_attribute("is_signed")
def _is_signed(path: TracedPath, spec: TensorSpec) -> bool:
    return spec.dtype.is_signed


ATTRIBUTES[torch.is_floating_point] = _is_floating_point
ATTRIBUTES[torch.is_complex] = _is_complex


@_attribute("element_size", "itemsize")
def _element_size(path: TracedPath, spec: TensorSpec) -> int:
    return spec.dtype.itemsize


@_attribute("nbytes")
def _nbytes(path: TracedPath, spec: TensorSpec) -> Any:
    return sym_int(spec.numel() * spec.dtype.itemsize, path)


@_attribute("__bool__", "__nonzero__")
def _truth(path: TracedPath, spec: TensorSpec) -> bool:
    path.claim(eq(spec.numel(), 1), "a tensor of one element, gets {}", spec.numel())
    low, high = spec.values if isinstance(spec.values, tuple) else (None, None)
    if low is not None and high is not None:
        if path.known(disj(ge(low, 1), le(high, -1))):
            return True
        if path.known(conj(eq(low, 0), eq(high, 0))):
            return False
    formula = compared(spec)
    if formula is not None:
        return path.branch(formula)
    return not only_reports() and path.choose()


@_attribute("tolist")
def _tolist(path: TracedPath, spec: TensorSpec) -> Any:
    if len(spec.dims) == 1 and isinstance(spec.dims[0], int) and spec.dims[0] <= _FEW:
        return [_element(path, spec) for _ in range(spec.dims[0])]
    return _item(path, spec) if not spec.dims else _value_needed()


@_attribute("__int__", "__index__")
def _int(path: TracedPath, spec: TensorSpec) -> int:
    return int(_item(path, spec))  # Python accepts no symbolic number there


@_attribute("__float__")
def _float(path: TracedPath, spec: TensorSpec) -> float:
    return float(_item(path, spec))


@_attribute("item")
def _item(path: TracedPath, spec: TensorSpec) -> Any:
    path.claim(disj(eq(spec.numel(), 1)), "a tensor of one element, gets {}", spec.numel())
    if spec.dtype is torch.bool and not spec.dims and not _is_one_number(spec):
        formula = compared(spec)
        if formula is not None:
            return path.branch(formula)
        return not only_reports() and path.choose()
    return _element(path, spec)


def _is_one_number(spec: TensorSpec) -> bool:
    low, high = spec.values if isinstance(spec.values, tuple) else (None, None)
    return low is not None and (low is high or low == high)


def _element(path: TracedPath, spec: TensorSpec) -> Any:
    """One of the elements: a number, or one that is not known but within bounds."""
    if _is_one_number(spec):
        return _number(path, spec.dtype, spec.values[0])
    low, high = spec.values if isinstance(spec.values, tuple) else (None, None)
    if low is None or high is None or spec.dtype.is_floating_point or spec.dtype is torch.bool:
        return _value_needed()
    return sym_int(path.unknown("item", low, high), path)


def _unread(path: TracedPath, spec: TensorSpec) -> Any:
    """The element of a real tensor that was drawn, or written where no elements are followed."""
    if not spec.dtype.is_floating_point:
        return _item(path, spec)
    path.claim(eq(spec.numel(), 1), "a tensor of one element, gets {}", spec.numel())
    return user_number(Opaque(0.5, (path.unknown("item", None),)), path)


OF_UNREAD: dict[Any, Callable[..., Any]] = {torch.Tensor.item: _unread}
"""Other answers for real tensors whose elements are not known, with real weights as without."""


def _number(path: TracedPath, dtype: torch.dtype, value: Any) -> Any:
    """A known element as Python has it."""
    if dtype is torch.bool and isinstance(value, int):
        return bool(value)
    if not dtype.is_floating_point:
        return sym_int(value, path)
    return float(value) if isinstance(value, int) else user_number(as_float(path, value), path)


def _value_needed() -> NoReturn:
    raise UnknownOutcome(VALUE_NEEDED)


@_attribute("__repr__", "__str__", "__format__")
def _repr(path: TracedPath, spec: TensorSpec, *args: Any, **kwargs: Any) -> str:
    if not only_shown(path.model_caller):
        raise UnknownOutcome("the text of a tensor is needed (str(), repr() or an f-string)")
    return f"<tensor {spec}>"


@_attribute("is_cpu")
def _is_cpu(path: TracedPath, spec: TensorSpec) -> bool:
    return bool(_device(path, spec).type == "cpu")


@_attribute("is_meta")
def _is_meta(path: TracedPath, spec: TensorSpec) -> bool:
    return bool(_device(path, spec).type == "meta")


@_attribute("get_device")
def _get_device(path: TracedPath, spec: TensorSpec) -> int:
    index = _device(path, spec).index
    return -1 if index is None else index


OF_DEVICE = frozenset({_device, _is_cpu, _is_meta, _get_device})
"""Attributes that tell where a tensor is."""
TEXT = _repr


@_attribute("names")
def _names(path: TracedPath, spec: TensorSpec) -> tuple[None, ...]:
    return (None,) * len(spec.dims)


for _name, _value in {
    "is_cuda": False, "is_ipu": False, "is_maia": False, "is_mkldnn": False, "is_mps": False,
    "is_mtia": False, "is_nested": False, "is_pinned": False, "is_quantized": False,
    "is_shared": False, "is_sparse": False, "is_sparse_csr": False, "is_vulkan": False,
    "is_xla": False, "volatile": False, "is_xpu": False, "layout": torch.strided,
    "_python_dispatch": False,
}.items():  # fmt: skip
    _attribute(_name)(_constant(_value))
