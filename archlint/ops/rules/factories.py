"""Tensors made from sizes and numbers."""

from __future__ import annotations

import sys
from typing import Any

import torch
from torch import nn

from archlint.ops.aliases import methods
from archlint.ops.registry import NoRule, Path, Range, SizeTuple, TensorSpec, refuse, shape_rule
from archlint.ops.rules.casts import cast, dense_strides, host_device, kept
from archlint.ops.shapes import type_promotion as promote
from archlint.ops.shapes.strides import empty
from archlint.ops.traits import Bounds, Creates, View, declare_traits
from archlint.ops.values import int_ranges as ranges
from archlint.symbolic import Expr, Size
from archlint.symbolic.formula import Formula, Junction, disj, ge, lt
from archlint.symbolic.rational import Opaque, Ratio

Dims = tuple[Size, ...]
_IGNORED = frozenset({"requires_grad", "pin_memory", "generator"})


def sizes_of(args: tuple[Any, ...], settings: dict[str, Any]) -> Dims:
    """The sizes of ``2, 3`` or ``(2, 3)`` or ``size=(2, 3)``."""
    given = settings.pop("size", args)
    if len(given) == 1 and isinstance(given[0], (tuple, list)):
        given = given[0]
    if not all(isinstance(s, (int, Expr)) and not isinstance(s, bool) for s in given):
        raise NoRule(f"sizes {given!r}")
    return tuple(given)


def made(
    path: Path,
    dims: Dims,
    settings: dict[str, Any],
    dtype: torch.dtype | None = None,
    values: Range = ranges.UNKNOWN,
) -> TensorSpec:
    """A new contiguous tensor. ``settings`` may name another dtype and a device."""
    for size in dims:
        path.claim(ge(size, 0), "size {} >= 0", size)
    dtype = settings.pop("dtype", None) or dtype or torch.get_default_dtype()
    device = settings.pop("device", None)
    for name, value in settings.items():
        if name not in _IGNORED and value not in (None, torch.strided, torch.contiguous_format):
            raise NoRule(f"{name}={value!r}")
    if not dtype.is_complex:
        promote.same(path, "a new tensor", dtype)
    host = None if device is None else host_device(device)
    known = None if dtype.is_complex else ranges.fitted(path, values, dtype)
    return TensorSpec(dims, dtype, None, known, host)


def number_dtype(value: Any) -> torch.dtype:
    """The dtype of a tensor made of one Python number."""
    if isinstance(value, bool):
        return torch.bool
    if isinstance(value, (int, Expr)):
        return torch.int64
    if isinstance(value, (float, Ratio, Opaque)):
        return torch.get_default_dtype()
    raise NoRule(f"a value {value!r}")


def _register_filled(name: str, values: Range, random: bool = False) -> None:
    """``torch.NAME(*size)``, ``torch.NAME_like(input)`` and ``Tensor.new_NAME(*size)``."""

    def check(path: Path, spec: TensorSpec) -> TensorSpec:
        if random:
            promote.floating(path, name, spec.dtype)
        return spec

    def rule(path: Path, *size: Any, **settings: Any) -> TensorSpec:
        dims = sizes_of(size, settings)
        return check(path, made(path, dims, settings, None, values))

    def like(path: Path, input: TensorSpec, **settings: Any) -> TensorSpec:
        return check(path, _like(path, input, settings, values))

    def new(path: Path, input: TensorSpec, *size: Any, **settings: Any) -> TensorSpec:
        dims = sizes_of(size, settings)
        return made(path, dims, settings, input.dtype, values)

    rule.__name__, like.__name__, new.__name__ = name, f"{name}_like", f"new_{name}"
    shape_rule(getattr(torch, name), random=random, creates=Creates.SIZE)(rule)
    shape_rule(getattr(torch, f"{name}_like"), random=random, creates=Creates.LIKE)(like)
    if not random:
        shape_rule(*methods(f"new_{name}"), creates=Creates.NEW)(new)


def _like(path: Path, input: TensorSpec, settings: dict[str, Any], values: Range) -> TensorSpec:
    memory_format = settings.pop("memory_format", None) or torch.preserve_format
    result = made(path, input.dims, settings, input.dtype, values)
    result.strides = dense_strides(path, input, memory_format)
    return result


_register_filled("zeros", (0, 0))
_register_filled("ones", (1, 1))
_register_filled("empty", ranges.UNKNOWN)
_register_filled("rand", (0, 1), random=True)
_register_filled("randn", ranges.UNKNOWN, random=True)


@shape_rule(torch.full, creates=Creates.FILLED)
def full(path: Path, size: Any, fill_value: Any, **settings: Any) -> TensorSpec:
    values = ranges.range_of(fill_value)
    dims = sizes_of((size,), {})
    return made(path, dims, settings, number_dtype(fill_value), values)


@shape_rule(torch.full_like, creates=Creates.LIKE)
def full_like(path: Path, input: TensorSpec, fill_value: Any, **settings: Any) -> TensorSpec:
    number_dtype(fill_value)
    return _like(path, input, settings, ranges.range_of(fill_value))


@shape_rule(*methods("new_full"))
def new_full(
    path: Path, input: TensorSpec, size: Any, fill_value: Any, **settings: Any
) -> TensorSpec:
    number_dtype(fill_value)
    values = ranges.range_of(fill_value)
    return made(path, sizes_of((size,), {}), settings, input.dtype, values)


@shape_rule(
    *(torch.hann_window, torch.hamming_window, torch.blackman_window, torch.bartlett_window),
    torch.kaiser_window,
)
def window_function(
    path: Path, window_length: Size, periodic: bool = True, *shape: float, **settings: Any
) -> TensorSpec:
    """``shape``: what the function takes besides, such as the ``beta`` of Kaiser's."""
    for name in ("alpha", "beta"):
        settings.pop(name, None)
    result = made(path, sizes_of((window_length,), settings), settings)
    promote.floating(path, "a window function", result.dtype)
    return result


@shape_rule(torch.normal)
def normal(
    path: Path,
    mean: Any,
    std: Any = 1.0,
    size: Any = None,
    *,
    generator: Any = None,
    **settings: Any,
) -> TensorSpec:
    """``normal(mean, std, size)`` of two numbers."""
    if size is None or not all(type(n) in (int, float) for n in (mean, std)):
        raise NoRule("a tensor of means or deviations")
    path.claim(std >= 0, f"std {std} >= 0")
    result = made(path, sizes_of((size,), {}), settings)
    promote.floating(path, "normal", result.dtype)
    return result


def _bounded(path: Path, args: tuple[Any, ...], settings: dict[str, Any]) -> tuple[Any, Range]:
    """``(high, rest)`` or ``(low, high, rest)``: the rest, and low..high-1."""
    given = list(args)
    for name in ("low", "high"):
        if name in settings:
            given.insert(0 if name == "low" else min(len(given), 1), settings.pop(name))
    numbers = [g for g in given if isinstance(g, (int, Expr))]
    low, high = (0, numbers[0]) if len(numbers) == 1 else (numbers[0], numbers[1])
    path.claim(lt(low, high), "low {} < high {}", low, high)
    return given[len(numbers) :], (low, high - 1)


@shape_rule(torch.randint, bounds=Bounds.UNKNOWN, random=True, draws_integers=True)
def randint(path: Path, *args: Any, **settings: Any) -> TensorSpec:
    rest, values = _bounded(path, args, settings)
    dims = sizes_of(tuple(rest), settings)
    return _holding(path, made(path, dims, settings, torch.int64, values), values)


@shape_rule(torch.randint_like, bounds=Bounds.UNKNOWN, random=True, draws_integers=True)
def randint_like(path: Path, input: TensorSpec, *args: Any, **settings: Any) -> TensorSpec:
    rest, values = _bounded(path, args, settings)
    if rest:
        raise NoRule(f"randint_like{args}")
    return _holding(path, _like(path, input, settings, values), values)


_NARROW = {
    torch.bool: (0, 1),
    torch.float16: (-65504, 65504),
    **{
        dtype: (torch.iinfo(dtype).min, torch.iinfo(dtype).max)
        for dtype in (torch.uint8, torch.int8, torch.int16, torch.int32)
    },
}
"""The numbers that a dtype holds, where these are few."""


def _holding(path: Path, result: TensorSpec, values: Range) -> TensorSpec:
    """The result, whose dtype has to hold all numbers that may be drawn."""
    low, high = values
    if result.dtype in _NARROW and low is not None and high is not None:
        name, (least, most) = str(result.dtype)[6:], _NARROW[result.dtype]
        path.claim(ge(low, least), f"numbers that {name} holds, from {{}}", low)
        path.claim(ge(most, high), f"numbers that {name} holds, up to {{}}", high)
    return result


def _as_tensor_itself(
    path: Path, data: Any, dtype: torch.dtype | None = None, device: Any = None
) -> TensorSpec | None:
    host = None if device is None else host_device(device)
    return kept(path, data, dtype, host) if isinstance(data, TensorSpec) else None


@shape_rule(torch.tensor, torch.as_tensor)
def tensor(
    path: Path,
    data: Any,
    *,
    dtype: torch.dtype | None = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> TensorSpec:
    """Of nested lists of numbers and sizes."""
    if isinstance(data, TensorSpec):
        host = None if device is None else host_device(device)
        return cast(path, data, dtype, host)
    dims, leaves = _nested(path, data)
    dtype = dtype or (torch.get_default_dtype() if not leaves else _common(leaves))
    return made(path, dims, {"dtype": dtype, "device": device}, None, _span(path, leaves))


@shape_rule(*methods("new"))
def new(path: Path, input: TensorSpec, *args: Any, **settings: Any) -> TensorSpec:
    """``new(*size)``, ``new(torch.Size)`` or ``new(elements)``."""
    if len(args) == 1 and isinstance(args[0], TensorSpec):
        raise NoRule("another tensor")
    if len(args) == 1 and isinstance(args[0], (list, tuple)):
        if not isinstance(args[0], SizeTuple):
            return new_tensor(path, input, args[0], **settings)
        args = args[0]
    dims = sizes_of(args, settings) if args or settings else (0,)
    return made(path, dims, settings, input.dtype)


@shape_rule(*methods("new_tensor"))
def new_tensor(path: Path, input: TensorSpec, data: Any, **settings: Any) -> TensorSpec:
    """Of nested lists as ``torch.tensor``, or the copy of a tensor, in the dtype of ``input``."""
    if isinstance(data, TensorSpec):
        return tensor(path, data, **{"dtype": input.dtype, **settings})
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(data, numpy.ndarray) and data.dtype.kind in "iufb":
        dims, leaves = data.shape, data.ravel().tolist()
    else:
        dims, leaves = _nested(path, data)
    return made(path, dims, settings, input.dtype, _span(path, leaves))


def _nested(path: Path, data: Any) -> tuple[Dims, list[Any]]:
    if not isinstance(data, (list, tuple)):
        if isinstance(data, (Formula, Junction)):
            data = path.branch(data)
        number_dtype(data)
        return (), [data]
    inner = [_nested(path, d) for d in data]
    for dims, _ in inner[1:]:
        if dims != inner[0][0]:
            refuse(path, "rows of one length")
    dims = (len(data), *(inner[0][0] if inner else ()))
    return dims, [leaf for _, leaves in inner for leaf in leaves]


def _common(leaves: list[Any]) -> torch.dtype:
    dtypes = [number_dtype(leaf) for leaf in leaves]
    return max(dtypes, key=[torch.bool, torch.int64, torch.get_default_dtype()].index)


def _span(path: Path, leaves: list[Any]) -> Range:
    if not leaves:
        return ranges.UNKNOWN
    values = ranges.range_of(leaves[0])
    for leaf in leaves[1:]:
        values = ranges.union(path, values, ranges.range_of(leaf))
    return values


@shape_rule(
    *(torch.multinomial, *methods("multinomial")),
    bounds=Bounds.UNKNOWN,
    random=True,
    draws_integers=True,
)
def multinomial(
    path: Path,
    input: TensorSpec,
    num_samples: Size,
    replacement: bool = False,
    *,
    generator: Any = None,
) -> TensorSpec:
    if not isinstance(num_samples, (int, Expr)) or input.dtype not in promote.FLOATING:
        raise NoRule(f"multinomial of {input.dtype}")
    path.claim(input.ndim in (1, 2), "1 or 2 dimensions, gets {}", input.ndim)
    *rows, classes = input.dims
    path.claim(ge(num_samples, 1), "num_samples {} > 0", num_samples)
    if not replacement:
        path.claim(
            ge(classes, num_samples),
            "classes {} >= num_samples {} without replacement",
            classes,
            num_samples,
        )
    path.claim(disj(ge(classes, 1), empty(tuple(rows))), "a number of classes {} > 0", classes)
    path.claim(ge(1 << 24, classes), "at most 2**24 classes, gets {}", classes)
    return input.like((*rows, num_samples), torch.int64, values=(0, classes - 1))


declare_traits(torch.as_tensor, view=View.SAME, itself=_as_tensor_itself)
declare_traits(torch.normal, random=True, creates=Creates.NORMAL)
declare_traits(torch.poisson, torch.binomial, random=True)
declare_traits(*methods("cauchy_", "log_normal_", "geometric_"), random=True)
declare_traits(
    torch.bernoulli,
    *methods("bernoulli", "bernoulli_", "random_"),
    random=True,
    draws_integers=True,
)
_INIT = nn.init
declare_traits(
    *(_INIT.uniform_, _INIT.normal_, _INIT.trunc_normal_, _INIT.kaiming_uniform_),
    *(_INIT.kaiming_normal_, _INIT.xavier_uniform_, _INIT.xavier_normal_, _INIT.orthogonal_),
    writes=((0, "tensor"),),
    random=True,
    fills=True,
)
declare_traits(*(_INIT.constant_, _INIT.ones_, _INIT.zeros_), writes=((0, "tensor"),), fills=True)
