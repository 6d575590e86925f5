"""Whether the known bounds of a tensor's elements are reached.

A bound always holds. The whole of ``arange(n)`` reaches both of its own; a part of it, or a choice
between it and something else, may not; nor may what was made of values that nobody knows. An index
that is out of range by a bound that may not be reached proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from archlint.dims import Size, exact_quotient
from archlint.formula import Bool
from archlint.ops.layout import decide
from archlint.ops.ranges import range_of
from archlint.ops.registry import Path, TensorSpec
from archlint.ratio import ratio_of

_PARTS = {"getitem", "narrow", "select", "split", "split_with_sizes", "chunk", "unbind"} | {
    "tensor_split", "index_select", "gather", "take", "take_along_dim", "diagonal", "unfold",
}  # fmt: skip
_CHOICES = {"where", "masked_fill", "masked_fill_", "tril", "triu", "min", "max", "minimum"} | {
    "maximum", "fmin", "fmax", "remainder", "fmod", "mod", "imod", "rmod", "median", "mode",
    "kthvalue", "topk", "sort", "amin", "amax", "log", "log2", "log10", "nonzero", "argwhere",
    "masked_select", "unique", "unique_consecutive", "nms", "batched_nms",
    "_batched_nms_vanilla", "_batched_nms_coordinate_trick",
}  # fmt: skip


_SUMS = {"cumsum", "sum", "cumprod", "prod"}


_PRODUCTS = {"mul", "multiply", "rmul", "imul"}
_QUOTIENTS = {"div", "divide", "true_divide", "truediv", "itruediv", "idiv"}
_TOGETHER = _PRODUCTS | _QUOTIENTS | {"add", "radd", "iadd", "sub", "subtract", "rsub", "isub"} | {
    "floor_divide", "floordiv", "ifloordiv", "pow", "ipow",
}  # fmt: skip


def reaches(name: str, operands: Iterable[Any], result: TensorSpec) -> bool:
    """Whether the result of an operator (its short name) reaches the bounds that its rule gave."""
    if not isinstance(result.values, tuple) or result.values[0] is result.values[1]:
        return True
    operands = list(operands)
    specs = [s for s in operands if isinstance(s, TensorSpec)]
    if name in _CHOICES or any(s.loose or not isinstance(s.values, tuple) for s in specs):
        return False
    if name in _SUMS:
        return all(_constant(s) for s in specs)
    if name in _TOGETHER and not _apart([s for s in specs if not _constant(s)]):
        return False
    if name in _PRODUCTS | _QUOTIENTS and result.dtype.is_floating_point:
        return _exact(operands, name in _QUOTIENTS)
    return name not in _PARTS or not specs or result.numel() == specs[0].numel()


def _apart(specs: list[TensorSpec]) -> bool:
    """Whether every element of each meets every element of the others, as in an outer sum."""
    for at in range(1, 1 + max((s.ndim for s in specs), default=0)):
        if sum(s.ndim >= at and s.dims[-at] != 1 for s in specs) > 1:
            return False
    return True


def _exact(operands: list[Any], divided: bool) -> bool:
    """Whether the bounds of one tensor, multiplied with a number or divided by it, are whole."""
    varying = [o for o in operands if isinstance(o, TensorSpec) and not _constant(o)]
    if len(varying) != 1 or (divided and operands[0] is not varying[0]):
        return len(varying) > 1 and not divided
    assert isinstance(varying[0].values, tuple)
    others = [range_of(o)[0] if isinstance(o, TensorSpec) else o for o in operands]
    factors = [
        ratio_of(o) for o, given in zip(others, operands, strict=True) if given is not varying[0]
    ]
    bounds = [b for b in varying[0].values if b is not None]
    for factor in factors:
        if factor is None:
            return False
        num, den = (factor.den, factor.num) if divided else (factor.num, factor.den)
        if any(exact_quotient(b * num, den) is None for b in bounds):
            return False
    return True


def _constant(spec: TensorSpec) -> bool:
    return isinstance(spec.values, tuple) and spec.values[0] == spec.values[1]


def in_range(path: Path, index: TensorSpec, inside: Bool, text: str, *sizes: Size) -> None:
    """Claim ``inside``, which speaks of a bound of ``index``, if that bound is reached."""
    if index.loose and not decide(path, inside):
        path.unproved(f"whether {text.format(*sizes)}, a bound that may not be reached")
    else:
        path.claim(inside, text, *sizes)
