"""Operators of two tensors, or of a tensor and a number: broadcasting, dtypes, value ranges."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from archlint.ops.aliases import methods, spellings
from archlint.ops.registry import NoRule, Path, Range, TensorSpec, refuse, shape_rule
from archlint.ops.shapes import type_promotion as promote
from archlint.ops.shapes.broadcast import broadcast, broadcast_onto
from archlint.ops.shapes.inplace import written
from archlint.ops.shapes.strides import elementwise_strides
from archlint.ops.shapes.type_promotion import DtypeRule, is_scalar, result_type
from archlint.ops.traits import Bounds, declare_traits
from archlint.ops.values import float_ranges as reals
from archlint.ops.values import int_ranges as ranges
from archlint.ops.values import truths
from archlint.symbolic import Expr
from archlint.symbolic.formula import disj, eq, ge, le, ne

RangeRule = Callable[[Path, Any, Any, torch.dtype], "Range | reals.Real"]


def pointwise(
    path: Path, dtype: torch.dtype, values: Range | reals.Real, *operands: Any
) -> TensorSpec:
    """The result of a pointwise operator on tensors (and numbers, which have no shape)."""
    specs = [o for o in operands if isinstance(o, TensorSpec)]
    dims = specs[0].dims if len(specs) == 1 else broadcast(path, *(s.dims for s in specs))
    strides = elementwise_strides(path, specs, dims)
    return specs[0].like(dims, dtype, strides, ranges.fitted(path, values, dtype))


def _plain(rule: Callable[..., Range]) -> RangeRule:
    return lambda path, a, b, dtype: rule(path, ranges.range_of(a), ranges.range_of(b))


def _linear(rule: Callable[..., Range], real: Callable[..., reals.Real | None]) -> RangeRule:
    """``rule`` for whole bounds, ``real`` where rounding matters."""

    def values(path: Path, a: Any, b: Any, dtype: torch.dtype) -> Range | reals.Real:
        if reals.rounding(a) or reals.rounding(b):
            return real(path, a, b, dtype) or ranges.UNKNOWN
        return rule(path, ranges.range_of(a), ranges.range_of(b))

    return values


def _unknown(path: Path, a: Any, b: Any, dtype: torch.dtype) -> Range:
    return ranges.UNKNOWN


def _product(path: Path, a: Any, b: Any, dtype: torch.dtype) -> Range | reals.Real:
    if reals.rounding(a) or reals.rounding(b):
        return reals.multiplied(path, a, b, dtype) or ranges.UNKNOWN
    for tensor, factor in ((a, b), (b, a)):
        if not isinstance(factor, (TensorSpec, int)):
            return ranges.mul_ratio(path, ranges.range_of(tensor), factor)
    return ranges.mul(path, ranges.range_of(a), ranges.range_of(b))


def _quotient(path: Path, a: Any, b: Any, dtype: torch.dtype) -> Range:
    if isinstance(b, float):
        return ranges.divide(path, ranges.range_of(a), ranges.range_of(b))
    return ranges.divide(path, *_whole_divisor(a, b))


def _truncated(path: Path, a: Any, b: Any, dtype: torch.dtype) -> Range:
    return ranges.truncate(path, *_whole_divisor(a, b))


def _floored(path: Path, a: Any, b: Any, dtype: torch.dtype) -> Range:
    return ranges.floor_divide(path, *_whole_divisor(a, b))


def _remainder(path: Path, a: Any, b: Any, dtype: torch.dtype) -> Range:
    whole = dtype not in promote.FLOATING
    return ranges.remainder(path, *_whole_divisor(a, b), whole)


def _fmod(path: Path, a: Any, b: Any, dtype: torch.dtype) -> Range:
    whole = dtype not in promote.FLOATING
    return ranges.fmod(path, *_whole_divisor(a, b), whole)


def _whole_divisor(a: Any, b: Any) -> tuple[Range, Range]:
    """Ranges of dividend and divisor; unknown for a divisor with a fraction."""
    whole = not isinstance(b, TensorSpec) or b.dtype not in promote.FLOATING
    if isinstance(b, float) and not b.is_integer():
        whole = False
    return ranges.range_of(a), ranges.range_of(b) if whole else ranges.UNKNOWN


def _no_bool(path: Path, name: str, a: Any, b: Any, dtype: torch.dtype) -> None:
    for operand in (a, b):
        if isinstance(operand, bool) or getattr(operand, "dtype", None) is torch.bool:
            refuse(path, f"{name} of numbers, gets bool")


def _no_negative_power(path: Path, name: str, a: Any, b: Any, dtype: torch.dtype) -> None:
    if isinstance(b, int) and b < 0 and dtype not in promote.FLOATING:
        refuse(path, f"{name} of integers to a power >= 0, gets {b}")
    if isinstance(b, Expr) and dtype not in promote.FLOATING:
        path.claim(ge(b, 0), f"{name} of integers to a power {{}} >= 0", b)
    if isinstance(b, TensorSpec):
        promote.number(path, name, dtype)


def _no_zero_divisor(path: Path, name: str, a: Any, b: Any, dtype: torch.dtype) -> None:
    """Whole numbers are not divided by 0, unless there are no elements."""
    if dtype in promote.FLOATING or dtype.is_complex or (type(b) is int and b != 0):
        return
    low, high = ranges.range_of(b)
    for bound, excluded in ((low, ge), (high, le)):
        edge = 1 if excluded is ge else -1
        if bound is not None and path.known(excluded(bound, edge)):
            return
    dims = [size for operand in (a, b) if isinstance(operand, TensorSpec) for size in operand.dims]
    none = disj(*(eq(size, 0) for size in dims))
    if low is not None and low == high:
        path.claim(disj(none, ne(low, 0)), f"{name} by {{}} != 0", low)
    elif path.known(none) is not True:
        path.unproved(f"tensor values determine whether {name} divides a whole number by 0")


def _double(path: Path, name: str, dtype: torch.dtype) -> torch.dtype:
    promote.same(path, name, dtype)
    return torch.float64


def _register(
    name: str,
    dtype_rule: DtypeRule,
    values: RangeRule = _unknown,
    *,
    also: str = "",
    dunders: str = "",
    reflected: str = "",
    inplace: str = "",
    numbers: bool = True,
    numbers_alone: bool = False,
    check: Callable[[Path, str, Any, Any, torch.dtype], None] | None = None,
    **traits: Any,
) -> None:
    """One rule for all spellings of a binary operator (names separated by spaces).

    ``numbers_alone``: whether PyTorch takes two numbers and makes a tensor of the first.
    """

    def result(
        path: Path, a: Any, b: Any, alpha: Any, mode: str | None
    ) -> tuple[Any, Range | reals.Real]:
        if not numbers and (is_scalar(a) or is_scalar(b)):
            raise NoRule(f"{name} of a number")
        promoted = result_type(a, b)
        if check is not None:
            check(path, name, a, b, promoted)
        if alpha != 1:
            if isinstance(alpha, float) and promoted not in promote.FLOATING:
                raise NoRule(f"{name} with alpha {alpha}")
            return dtype_rule(path, name, promoted), ranges.UNKNOWN
        if mode is None:
            return dtype_rule(path, name, promoted), values(path, a, b, promoted)
        if mode not in ("floor", "trunc"):
            refuse(path, f"rounding_mode 'floor' or 'trunc', gets {mode!r}")
        _no_zero_divisor(path, name, a, b, promoted)
        rounded = _floored if mode == "floor" else _truncated
        return promote.number(path, name, promoted), rounded(path, a, b, promoted)

    def rule(
        path: Path,
        input: Any,
        other: Any,
        *,
        alpha: Any = 1,
        rounding_mode: str | None = None,
    ) -> TensorSpec:
        if is_scalar(input) and is_scalar(other):
            if not numbers_alone or not isinstance(input, (int, Expr)):
                raise NoRule(f"{name} of numbers")
            input = TensorSpec((), torch.int64, values=(input, input))
        dtype, values_ = result(path, input, other, alpha, rounding_mode)
        return pointwise(path, dtype, values_, input, other)

    def swapped(path: Path, input: Any, other: Any, *, alpha: Any = 1) -> TensorSpec:
        if dtype_rule is promote.to_float:  # other * input.reciprocal()
            input = input.like(input.dims, dtype_rule(path, name, input.dtype), input.strides)
        return rule(path, other, input, alpha=alpha)

    def into(
        path: Path, input: Any, other: Any, *, alpha: Any = 1, rounding_mode: str | None = None
    ) -> TensorSpec:
        dtype, values_ = result(path, input, other, alpha, rounding_mode)
        if isinstance(other, TensorSpec) and other.dims != input.dims:
            broadcast_onto(path, other.dims, input.dims)
        return written(path, name, input, dtype, ranges.fitted(path, values_, input.dtype))

    names = (name, *also.split())
    for each in (rule, swapped, into):
        each.__name__ = name
    traits["may_read_target"] = True
    functions = dict.fromkeys((*spellings(*names), *methods(*dunders.split())))
    shape_rule(*functions, **traits)(rule)
    if reflected:
        shape_rule(*spellings(*reflected.split()), **traits)(swapped)
    into_names = [f"{n}_" for n in names if n != "float_power"] + inplace.split()
    own = ("elementwise", "allocates", "comparison")  # of a result that is a tensor of its own
    written_to = {word: value for word, value in traits.items() if word not in own}
    shape_rule(inplace=spellings(*into_names), **written_to)(into)


_NEW = {"elementwise": True, "allocates": True}
_SIZES = {"raises": (RuntimeError,)}
_CHOICE = {"numbers": False, "bounds": Bounds.UNKNOWN}


def _compares(sign: str, also: str, dunder: str) -> dict[str, Any]:
    return {"also": also, "dunders": dunder, "elementwise": True, "comparison": sign}


TABLE: tuple[tuple[str, DtypeRule, RangeRule, dict[str, Any]], ...] = (
    (
        "add",
        promote.same,
        _linear(ranges.add, reals.added),
        {
            "numbers_alone": True,
            "dunders": "__add__ __radd__",
            "inplace": "__iadd__",
            "bounds": Bounds.PAIRS,
            **_NEW,
            **_SIZES,
        },
    ),
    (
        "sub",
        promote.number,
        _linear(ranges.sub, reals.subtracted),
        {
            "numbers_alone": True,
            "also": "subtract",
            "dunders": "__sub__",
            "reflected": "rsub __rsub__",
            "inplace": "__isub__",
            "check": _no_bool,
            "bounds": Bounds.PAIRS,
            **_NEW,
            **_SIZES,
        },
    ),
    (
        "mul",
        promote.same,
        _product,
        {
            "numbers_alone": True,
            "also": "multiply",
            "dunders": "__mul__ __rmul__",
            "inplace": "__imul__",
            "bounds": Bounds.PRODUCT,
            **_NEW,
            **_SIZES,
        },
    ),
    (
        "div",
        promote.to_float,
        _quotient,
        {
            "numbers_alone": True,
            "also": "divide true_divide",
            "dunders": "__truediv__ __div__",
            "reflected": "__rtruediv__ __rdiv__",
            "inplace": "__itruediv__ __idiv__",
            "bounds": Bounds.QUOTIENT,
            **_NEW,
            **_SIZES,
        },
    ),
    (
        "floor_divide",
        promote.number,
        _floored,
        {
            "numbers_alone": True,
            "dunders": "__floordiv__",
            "reflected": "__rfloordiv__",
            "inplace": "__ifloordiv__",
            "check": _no_zero_divisor,
            "bounds": Bounds.PAIRS,
            **_NEW,
        },
    ),
    (
        "remainder",
        promote.number,
        _remainder,
        {
            "dunders": "__mod__",
            "reflected": "__rmod__",
            "inplace": "__imod__",
            "check": _no_zero_divisor,
            "bounds": Bounds.UNKNOWN,
        },
    ),
    ("fmod", promote.number, _fmod, {"check": _no_zero_divisor, "bounds": Bounds.UNKNOWN}),
    (
        "pow",
        promote.same,
        _plain(ranges.power),
        {
            "dunders": "__pow__",
            "reflected": "__rpow__",
            "inplace": "__ipow__",
            "check": _no_negative_power,
            "bounds": Bounds.PAIRS,
            **_SIZES,
        },
    ),
    ("float_power", _double, _unknown, {}),
    ("maximum", promote.same, _plain(ranges.greatest), {"elementwise": True, **_CHOICE, **_SIZES}),
    ("minimum", promote.same, _plain(ranges.least), {"elementwise": True, **_CHOICE, **_SIZES}),
    ("fmax", promote.same, _plain(ranges.greatest), _CHOICE),
    ("fmin", promote.same, _plain(ranges.least), _CHOICE),
    ("atan2", promote.to_float, _unknown, {"also": "arctan2", "numbers": False}),
    ("hypot", promote.floating, _unknown, {"numbers": False}),
    ("logaddexp", promote.floating, _unknown, {"numbers": False}),
    ("copysign", promote.to_float, _unknown, {}),
    ("xlogy", promote.to_float, _unknown, {}),
    ("eq", promote.to_bool, truths.compared("=="), {"dunders": "__eq__"}),
    ("ne", promote.to_bool, truths.compared("!="), {"also": "not_equal", "dunders": "__ne__"}),
    ("lt", promote.to_bool, truths.compared("<"), _compares("<", "less", "__lt__")),
    ("le", promote.to_bool, truths.compared("<="), _compares("<=", "less_equal", "__le__")),
    ("gt", promote.to_bool, truths.compared(">"), _compares(">", "greater", "__gt__")),
    ("ge", promote.to_bool, truths.compared(">="), _compares(">=", "greater_equal", "__ge__")),
    ("logical_and", promote.to_bool, truths.combined(ranges.least), {"numbers": False}),
    ("logical_or", promote.to_bool, truths.combined(ranges.greatest), {"numbers": False}),
    ("logical_xor", promote.to_bool, _unknown, {"numbers": False}),
    *(
        (
            f"bitwise_{word}",
            promote.integral,
            values,
            {"dunders": f"__{word}__ __r{word}__", "inplace": f"__i{word}__"},
        )
        for word, values in (
            ("and", truths.combined(ranges.least)),
            ("or", truths.combined(ranges.greatest)),
            ("xor", _unknown),
        )
    ),
    *(
        (
            f"bitwise_{word}_shift",
            promote.integer,
            _unknown,
            {
                "dunders": f"__{word[0]}shift__",
                "reflected": f"__r{word[0]}shift__",
                "inplace": f"__i{word[0]}shift__",
            },
        )
        for word in ("left", "right")
    ),
)
for _name, _dtype, _values, _more in TABLE:
    _register(_name, _dtype, _values, **_more)

declare_traits(
    *spellings("heaviside", "nextafter", "heaviside_", "nextafter_"), may_read_target=True
)
