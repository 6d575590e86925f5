"""``arange``, ``linspace`` and their like, with the range of their elements."""

from __future__ import annotations

from typing import Any

import torch

from archlint.ops.registry import ElementFacts, NoRule, Path, Range, TensorSpec, shape_rule
from archlint.ops.rules.factories import made, number_dtype
from archlint.ops.shapes import type_promotion as promote
from archlint.ops.shapes.strides import decide
from archlint.ops.values import int_ranges as ranges
from archlint.ops.values.grids import Grid, Row
from archlint.symbolic import Size, ceildiv, floordiv, maximum, minimum
from archlint.symbolic.formula import conj, ge, le, ne
from archlint.symbolic.rational import Ratio, ratio_add, ratio_div, ratio_of

BOUNDS = "bounds {} and {} in the direction of step {}"


@shape_rule(torch.arange)
def arange(path: Path, *args: Any, **settings: Any) -> TensorSpec:
    """``arange(end)``, ``arange(start, end)`` or ``arange(start, end, step)``."""
    start, end, step = _bounds(args, settings)
    dtypes = [number_dtype(v) for v in (start, end, step)]
    whole = all(not d.is_floating_point for d in dtypes)
    dtype = settings.pop("dtype", None) or (torch.int64 if whole else torch.get_default_dtype())
    if dtype is torch.bool:
        raise NoRule("bool")
    if whole:
        length, values = _whole(path, int_(start), int_(end), int_(step))
        return made(path, (length,), settings, dtype, values)
    if dtype not in promote.FLOATING:
        raise NoRule("integers from fractional bounds")
    length, values, exact = _fractional(path, start, end, step)
    spec = made(path, (length,), settings, dtype, values)
    spec.loose = not exact
    return spec


def int_(value: Any) -> Size:
    return int(value) if isinstance(value, bool) else value


def _bounds(args: tuple[Any, ...], settings: dict[str, Any]) -> tuple[Any, Any, Any]:
    names = ("start", "end", "step")
    named = {n: settings.pop(n) for n in names if n in settings}
    if args and not ((len(args) == 2 and set(named) <= {"step"}) or not named):
        raise NoRule("bounds by place and by name")
    given = dict(zip(names if len(args) > 1 else ("end",), args, strict=False)) | named
    if "end" not in given or len(args) > 3:
        raise NoRule(f"arange{args}")
    return given.get("start", 0), given["end"], given.get("step", 1)


def _whole(path: Path, start: Size, end: Size, step: Size) -> tuple[Size, Range]:
    path.claim(ne(step, 0), "step {} != 0", step)
    if decide(path, ge(step, 1)):
        path.claim(le(start, end), BOUNDS, start, end, step)
        length = ceildiv(end - start, step)
        return length, (start, start + (length - 1) * step)
    path.claim(ge(start, end), BOUNDS, start, end, step)
    length = ceildiv(start - end, -step)
    return length, (start + (length - 1) * step, start)


def _fractional(path: Path, start: Any, end: Any, step: Any) -> tuple[Size, Range, bool]:
    """How many elements, between which integers, and whether these are elements themselves."""
    first, last, each = ratio_of(start), ratio_of(end), ratio_of(step)
    if first is None or last is None or each is None or not isinstance(each.num, int):
        raise NoRule("fractions that a float may round")
    if not isinstance(each.den, int) or each.num * each.den == 0:
        raise NoRule("a step of 0")
    if all(r.den == 1 and not r.rounded for r in (first, last, each)):
        return *_whole(path, first.num, last.num, each.num), True
    falling = each.num * each.den < 0
    if falling:
        first, last, each = last, first, Ratio(-each.num, each.den, each.rounded)
    span = last if first.num == 0 else ratio_add(last, Ratio(-first.num, first.den, first.rounded))
    if span is None or path.known(ge(span.den, 1)) is not True:
        raise NoRule("fractions that a float may round")
    bounds = (first.floor(), last.ceil())
    shown = bounds[::-1] if falling else bounds
    path.claim(ge(span.num, 0), "bounds {} and {} in the direction of the step", *shown)
    number = span if each.num == each.den else ratio_div(span, each)
    if number is None:
        raise NoRule("fractions that a float may round")
    return number.ceil(), bounds, False


@shape_rule(torch.linspace)
def linspace(path: Path, start: Any, end: Any, steps: Size, **settings: Any) -> TensorSpec:
    for bound in (start, end):
        number_dtype(bound)
    path.claim(ge(steps, 0), "number of steps {} >= 0", steps)
    if settings.get("dtype") is torch.bool:
        raise NoRule("bool")
    values = ranges.union(path, ranges.range_of(start), ranges.range_of(end))
    found = made(path, (steps,), settings, None, values)
    found.loose = path.known(ge(steps, 2)) is not True  # one step is the start alone
    return found


@shape_rule(torch.eye)
def eye(path: Path, n: Size, m: Size | None = None, **settings: Any) -> TensorSpec:
    m = n if m is None else m
    spec = made(path, (n, m), settings, None, (0, 1))
    spec.elements = ElementFacts(ones=minimum(n, m))
    return spec


@shape_rule(torch.randperm, random=True, draws_integers=True)
def randperm(path: Path, n: Size, **settings: Any) -> TensorSpec:
    return made(path, (n,), settings, torch.int64, (0, n - 1))


def _triangle(
    path: Path, row: Size, col: Size, offset: Size, lower: bool, settings: dict[str, Any]
) -> TensorSpec:
    """Places of a triangle, in two rows; counted as in ``ATen/native/TensorFactories.h``.

    The rows of a lower triangle have ``first``, ``first + 1``, … places, then ``col`` each.
    """
    path.claim(ge(row, 0), "size {} >= 0", row)
    path.claim(ge(col, 0), "size {} >= 0", col)
    below = offset if lower else offset - 1  # the last diagonal of the lower triangle
    high, wide = _at_least_0(path, row - 1), _at_least_0(path, col - 1)
    count: Size = 0
    if decide(path, conj(ge(row, 1), ge(col, 1), ge(row + below, 1))):
        last = row + below if decide(path, ge(col, row + below)) else col
        if not decide(path, ge(below, 0)):
            count = floordiv(last * (last + 1), 2)  # from one place on
            count = count + (row + below - last) * col
        elif decide(path, ge(below, col - 1)):
            count = row * col
        else:
            count = floordiv((below + 1 + last) * (last - below), 2)
            count = count + (row - (last - below)) * col
    if not lower:
        count = row * col - count
    spec = made(path, (2, count), settings, torch.int64, (0, maximum(high, wide)))
    spec.elements = ElementFacts(grid=Grid((Row(0, high), Row(0, wide)), 0))
    spec.loose = row != col or offset not in ((0, -1) if lower else (0, 1))
    return spec


def _at_least_0(path: Path, size: Size) -> Size:
    return size if decide(path, ge(size, 0)) else 0


@shape_rule(torch.tril_indices)
def tril_indices(path: Path, row: Size, col: Size, offset: int = 0, **settings: Any) -> TensorSpec:
    return _triangle(path, row, col, offset, True, settings)


@shape_rule(torch.triu_indices)
def triu_indices(path: Path, row: Size, col: Size, offset: int = 0, **settings: Any) -> TensorSpec:
    return _triangle(path, row, col, offset, False, settings)
