"""Changing dtype or device, and filling a tensor in place."""

from __future__ import annotations

from typing import Any, NoReturn

import torch

from archlint.ops.aliases import methods, spellings
from archlint.ops.registry import IN_RANGE, NoRule, Path, TensorSpec, refuse, shape_rule
from archlint.ops.shapes import type_promotion as promote
from archlint.ops.shapes.broadcast import broadcast_onto
from archlint.ops.shapes.claims import claim_ndim, dtype_name
from archlint.ops.shapes.inplace import written
from archlint.ops.shapes.strides import (
    Strides,
    channels_last_strides,
    contiguous_strides,
    deferred,
    elementwise_strides,
    empty,
    lies_channels_last,
    settled,
    settled_strides,
)
from archlint.ops.traits import View, declare_traits
from archlint.ops.values import int_ranges as ranges
from archlint.ops.values.float_ranges import Real
from archlint.ops.values.float_ranges import cast as real_cast
from archlint.symbolic import Expr
from archlint.symbolic.formula import Bool, conj, le, negate

_HOST = ("cpu", "meta")
_TYPES = {
    f"torch.{name}": getattr(torch, name).dtype
    for name in ("FloatTensor", "DoubleTensor", "HalfTensor", "BFloat16Tensor", "BoolTensor",
                 "ByteTensor", "CharTensor", "ShortTensor", "IntTensor", "LongTensor")
}  # fmt: skip
_NAMES = {dtype: name for name, dtype in _TYPES.items()}


def cast(
    path: Path,
    input: TensorSpec,
    dtype: torch.dtype | None = None,
    device: torch.device | None = None,
    memory_format: torch.memory_format = torch.preserve_format,
    copy: bool = False,
) -> TensorSpec:
    """``Tensor.to``: the tensor itself if nothing changes, else a dense copy."""
    dtype = dtype or input.dtype
    if dtype.is_complex or input.dtype.is_complex:
        raise NoRule(f"dtype {dtype}")
    values = input.values
    if isinstance(values, Real):
        values = values if dtype is input.dtype else real_cast(path, values, dtype)
    elif values is not IN_RANGE:
        values = None if dtype is torch.bool else ranges.range_of(input)
        values = values and ranges.fitted(path, values, dtype)
    if copy or dtype is not input.dtype:
        strides = dense_strides(path, input, memory_format)
    else:
        strides = _strides_if_kept(path, input, memory_format)
    result = input.like(input.dims, dtype, strides, values)
    result.device = device or input.device
    return result


def _strides_if_kept(
    path: Path, input: TensorSpec, memory_format: torch.memory_format
) -> Strides | None:
    """Strides of the tensor itself if it lies as ``memory_format`` says, else of a copy."""
    copied = dense_strides(path, input, memory_format)
    if memory_format is torch.preserve_format or input.strides is None:
        return input.strides if memory_format is torch.preserve_format else copied

    def settle(path: Path) -> Strides | None:
        if _lies_as(path, input, memory_format):
            return settled_strides(path, input)
        return copied

    return deferred(path, input.dims, [input], settle)


def _lies_as(path: Path, input: TensorSpec, memory_format: torch.memory_format) -> bool:
    """Whether ``to`` leaves a tensor where it is; for ``contiguous`` see ``is_contiguous``."""
    if memory_format is torch.preserve_format:
        return True
    last = input.ndim in (4, 5) and lies_channels_last(path, settled(path, input))
    return last is (memory_format is not torch.contiguous_format)


def kept(
    path: Path,
    input: TensorSpec,
    dtype: torch.dtype | None = None,
    device: torch.device | None = None,
    memory_format: torch.memory_format = torch.preserve_format,
    copy: bool = False,
) -> TensorSpec | None:
    """The tensor if :func:`cast` returns it as it is."""
    same = dtype in (None, input.dtype) and device in (None, input.device or torch.device("cpu"))
    return input if same and not copy and _lies_as(path, input, memory_format) else None


def dense_strides(
    path: Path, input: TensorSpec, memory_format: torch.memory_format
) -> tuple[Any, ...] | None:
    """Strides of a new tensor that follows ``input`` or has ``memory_format``."""
    if memory_format is torch.preserve_format:
        return elementwise_strides(path, [input], input.dims)
    if memory_format is torch.contiguous_format:
        return None
    rank = {torch.channels_last: 4, torch.channels_last_3d: 5}.get(memory_format)
    if rank is None:
        raise NoRule(f"memory_format {memory_format}")
    text = f"a tensor of {rank} dimensions for {memory_format}, gets {{}}"
    path.claim(input.ndim == rank, text, input.ndim)
    strides = channels_last_strides(input.dims)
    return None if strides == contiguous_strides(input.dims) else strides


def host_device(value: Any) -> torch.device:
    """The device if it is one that no driver is needed for."""
    device = torch.device(value) if isinstance(value, str) else value
    if not isinstance(device, torch.device) or device.type not in _HOST:
        raise NoRule(f"device {value}")
    return device


def _of_to(args: tuple[Any, ...], settings: dict[str, Any]) -> tuple[Any, ...]:
    """The arguments of ``to`` as those of :func:`cast`."""
    settings = dict(settings)
    dtype = settings.pop("dtype", None)
    device = settings.pop("device", None)
    other = settings.pop("other", None)
    copy = settings.pop("copy", False)
    memory_format = settings.pop("memory_format", None) or torch.preserve_format
    settings.pop("non_blocking", None)
    flags: list[Any] = []
    for arg in args:
        if isinstance(arg, torch.dtype):
            dtype = arg
        elif isinstance(arg, TensorSpec):
            other = arg
        elif isinstance(arg, bool):
            flags.append(arg)
        elif arg is not None:
            device = arg
    if settings or len(flags) > 2:
        raise NoRule(f"to{args}")
    if len(flags) == 2:
        copy = flags[1]
    if other is not None:
        dtype, device = other.dtype, other.device
    if device is not None:
        device = host_device(device)
    return dtype, device, memory_format, copy


@shape_rule(
    *methods("to"),
    view=View.SAME,
    elementwise=True,
    itself=lambda path, input, *args, **named: kept(path, input, *_of_to(args, named)),
)
def to(path: Path, input: TensorSpec, *args: Any, **settings: Any) -> TensorSpec:
    """``to(dtype)``, ``to(device, dtype)`` or ``to(other)``, each with non_blocking and copy."""
    return cast(path, input, *_of_to(args, settings))


@shape_rule(
    *methods("type_as"),
    view=View.SAME,
    itself=lambda path, input, other: kept(path, input, other.dtype, other.device),
)
def type_as(path: Path, input: TensorSpec, other: TensorSpec) -> TensorSpec:
    return cast(path, input, other.dtype)


def _type_itself(
    path: Path, input: TensorSpec, dtype: Any = None, non_blocking: bool = False
) -> TensorSpec | None:
    return None if dtype is None else kept(path, input, _dtype_named(dtype))


@shape_rule(*methods("type"), view=View.SAME, elementwise=True, itself=_type_itself)
def type_(path: Path, input: TensorSpec, dtype: Any = None, non_blocking: bool = False) -> Any:
    """Without ``dtype`` the name of the type, such as ``torch.FloatTensor``."""
    if dtype is None and input.dtype in _NAMES:
        return _NAMES[input.dtype]
    return cast(path, input, _dtype_named(dtype))


def _dtype_named(dtype: Any) -> torch.dtype:
    """The dtype of a type such as ``torch.FloatTensor``, or of its name."""
    if isinstance(dtype, type(torch.FloatTensor)):
        dtype = f"{dtype.__module__}.{dtype.__name__}"
    if isinstance(dtype, str):
        dtype = _TYPES.get(dtype)
    if not isinstance(dtype, torch.dtype):
        raise NoRule(f"type({dtype!r})")
    return dtype


def _cpu_itself(
    path: Path, input: TensorSpec, memory_format: torch.memory_format = torch.preserve_format
) -> TensorSpec | None:
    return kept(path, input, None, torch.device("cpu"), memory_format)


@shape_rule(*methods("cpu"), view=View.SAME, itself=_cpu_itself)
def cpu(
    path: Path, input: TensorSpec, memory_format: torch.memory_format = torch.preserve_format
) -> TensorSpec:
    return cast(path, input, None, torch.device("cpu"), memory_format)


def _register_casts() -> None:
    for name, dtype in {
        "float": torch.float32,
        "double": torch.float64,
        "half": torch.float16,
        "bfloat16": torch.bfloat16,
        "long": torch.int64,
        "int": torch.int32,
        "short": torch.int16,
        "char": torch.int8,
        "byte": torch.uint8,
        "bool": torch.bool,
    }.items():

        def rule(
            path: Path,
            input: TensorSpec,
            memory_format: torch.memory_format = torch.preserve_format,
            dtype: torch.dtype = dtype,
        ) -> TensorSpec:
            return cast(path, input, dtype, None, memory_format)

        def itself(
            path: Path,
            input: TensorSpec,
            memory_format: torch.memory_format = torch.preserve_format,
            dtype: torch.dtype = dtype,
        ) -> TensorSpec | None:
            return kept(path, input, dtype, None, memory_format)

        alone = name in ("float", "double", "long", "int")  # keep what is known of elements
        shape_rule(*methods(name), view=View.SAME, elementwise=alone, itself=itself)(rule)


_register_casts()


def _itself(input: TensorSpec) -> TensorSpec:
    return input.like(input.dims, strides=input.strides, values=input.values)


@shape_rule(inplace=spellings("detach_"))
def detach_(path: Path, input: TensorSpec) -> TensorSpec:
    path.unproved("detach_() is refused for a view, and archlint does not know whether this is one")
    return _itself(input)


@shape_rule(inplace=methods("requires_grad_"))
def requires_grad_(path: Path, input: TensorSpec, requires_grad: bool = True) -> TensorSpec:
    if requires_grad and input.dtype not in promote.FLOATING and not input.dtype.is_complex:
        refuse(path, f"a floating dtype to require gradients, gets {dtype_name(input.dtype)}")
    return _itself(input)


@shape_rule(inplace=spellings("zero_"), fills=True)
def zero_(path: Path, input: TensorSpec) -> TensorSpec:
    return written(path, "zero", input, input.dtype, (0, 0), shared=True)


@shape_rule(inplace=spellings("fill_"), fills=True)
def fill_(path: Path, input: TensorSpec, value: Any) -> TensorSpec:
    if isinstance(value, TensorSpec):
        claim_ndim(path, "a value", value, 0)
    elif not promote.is_scalar(value):
        raise NoRule(f"fill_({value!r})")
    values = ranges.fitted(path, ranges.range_of(value), input.dtype)
    return written(path, "fill", input, input.dtype, values, shared=True)


@shape_rule(inplace=methods("copy_"), may_read_target=True)
def copy_(path: Path, input: TensorSpec, src: Any, non_blocking: bool = False) -> TensorSpec:
    if not isinstance(src, TensorSpec):
        raise NoRule("copy_ of a number")
    broadcast_onto(path, src.dims, input.dims)
    values = ranges.fitted(path, ranges.range_of(src), input.dtype)
    return written(path, "copy", input, input.dtype, values)


def _random(path: Path, input: TensorSpec, may: Any) -> TensorSpec:
    """Random numbers in place, of a floating dtype; ``may``: where any dtype is accepted."""
    if promote.same(path, "random", input.dtype) not in promote.FLOATING:
        path.claim(may, f"random numbers of a floating dtype, gets {dtype_name(input.dtype)}")
    return written(path, "random", input, input.dtype)


def _at_most(one: Any, other: Any) -> Bool:
    """``one <= other``, of parameters of a distribution."""
    kinds = {type(one), type(other)}
    if kinds <= {int, float, bool}:
        return bool(one <= other)
    if kinds <= {int, Expr}:
        return le(one, other)
    raise NoRule(f"random numbers with {one} and {other}")


@shape_rule(inplace=methods("normal_"), random=True, fills=True)
def normal_(
    path: Path, input: TensorSpec, mean: Any = 0, std: Any = 1, *, generator: Any = None
) -> TensorSpec:
    path.claim(_at_most(0, std), "std {} >= 0", std)
    return _random(path, input, empty(input.dims))


@shape_rule(inplace=methods("exponential_"), random=True, fills=True)
def exponential_(
    path: Path, input: TensorSpec, lambd: Any = 1, *, generator: Any = None
) -> TensorSpec:
    path.claim(negate(_at_most(lambd, 0)), "lambd {} > 0", lambd)
    return _random(path, input, empty(input.dims))


@shape_rule(inplace=methods("uniform_"), random=True, fills=True)
def uniform_(path: Path, input: TensorSpec, *args: Any, **settings: Any) -> TensorSpec:
    """``uniform_(from=0, to=1, *, generator=None)``."""
    limits = dict(zip(("from", "to"), args, strict=False))
    low, high = (settings.get(n, limits.get(n, d)) for n, d in (("from", 0), ("to", 1)))
    path.claim(_at_most(low, high), "from {} <= to {}", low, high)
    result = _random(path, input, False)
    most = int(torch.finfo(input.dtype).max)
    for limit in (low, high):
        fits = conj(_at_most(-most, limit), _at_most(limit, most))
        path.claim(fits, f"{{}} in range for {dtype_name(input.dtype)}", limit)
    path.claim(_at_most(high - low, most), "to {} - from {} in range", high, low)
    return result


declare_traits(
    *spellings("resolve_conj", "resolve_neg", "asarray", "_pin_memory"),
    *methods("cuda", "cfloat", "cdouble", "chalf", "pin_memory"),
    torch.Tensor.data.__get__,  # type: ignore[attr-defined]
    view=View.SAME,
)
declare_traits(*methods("sum_to_size"), view=View.UNKNOWN)


@shape_rule(torch.view_as_real, torch.is_conj, torch.Tensor.is_conj, view=View.WHOLE)
def of_no_conjugate(path: Path, input: TensorSpec) -> NoReturn:
    """A conjugate that was not computed yet is refused as a real tensor; kernels do the rest."""
    if input.conjugate:
        path.unknown_outcome("a conjugate view that is not resolved is not followed")
    raise NoRule("views of complex tensors")
