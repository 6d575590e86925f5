"""A ``torch.Tensor`` that carries symbolic sizes and a dtype instead of elements."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import torch

from archlint.ops.registry import TensorSpec
from archlint.ops.shapes.strides import settled, settled_strides
from archlint.ops.shapes.type_promotion import INTEGRAL
from archlint.symbolic import Size
from archlint.symbolic.formula import conj, disj, eq, ge, le
from archlint.tracing.exception_handling.reporting_branches import only_reports
from archlint.tracing.path import VALUE_NEEDED, TracedPath
from archlint.tracing.run import current_run
from archlint.tracing.signals import UnknownOutcome
from archlint.tracing.symint.python_types import sym_int

_EMPTY = torch.empty(0, device="meta")
_SAME_MEMORY = (torch.ops.aten.detach.default, torch.ops.aten.alias.default)
# PyTorch takes a tensor without dimensions where it wants a number, for a size only integers.
_NUMBER = torch.empty((), device="meta")
_INTEGER = torch.empty((), device="meta", dtype=torch.int64)


class SymbolicTensor(torch.Tensor):
    """A tensor of the model under trace. ``spec`` holds all that is known about it.

    It is a ``torch.Tensor`` to ``isinstance``; every call with it goes to the tracer. They all
    share a few meta tensors, so code that bypasses ``__torch_function__`` (scripted functions, C++
    modules) must not compute with them: ``__torch_dispatch__`` refuses.
    """

    spec: TensorSpec
    made_by: int  # index of the call; -1 for an input
    own = False  # whether its memory was new when it was made
    shares: tuple[Any, ...] = ()  # roots of its memory that the call that made it does not tell

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        # Only reached outside of a trace: in a report, or if a model kept the tensor.
        if func is torch.Tensor.__repr__:
            return f"<tensor {args[0].spec}>"
        raise UnknownOutcome(f"{_name(func)} on a tensor that a previous run left behind")

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        if func in _SAME_MEMORY:  # ``Variable(x)``
            return args[0].detach()
        text = f"compiled code calls {func}, where sizes cannot be followed"
        run = current_run()
        if run is not None:
            run.bypassed.append(text)  # TorchScript's interpreter turns any exception into its own
        raise UnknownOutcome(text)


def symbolic_tensor(spec: TensorSpec, made_by: int = -1) -> SymbolicTensor:
    """A tensor with these sizes."""
    base = _EMPTY
    if not spec.dims:
        base = _INTEGER if spec.dtype in INTEGRAL else _NUMBER
    tensor = base.as_subclass(SymbolicTensor)
    tensor.spec = spec
    tensor.made_by = made_by
    return tensor


def _name(func: Any) -> str:
    return getattr(func, "__qualname__", None) or getattr(func, "__name__", None) or str(func)


Attribute = Callable[..., Any]
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
    return _shape(path, spec) if dim is None else sym_int(_at(spec.dims, dim), path)


def _at(sizes: tuple[Size, ...], dim: int) -> Size:
    rank = max(len(sizes), 1)
    if not -rank <= dim < rank:
        raise IndexError(
            "Dimension out of range (expected to be in range of "
            f"[{-rank}, {rank - 1}], but got {dim})"
        )
    return sizes[dim]


@_attribute("stride")
def _stride(path: TracedPath, spec: TensorSpec, dim: int | None = None) -> Any:
    settled = spec.like(spec.dims, strides=settled_strides(path, spec))
    strides = tuple(sym_int(s, path) for s in strides_of(settled))
    return strides if dim is None else strides[dim]


def strides_of(spec: TensorSpec) -> tuple[Size, ...]:
    """The strides in elements, written out."""
    if spec.strides is not None:
        return spec.strides
    steps: list[Size] = []
    step: Size = 1
    for size in reversed(spec.dims):
        steps.append(step)
        step = step * size
    return tuple(reversed(steps))


@_attribute("dim", "ndimension", "ndim")
def _dim(path: TracedPath, spec: TensorSpec) -> int:
    return len(spec.dims)


@_attribute("numel", "nelement")
def _numel(path: TracedPath, spec: TensorSpec) -> Any:
    return sym_int(spec.numel(), path)


ATTRIBUTES[torch.numel] = _numel


@_attribute("is_contiguous")
def _is_contiguous(path: TracedPath, spec: TensorSpec, memory_format: Any = None) -> bool:
    # How a tensor lies in memory is the implementation's business and changes no shape: it is
    # answered for the path's sizes, without a branch.
    from archlint.symbolic import evaluate
    from archlint.tracing.symint.memory_format import LAYOUTS

    sizes = [evaluate(d, path.env) for d in spec.dims]
    strides = [evaluate(s, path.env) for s in strides_of(settled(path, spec))]
    kind = {
        torch.channels_last: "channels_last_contiguous_2d",
        torch.channels_last_3d: "channels_last_contiguous_3d",
    }.get(memory_format, "contiguous")
    return LAYOUTS[kind](sizes, strides)


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


@_attribute("__bool__")
def _truth(path: TracedPath, spec: TensorSpec) -> bool:
    path.claim(eq(spec.numel(), 1), "a tensor of one element, has {}", spec.numel())
    low, high = spec.values if isinstance(spec.values, tuple) else (None, None)
    if low is not None and high is not None:
        if path.known(disj(ge(low, 1), le(high, -1))):
            return True
        if path.known(conj(eq(low, 0), eq(high, 0))):
            return False
    return not only_reports() and path.choose()


@_attribute("tolist")
def _tolist(path: TracedPath, spec: TensorSpec) -> Any:
    return _item(path, spec) if not spec.dims else _value_needed()


@_attribute("__int__", "__index__")
def _int(path: TracedPath, spec: TensorSpec) -> int:
    return int(_item(path, spec))  # Python accepts no symbolic number there


@_attribute("__float__")
def _float(path: TracedPath, spec: TensorSpec) -> float:
    return float(_item(path, spec))


@_attribute("item")
def _item(path: TracedPath, spec: TensorSpec) -> Any:
    path.claim(disj(eq(spec.numel(), 1)), "a tensor of one element, has {}", spec.numel())
    if isinstance(spec.values, tuple) and spec.values[0] is not None:
        low, high = spec.values
        if low is not None and (low is high or low == high):
            return sym_int(low, path)
    if spec.dtype is torch.bool and not spec.dims:
        return not only_reports() and path.choose()
    return _value_needed()


def _value_needed() -> NoReturn:
    raise UnknownOutcome(VALUE_NEEDED)


@_attribute("__repr__", "__str__", "__format__")
def _repr(path: TracedPath, spec: TensorSpec, *args: Any, **kwargs: Any) -> str:
    return f"<tensor {spec}>"


for _names, _value in (
    (("requires_grad", "is_cuda", "is_cpu", "is_sparse", "is_quantized", "is_nested", "is_meta",
      "is_mkldnn", "is_xpu", "is_mps", "is_sparse_csr", "is_vulkan", "is_xla", "is_ipu", "is_maia",
      "retains_grad", "is_inference", "is_conj", "is_neg", "is_shared", "is_pinned", "is_mtia"),
     False),
    (("grad", "grad_fn", "_backward_hooks", "names", "_grad", "_base"), None),
    (("is_leaf",), True),
    (("layout",), torch.strided),
    (("storage_offset", "output_nr"), 0),
    (("get_device",), -1),
    (("_version",), 0),
):  # fmt: skip
    for _n in _names:
        _attribute(_n)(_constant(_value))
_attribute("is_cpu")(_constant(True))
_attribute("__hash__")(lambda path, spec: id(spec))
