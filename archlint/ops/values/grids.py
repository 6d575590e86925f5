"""Where a tensor of integers has its smallest and its largest element, and that of each row.

Positions in a grid are stacked, subtracted, scaled and taken apart again before they index a table:
``stack(meshgrid(arange(h), arange(w))).flatten(1)[0]`` goes to ``h - 1``, though the stack goes to
the larger of ``h - 1`` and ``w - 1``. A :class:`Grid` keeps the bounds of each entry along one
dimension of few entries, the *rows*, and the directions in which these rise. Sums of two rows reach
the sum of their bounds where no dimension rises in one and falls in the other: the largest elements
are then at one place.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import torch

from archlint.ops.registry import Path, Range, TensorSpec
from archlint.ops.silent_path import Unanswered
from archlint.ops.values import int_ranges as ranges
from archlint.symbolic import Size, maximum, minimum, product
from archlint.symbolic.formula import ge, le

MOST = 8  # rows
Signs = tuple[int, ...]


class Row(NamedTuple):
    """The bounds of some elements.

    ``signs``: for each dimension of the tensor 1 if the largest is at the last place of it, -1 if
    at the first, 0 if at any; the smallest is at the opposite place. ``None`` if not known.
    ``reached``: whether the bounds are elements, if there are any; with signs they are.
    """

    low: Size
    high: Size
    signs: Signs | None = None
    reached: bool = False


class Grid(NamedTuple):
    """The bounds of each entry along the dimension ``dim``, or of all elements as one row."""

    rows: tuple[Row, ...]
    dim: int | None = None

    def bounds(self) -> Range:
        """The range of all elements."""
        lows, highs = [r.low for r in self.rows], [r.high for r in self.rows]
        return minimum(*lows), maximum(*highs)

    @property
    def reached(self) -> bool:
        """Whether the bounds of all elements are reached."""
        return all(row.reached for row in self.rows)

    @property
    def numbers(self) -> tuple[Size, ...]:
        """The number that each row is; none if some row has several."""
        lows = tuple(row.low for row in self.rows)
        return lows if all(row.low == row.high for row in self.rows) else ()


def grid_of(spec: Any) -> Grid | None:
    """What is known of a tensor; a number is one row, of any dimensions."""
    if not isinstance(spec, TensorSpec):
        low, high = ranges.range_of(spec) if type(spec) is not float else (None, None)
        return None if low is None or high is None else Grid((Row(low, high, (), True),))
    if spec.dtype is not torch.int64:
        return None
    grid: Grid | None = spec.elements.grid
    if grid is not None:
        return grid
    if type(spec.values) is not tuple or None in spec.values:
        return None
    low, high = spec.values
    signs = (0,) * spec.ndim if low == high else None
    return Grid((Row(low, high, signs, not spec.loose),))


def grid_of_numbers(numbers: Sequence[int], shape: Sequence[int]) -> Grid | None:
    """The rows of a tensor of few numbers, all along one dimension."""
    if not 2 <= len(numbers) <= MOST:
        return None
    signs = (0,) * len(shape)
    rows = tuple(Row(number, number, signs, True) for number in numbers)
    return Grid(rows, list(shape).index(len(numbers)))


def placed(grid: Grid, sources: Sequence[int | None], cut: frozenset[int] = frozenset()) -> Grid:
    """The grid of a view, whose dimensions were those of ``sources``; of those in ``cut`` a part.

    Old dimensions that are no source have one place.
    """
    rows = []
    for row in grid.rows:
        signs = row.signs
        if signs is None or any(signs[d] for d in cut):
            rows.append(Row(row.low, row.high, None, row.reached and not cut))
        else:
            rows.append(row._replace(signs=tuple(0 if d is None else signs[d] for d in sources)))
    return Grid(tuple(rows), None if grid.dim is None else list(sources).index(grid.dim))


def row_of(grid: Grid, at: int, sources: Sequence[int | None]) -> Grid | None:
    """One of the rows, whose dimensions were those of ``sources``."""
    if not -len(grid.rows) <= at < len(grid.rows):
        return None
    return placed(Grid((grid.rows[at],)), sources)


def spread(operand: Any, result: TensorSpec) -> Grid | None:
    """The grid of an operand that is broadcast to the dimensions of ``result``."""
    grid = grid_of(operand)
    if grid is None:
        return None
    dims = operand.dims if isinstance(operand, TensorSpec) else ()
    lead = result.ndim - len(dims)
    if any(n != 1 and n != result.dims[lead + d] for d, n in enumerate(dims)):
        return None  # a size that may be 1
    rows = grid.rows
    if isinstance(operand, TensorSpec):
        rows = tuple(
            row
            if row.signs is None
            else row._replace(
                signs=tuple(0 if n == 1 else s for n, s in zip(dims, row.signs, strict=True))
            )
            for row in rows
        )
    return placed(Grid(rows, grid.dim), [*[None] * lead, *range(len(dims))])


def union(rows: Iterable[Row], full: bool) -> Row:
    """An element of any of these; ``full``: none of them is without elements."""
    rows = list(rows)
    low, high = minimum(*(r.low for r in rows)), maximum(*(r.high for r in rows))
    return Row(low, high, None, full and all(r.reached for r in rows))


def added(numbers: Iterable[Size]) -> Size:
    """The sum of numbers."""
    result: Size = 0
    for number in numbers:
        result = result + number
    return result


def total(one: Row, two: Row) -> Row:
    signs: Signs | None = None
    if one.signs is not None and two.signs is not None:
        pairs = list(zip(one.signs, two.signs, strict=True))
        if all(a * b >= 0 for a, b in pairs):
            signs = tuple(a or b for a, b in pairs)
    reached = signs is not None or any(
        a.reached and b.low == b.high for a, b in ((one, two), (two, one))
    )
    return Row(one.low + two.low, one.high + two.high, signs, reached)


def negative(row: Row) -> Row:
    signs = None if row.signs is None else tuple(-s for s in row.signs)
    return Row(-row.high, -row.low, signs, row.reached)


def scaled(path: Path, one: Row, two: Row) -> Row:
    """Of a row and a number."""
    if one.low == one.high:
        one, two = two, one
    factor = two.low
    if two.high != factor:
        raise Unanswered
    if path.known(ge(factor, 0)) is True:
        return Row(one.low * factor, one.high * factor, one.signs, one.reached)
    if path.known(le(factor, 0)) is True:
        return negative(Row(one.low * -factor, one.high * -factor, one.signs, one.reached))
    raise Unanswered


def groups_of(old: Sequence[Size], new: Sequence[Size]) -> list[tuple[list[int], list[int]]] | None:
    """Which dimensions became which, in groups with one product; those of size 1 in none."""
    left = [d for d, n in enumerate(old) if n != 1]
    right = [d for d, n in enumerate(new) if n != 1]
    groups: list[tuple[list[int], list[int]]] = []
    while left or right:
        lengths = itertools.product(range(1, len(left) + 1), range(1, len(right) + 1))
        for a, b in sorted(lengths, key=sum):
            if product(old[d] for d in left[:a]) == product(new[d] for d in right[:b]):
                break
        else:
            return None
        groups.append((left[:a], right[:b]))
        left, right = left[a:], right[b:]
    return groups


def regrouped(
    old: Sequence[int], groups: list[tuple[list[int], list[int]]], ndim: int
) -> tuple[int, ...] | None:
    """The signs of the dimensions that groups became; ``None`` if some rise and some fall."""
    signs = [0] * ndim
    for before, after in groups:
        found = {old[d] for d in before} - {0}
        if len(found) > 1:
            return None
        for d in after:
            signs[d] = min(found, default=0)
    return tuple(signs)


def with_grid(spec: TensorSpec, grid: Grid) -> TensorSpec:
    """``spec`` with what is known of its rows, and so of all of its elements."""
    bounds = grid.bounds()
    made = spec.like(spec.dims, strides=spec.strides, values=bounds)
    made.loose = not grid.reached and (spec.loose or bounds != spec.values)
    made.elements = replace(spec.elements, grid=grid)
    return made
