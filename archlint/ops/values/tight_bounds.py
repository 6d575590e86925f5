"""Whether the known bounds of a tensor's elements are reached.

A bound always holds. The whole of ``arange(n)`` reaches both of its own; a part of it, or a choice
between it and something else, may not; nor may a result of unknown values. An index that is out of
range by a bound that may not be reached proves nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from archlint.ops.registry import Path, TensorSpec
from archlint.ops.shapes.strides import decide
from archlint.ops.traits import Bounds, Function, traits_of
from archlint.ops.values.float_ranges import KNOWN, Real, Span
from archlint.ops.values.int_ranges import range_of
from archlint.symbolic import Size, exact_quotient
from archlint.symbolic.formula import Bool
from archlint.symbolic.rational import ratio_of

_EVERY_PAIR = (Bounds.PAIRS, Bounds.PRODUCT, Bounds.QUOTIENT)


def reaching(function: Function, operands: Sequence[Any], result: TensorSpec) -> TensorSpec:
    """The result of an operator, marked with the bounds of its rule that it reaches.

    ``result`` itself if it reaches all of them.
    """
    bounds = traits_of(function).bounds
    if isinstance(result.values, Span):
        specs = [s for s in _each(operands) if isinstance(s, TensorSpec)]
        exact = _moved(bounds, operands, specs, result)
        if exact and result.loose:
            return result
        values = result.values if exact else tuple(result.values)
    elif result.loose or reaches(bounds, operands, result):
        return result
    else:
        values = result.values
    spec = result.like(result.dims, strides=result.strides, values=values)
    spec.loose = True
    spec.elements = result.elements
    return spec


def _moved(
    bounds: Bounds, operands: Sequence[Any], specs: list[TensorSpec], result: TensorSpec
) -> bool:
    """Whether a result still reaches what its :class:`Span` says: it was cut just now, or moved."""
    for spec in specs:
        if isinstance(spec.values, Real):
            return not spec.loose
        if spec.values is result.values:
            return bounds is not Bounds.UNKNOWN and _all_of(bounds, operands, spec, result)
    return False


def reaches(bounds: Bounds, operands: Sequence[Any], result: TensorSpec) -> bool:
    """Whether the result of an operator of this kind reaches the bounds of its rule."""
    if not isinstance(result.values, KNOWN) or _constant(result):
        return True
    each = list(_each(operands[:1] if bounds is Bounds.FIRST else operands))
    specs = [s for s in each if isinstance(s, TensorSpec)]
    if bounds is Bounds.UNKNOWN or any(s.loose or not isinstance(s.values, KNOWN) for s in specs):
        return False
    if any(isinstance(s.values, Real) for s in specs) and not isinstance(result.values, Real):
        return False
    if bounds is Bounds.SUM:
        return all(_constant(s) for s in specs)
    if bounds in _EVERY_PAIR and not _apart([s for s in specs if not _constant(s)]):
        return False
    divided = bounds is Bounds.QUOTIENT
    if (divided or bounds is Bounds.PRODUCT) and result.dtype.is_floating_point:
        return isinstance(result.values, Real) or _exact(each, divided)
    return not specs or _all_of(bounds, operands, specs[0], result)


def _all_of(bounds: Bounds, operands: Sequence[Any], spec: TensorSpec, result: TensorSpec) -> bool:
    """Whether every element of ``spec`` is in the result of an operator that may take a part."""
    if bounds is Bounds.PICKED or (bounds is Bounds.SUBSCRIPT and _picks(operands[1])):
        return False  # the same one again and again, perhaps
    if bounds not in (Bounds.PART, Bounds.SUBSCRIPT):
        return True
    return result.numel() == spec.numel()


def _picks(index: Any) -> bool:
    items = index if isinstance(index, tuple) else (index,)
    return any(isinstance(item, (TensorSpec, list, range)) for item in items)


def _each(values: Sequence[Any]) -> Iterator[Any]:
    """The values, and those in lists of them."""
    for value in values:
        if isinstance(value, (list, tuple)):
            yield from _each(value)
        else:
            yield value


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
    if isinstance(spec.values, Real):
        return spec.values.constant
    return isinstance(spec.values, tuple) and spec.values[0] == spec.values[1]


def in_range(
    path: Path,
    index: TensorSpec,
    side: int,
    inside: Callable[[Size], Bool],
    text: str,
    *sizes: Size,
) -> None:
    """Claim ``inside`` of the lower bound (``side`` 0) or the upper one (1) of an index.

    For a bound that may not be reached there is no claim; it is unproved where it is not inside.
    ``text`` states the requirement, with ``{}`` for the bound and for ``sizes``.
    """
    values = index.values
    if not isinstance(values, tuple):
        return
    reached = values.reached[side] if isinstance(values, Span) else None
    if reached is not None:
        path.claim(inside(reached), text, reached, *sizes)
    bound = values[side]
    if bound is None:
        return
    if index.loose and not decide(path, inside(bound)):
        path.unproved(f"tensor values determine whether this holds: {text.format(bound, *sizes)}")
    else:
        path.claim(inside(bound), text, bound, *sizes)
