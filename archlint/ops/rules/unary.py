"""Operators of one tensor, element by element: activations and other functions."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import torch
import torch.nn.functional as F

from archlint.ops.aliases import spellings
from archlint.ops.registry import NoRule, Path, Range, TensorSpec, refuse, shape_rule
from archlint.ops.shapes import type_promotion as promote
from archlint.ops.shapes.broadcast import broadcast, broadcast_onto
from archlint.ops.shapes.claims import claim_most_ndim
from archlint.ops.shapes.inplace import written
from archlint.ops.shapes.strides import elementwise_strides
from archlint.ops.shapes.type_promotion import DtypeRule
from archlint.ops.traits import Bounds, View, is_inplace
from archlint.ops.values import int_ranges as ranges
from archlint.runtime.user_frames import first_line
from archlint.symbolic.formula import eq, ge

ValueRule = Callable[[Path, Range], Range]


def _lost(path: Path, values: Range) -> Range:
    return ranges.UNKNOWN


_PLAIN = frozenset({int, float, bool, str, type(None)})
_TRIED = (-(1 << 40), -1, 0, 1, 1 << 40)  # numbers that a setting may be


def _kept(path: Path, values: Range) -> Range:
    return values


def _rectified(path: Path, values: Range) -> Range:
    return ranges.greatest(path, values, (0, 0))


def _squared(path: Path, values: Range) -> Range:
    return ranges.power(path, values, (2, 2))


def _logarithm(path: Path, values: Range) -> Range:
    """To any base of at least 2: of ``n`` at most ``n - 1``."""
    low, high = values
    if low is None or path.known(ge(low, 1)) is not True:
        return ranges.UNKNOWN  # -inf, NaN
    return 0, None if high is None else high - 1


def _check_settings(
    path: Path,
    function: Callable[..., Any],
    dtype: torch.dtype,
    args: tuple[Any, ...],
    named: dict[str, Any],
) -> None:
    """Settings of an element-wise function change no shape; the function itself judges them."""
    plain = dtype if dtype.is_floating_point else torch.float32
    values = (*args, *named.values())
    if any(isinstance(value, (TensorSpec, complex)) for value in values):
        raise NoRule("a tensor as a setting")
    if values and _PLAIN.issuperset(map(type, values)):
        error = _complaint(function, plain, args, tuple(named.items()))
        if error:
            refuse(path, error.replace("{", "{{").replace("}", "}}"))
    elif values and any(_complaint(function, plain, *_with_number(args, named, n)) for n in _TRIED):
        raise NoRule("a size as a setting that not every number may be")


def _with_number(
    args: tuple[Any, ...], named: dict[str, Any], number: int
) -> tuple[tuple[Any, ...], tuple[tuple[str, Any], ...]]:
    """The settings with ``number`` for each that is a formula."""

    def plain(value: Any) -> Any:
        return value if type(value) in _PLAIN else number

    return tuple(map(plain, args)), tuple((k, plain(v)) for k, v in named.items())


@lru_cache(maxsize=1024)
def _complaint(
    function: Callable[..., Any],
    dtype: torch.dtype,
    args: tuple[Any, ...],
    named: tuple[tuple[str, Any], ...],
) -> str:
    """What the function raises for these settings on one element; empty if it takes them."""
    with torch.random.fork_rng(devices=[]):
        try:
            function(torch.zeros(1, dtype=dtype), *args, **dict(named))
        except (RuntimeError, ValueError) as e:
            return first_line(e)
        except TypeError:  # other spellings name their settings otherwise
            return ""
    return ""


def mapped(
    path: Path, input: TensorSpec, dtype: torch.dtype, values: Range = ranges.UNKNOWN
) -> TensorSpec:
    """The result of a function applied to every element."""
    strides = input.strides and elementwise_strides(path, [input], input.dims)
    known = None if values is ranges.UNKNOWN else ranges.fitted(path, values, dtype)
    return input.like(input.dims, dtype, strides, known)


def _register(
    name: str,
    dtype_rule: DtypeRule,
    values: ValueRule,
    also: str = "",
    bounds: Bounds = Bounds.REACHED,
    **traits: Any,
) -> None:
    """One rule for all spellings of an element-wise function."""
    packed = name in ("logsigmoid", "rrelu")  # always contiguous

    def rule(path: Path, input: TensorSpec, *args: Any, **settings: Any) -> TensorSpec:
        if args or settings:
            _check_settings(path, function, input.dtype, args, settings)
        dtype = dtype_rule(path, name, input.dtype)
        if packed:
            return input.like(input.dims, dtype)
        if values is _lost:
            return mapped(path, input, dtype)
        return mapped(path, input, dtype, values(path, ranges.range_of(input)))

    def into(path: Path, input: TensorSpec, *args: Any, **settings: Any) -> TensorSpec:
        _check_settings(path, function, input.dtype, args, settings)
        dtype = dtype_rule(path, name, input.dtype)
        values_ = values(path, ranges.range_of(input))
        return written(path, name, input, dtype, ranges.fitted(path, values_, input.dtype))

    rule.__name__ = into.__name__ = name
    names = [name, *also.split()]
    functions = [f for f in spellings(*names) if f is not torch.special.round]
    flagged: Any = getattr(F, name, None)  # perhaps with an argument ``inplace``
    function = flagged or functions[0]

    def either(path: Path, input: TensorSpec, *args: Any, **settings: Any) -> TensorSpec:
        if settings.get("inplace") is False:
            del settings["inplace"]
        in_place = is_inplace(flagged, (input, *args), settings)
        return (into if in_place else rule)(path, input, *args, **settings)

    either.__name__ = name
    shape_rule(*(f for f in functions if f is not flagged), bounds=bounds, **traits)(rule)
    shape_rule(*(f for f in functions if f is flagged), bounds=bounds, **traits)(either)
    into_names = [f"{n}_" for n in names]
    shape_rule(inplace=spellings(*into_names), bounds=bounds, fills=name == "erfinv")(into)


def _hardtanh(path: Path, name: str, dtype: torch.dtype) -> torch.dtype:
    if dtype is torch.uint8:
        raise NoRule("uint8, which some versions refuse")
    return promote.number(path, name, dtype)


def _as_it_is(path: Path, input: TensorSpec) -> TensorSpec:
    return input


def _register_all() -> None:
    plain: dict[DtypeRule, str] = {
        promote.floating: "gelu mish hardswish hardsigmoid leaky_relu elu selu celu softplus"
        " frac softshrink hardshrink rrelu silu",
        promote.number_to_float: "softsign tanhshrink",
        _hardtanh: "hardtanh relu6",
        promote.to_bool: "isposinf isneginf signbit isnan isinf isfinite logical_not isreal",
        promote.same: "nan_to_num",
        promote.to_float: "erf erfc erfinv lgamma digamma logit deg2rad rad2deg i0 sigmoid tanh"
        " exp exp2 expm1 log1p sqrt rsqrt sin cos tan sinh cosh sinc reciprocal"
        " angle",
    }
    for dtype_rule, names in plain.items():
        for name in names.split():
            _register(name, dtype_rule, _lost)
    for name, also in {
        "asin": "arcsin",
        "acos": "arccos",
        "atan": "arctan",
        "asinh": "arcsinh",
        "acosh": "arccosh",
        "atanh": "arctanh",
    }.items():
        _register(name, promote.to_float, _lost, also)
    for name, also in {"floor": "", "ceil": "", "trunc": "fix", "round": ""}.items():
        _register(name, promote.number, _kept, also, elementwise=True)
    for name in ("log", "log2", "log10"):
        _register(name, promote.to_float, _logarithm, bounds=Bounds.UNKNOWN, elementwise=True)
    _register("logsigmoid", promote.floating, _lost, "log_sigmoid")
    _register("relu", promote.number, _rectified)
    _register("threshold", promote.number, _lost)
    _register("positive", promote.number, _kept, "__pos__", view=View.SAME, itself=_as_it_is)
    _register("neg", promote.number, ranges.neg, "negative __neg__", elementwise=True)
    _register("abs", promote.number, ranges.absolute, "absolute __abs__", elementwise=True)
    _register("square", promote.widened, _squared)
    _register("sign", promote.same, _lost, "sgn")
    _register("bitwise_not", promote.integral, _lost, "__invert__")


_register_all()


@shape_rule(*spellings("clamp", "clip"), elementwise=True, may_read_target=True)
def clamp(path: Path, input: TensorSpec, min: Any = None, max: Any = None) -> TensorSpec:
    """Limits are numbers or tensors that broadcast with the input."""
    limits = _limits(path, min, max)
    dtype = promote.number(path, "clamp", promote.result_type(input, *limits))
    specs = [input, *(v for v in limits if isinstance(v, TensorSpec))]
    dims = broadcast(path, *(s.dims for s in specs))
    values = ranges.fitted(path, _clamped(path, input, min, max), dtype)
    return input.like(dims, dtype, elementwise_strides(path, specs, dims), values)


@shape_rule(inplace=spellings("clamp_", "clip_"), may_read_target=True, fills=True)
def clamp_(path: Path, input: TensorSpec, min: Any = None, max: Any = None) -> TensorSpec:
    limits = _limits(path, min, max)
    dtype = promote.number(path, "clamp", promote.result_type(input, *limits))
    for limit in limits:
        if isinstance(limit, TensorSpec):
            broadcast_onto(path, limit.dims, input.dims)
    values = ranges.fitted(path, _clamped(path, input, min, max), input.dtype)
    return written(path, "clamp", input, dtype, values)


def _limits(path: Path, min: Any, max: Any) -> list[Any]:
    limits = [v for v in (min, max) if v is not None]
    if not limits:
        refuse(path, "min or max")
    if len({isinstance(v, TensorSpec) for v in limits}) == 2:
        return [_number(path, v) for v in limits]
    return limits


def _number(path: Path, limit: Any) -> Any:
    """A limit beside a number: a tensor without dimensions is taken for one of its kind."""
    if not isinstance(limit, TensorSpec):
        return limit
    if limit.ndim:
        refuse(path, "two numbers or two tensors as min and max")
    return 1.0 if limit.dtype.is_floating_point else 1


def _clamped(path: Path, input: TensorSpec, min: Any, max: Any) -> Range:
    values = ranges.range_of(input)
    if min is not None:
        values = ranges.greatest(path, values, ranges.range_of(min))
    if max is not None:
        values = ranges.least(path, values, ranges.range_of(max))
    return values


@shape_rule(*spellings("clamp_min"), elementwise=True, may_read_target=True)
def clamp_min(path: Path, input: TensorSpec, min: Any) -> TensorSpec:
    return clamp(path, input, min, None)


@shape_rule(*spellings("clamp_max"), elementwise=True, may_read_target=True)
def clamp_max(path: Path, input: TensorSpec, max: Any) -> TensorSpec:
    return clamp(path, input, None, max)


@shape_rule(inplace=spellings("clamp_min_"), may_read_target=True)
def clamp_min_(path: Path, input: TensorSpec, min: Any) -> TensorSpec:
    return clamp_(path, input, min, None)


@shape_rule(inplace=spellings("clamp_max_"), may_read_target=True)
def clamp_max_(path: Path, input: TensorSpec, max: Any) -> TensorSpec:
    return clamp_(path, input, None, max)


@shape_rule(*spellings("prelu"))
def prelu(path: Path, input: TensorSpec, weight: TensorSpec) -> TensorSpec:
    """``weight``: one slope, or one per channel (dimension 1)."""
    promote.floating(path, "prelu", input.dtype)
    if weight.dtype is not input.dtype:
        raise NoRule("prelu of mixed dtypes")
    claim_most_ndim(path, "a weight", weight, 1)
    if weight.dims not in ((), (1,)):
        path.claim(input.ndim > 0, "an input of at least 1 dimension")
        channels = input.dims[1] if input.ndim >= 2 else 1
        if path.known(eq(weight.dims[0], 1)) is not True:
            _per_channel(path, channels, weight)
    return mapped(path, input, input.dtype)


def _per_channel(path: Path, channels: Any, weight: TensorSpec) -> None:
    slopes = weight.dims[0]
    if isinstance(slopes, int):
        path.claim(eq(channels, slopes), "channels {} == number of slopes {}", channels, slopes)
    else:
        raise NoRule("a symbolic number of slopes")


@shape_rule(*spellings("glu"))
def glu(path: Path, input: TensorSpec, dim: int = -1) -> TensorSpec:
    """One half of ``dim`` gates the other."""
    promote.floating(path, "glu", input.dtype)
    path.claim(input.ndim > 0, "an input of at least 1 dimension")
    path.claim(-input.ndim <= dim < input.ndim, f"dim {dim} in range for {input.ndim} dimensions")
    dims = list(input.dims)
    path.claim(eq(dims[dim] % 2, 0), f"an even size at dimension {dim}, gets {{}}", dims[dim])
    dims[dim] = dims[dim] // 2
    halves = TensorSpec(tuple(dims), input.dtype, input.strides, None, input.device)
    return input.like(halves.dims, strides=elementwise_strides(path, [halves], halves.dims))
