"""Narrower ranges of elements where a condition holds.

``where(x < 8, x, f(x))`` takes from ``f(x)`` only the results for elements that are at least 8. So
element-wise results record the call that made them (:class:`Origin`), and their rules run again
with the narrower range. Only integers made from sizes are followed, and only until
some tensor is written in place: another name for the same memory may then hold other elements.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch

from archlint.ops.registry import NoRule, Path, Range, Refused, TensorSpec
from archlint.ops.silent_path import SilentPath, Unanswered
from archlint.ops.traits import traits_of
from archlint.ops.values import int_ranges as ranges
from archlint.symbolic import Size, Symbol
from archlint.symbolic.formula import Bool, ge, gt, le, lt

_DEPTH = 24  # operators between a condition and the chosen tensor

_SMALL = 1 << 24  # numbers below are exact in every dtype that keeps sizes

_REDUCING = frozenset((torch.min, torch.max, torch.Tensor.min, torch.Tensor.max))
"""Element-wise with two tensors, and reductions of one."""
_COMPARISONS = {"<": lt, ">": gt, "<=": le, ">=": ge}
_NEGATED = {"<": ">=", ">=": "<", ">": "<=", "<=": ">"}


class Origin(NamedTuple):
    """The call that made a tensor: the operator, its rule and its arguments."""

    function: Callable[..., Any]
    rule: Callable[..., Any]
    args: Sequence[Any]
    settings: Mapping[str, Any]

    @classmethod
    def of(
        cls,
        function: Callable[..., Any],
        rule: Callable[..., Any],
        args: Sequence[Any],
        settings: Mapping[str, Any],
    ) -> Origin | None:
        """``None`` if the operator is not element-wise, or no range of its operands is known."""
        if not traits_of(function).elementwise:
            return None
        tensors = [a for a in (*args, *settings.values()) if isinstance(a, TensorSpec)]
        if len(tensors) < 2 and function in _REDUCING:
            return None
        known = any(t.origin is not None or _is_bounded(t) for t in tensors)
        return cls(function, rule, args, settings) if known else None


def _is_bounded(tensor: TensorSpec) -> bool:
    """Whether a range is known; of floats one that is made from integers, not by ``relu``."""
    if not isinstance(tensor.values, tuple):
        return False
    return None not in tensor.values or not tensor.dtype.is_floating_point


def compared(condition: TensorSpec) -> Bool | None:
    """What the comparison that made ``condition`` is, if it is of two known 64-bit integers."""
    origin = condition.origin
    sign = traits_of(origin.function).comparison if origin is not None else ""
    if origin is None or not sign or len(origin.args) != 2:
        return None
    left, right = map(_number, origin.args)
    if left is None or right is None:
        return None
    return _COMPARISONS[sign](left, right)


def _number(operand: object) -> Size | None:
    """The value of an integer, or of all elements of a tensor of these, that is exact."""
    if isinstance(operand, TensorSpec) and not of_integers(operand):
        return None
    low, high = ranges.range_of(operand)
    return low if low is not None and low == high and is_small(low) else None


def of_integers(tensor: TensorSpec) -> bool:
    """Whether a tensor, and all that it is known to be made of, has 64-bit integers."""
    todo = [tensor]
    for made in todo:
        if made.dtype is not torch.int64 or len(todo) > _DEPTH:
            return False
        if made.origin is not None:
            todo += [a for a in made.origin.args if isinstance(a, TensorSpec)]
    return True


def is_small(size: Size) -> bool:
    """Whether a sum of sizes cannot have overflowed, also where it was computed in 32 bits."""
    if isinstance(size, int):
        return abs(size) < _SMALL
    return is_small(size.const) and all(
        len(monomial) == 1 and isinstance(monomial[0], Symbol) and abs(coef) == 1
        for monomial, coef in size.terms
    )


def chosen(path: Path, condition: TensorSpec, value: TensorSpec, truth: bool) -> TensorSpec:
    """``value`` with the range of those elements where the condition has this truth."""
    narrow = _narrowed(path, condition, truth)
    if narrow is None or (value.values is not None and not isinstance(value.values, tuple)):
        return value
    try:
        return _remade(SilentPath(path), value, *narrow, {}, _DEPTH)
    except (Unanswered, NoRule, Refused):
        return value


def _narrowed(path: Path, condition: TensorSpec, truth: bool) -> tuple[TensorSpec, Range] | None:
    """The tensor that was compared, and the range of its elements where that came to ``truth``."""
    origin = condition.origin
    sign = traits_of(origin.function).comparison if origin is not None else ""
    if origin is None or not sign or len(origin.args) != 2:
        return None
    tensor, other = origin.args
    if not isinstance(tensor, TensorSpec):
        return None
    whole = not tensor.dtype.is_floating_point
    if not truth and not whole:
        return None  # neither x < 1 nor x >= 1 holds of a NaN
    sign = sign if truth else _NEGATED[sign]
    least, most = ranges.range_of(other)
    known = ranges.range_of(tensor)
    step = 1 if whole else 0
    if sign in ("<", "<="):
        if most is None:
            return None
        limit = most - step if sign == "<" else most
        return tensor, (known[0], ranges.least(path, (None, known[1]), (None, limit))[1])
    if least is None:
        return None
    limit = least + step if sign == ">" else least
    return tensor, (ranges.greatest(path, (known[0], None), (limit, None))[0], known[1])


def _remade(
    path: Path,
    spec: TensorSpec,
    source: TensorSpec,
    values: Range,
    made: dict[int, TensorSpec],
    depth: int,
) -> TensorSpec:
    """``spec`` as its rules would make it if ``source`` had these values."""
    if spec is source:
        return spec.like(spec.dims, strides=spec.strides, values=values)
    origin = spec.origin
    if origin is None or not depth:
        return spec
    if id(spec) not in made:

        def again(value: Any) -> Any:
            if not isinstance(value, TensorSpec):
                return value
            return _remade(path, value, source, values, made, depth - 1)

        args = [again(a) for a in origin.args]
        settings = {k: again(v) for k, v in origin.settings.items()}
        before = (*origin.args, *origin.settings.values())
        after = (*args, *settings.values())
        same = all(a is b for a, b in zip(before, after, strict=True))
        made[id(spec)] = spec if same else origin.rule(path, *args, **settings)
    return made[id(spec)]
