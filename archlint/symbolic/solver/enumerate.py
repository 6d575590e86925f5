"""The smallest sizes with a property by enumeration: they are mostly among the first few."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from archlint.symbolic.formula import Bool, comparisons, holds
from archlint.symbolic.intervals import Box

MAX_POINTS = 200
"""Points that are tried."""

MAX_COMPARISONS = 10_000
"""Comparisons that are evaluated in all: for a long formula fewer points are tried."""


def smallest_by_enumeration(names: Sequence[str], box: Box, formula: Bool) -> dict[str, int] | None:
    """The sizes in ``box`` with the smallest sum where the formula holds.

    Of several, the one whose values, in the order of ``names``, come first. ``None`` is no proof
    that there are none: they are not among the first :data:`MAX_POINTS`, a size has no lower bound,
    or a divisor is 0 at one of the points.
    """
    if isinstance(formula, bool):
        return None
    limit = min(
        MAX_POINTS,
        MAX_COMPARISONS // sum(1 for _ in islice(comparisons(formula), MAX_COMPARISONS + 1)),
    )
    if limit == 0:
        return None
    used = formula.symbols()
    lows = {}
    for name in names:
        low, _ = box.ranges.get(name, (None, None))
        if low is None:
            return None
        lows[name] = low
    varying = [n for n in names if n in used]
    spans = [_span(box, n) for n in varying]
    tries = 0
    total = 0
    while tries < limit:
        exhausted = True
        for offsets in _compositions(total, spans):
            exhausted = False
            tries += 1
            point = dict(lows)
            for name, offset in zip(varying, offsets, strict=True):
                point[name] += offset
            try:
                if holds(formula, point):
                    return point
            except ZeroDivisionError:
                return None
            if tries == limit:
                return None
        if exhausted:
            return None
        total += 1
    return None


def _span(box: Box, name: str) -> int | None:
    """The difference between the bounds of a size; ``None`` without an upper bound."""
    low, high = box.ranges[name]
    assert low is not None
    return None if high is None else high - low


def _compositions(total: int, spans: Sequence[int | None]) -> Iterator[tuple[int, ...]]:
    """Every tuple of integers with this sum, each in ``0..span``, in lexicographic order."""
    if not spans:
        if total == 0:
            yield ()
        return
    most = total if spans[0] is None else min(total, spans[0])
    if len(spans) == 1:
        if most == total:
            yield (total,)
        return
    for first in range(most + 1):
        for rest in _compositions(total - first, spans[1:]):
            yield (first, *rest)
