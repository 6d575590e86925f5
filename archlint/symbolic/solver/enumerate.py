"""The smallest sizes with a property, by trying: the answer is mostly among the first few."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from archlint.symbolic.formula import Bool, comparisons, holds
from archlint.symbolic.intervals import Box

MAX_POINTS = 200
WORK = 10_000  # comparisons that may be looked at in all: a long formula is tried less often


def smallest_by_enumeration(names: Sequence[str], box: Box, formula: Bool) -> dict[str, int] | None:
    """The sizes in ``box`` with the property of the smallest sum; of those, the first by name.

    ``None``: they are not among the first :data:`MAX_POINTS` (fewer where the formula is
    long), or a size that the formula names has no least value. Division by zero at sizes outside
    of what the formula is about ends the search as well.
    """
    if isinstance(formula, bool):
        return None
    most = min(MAX_POINTS, WORK // sum(1 for _ in islice(comparisons(formula), WORK + 1)))
    if most == 0:
        return None
    said = formula.symbols()
    lows = {}
    for name in names:
        low, _ = box.ranges.get(name, (None, None))
        if low is None:
            return None
        lows[name] = low
    moving = [n for n in names if n in said]
    room = [_room(box, n) for n in moving]
    tries = 0
    above = 0
    while tries < most:
        some = False
        for steps in _shares(above, room):
            some = True
            tries += 1
            point = dict(lows)
            for name, step in zip(moving, steps, strict=True):
                point[name] += step
            try:
                if holds(formula, point):
                    return point
            except ZeroDivisionError:
                return None
            if tries == most:
                return None
        if not some:
            return None
        above += 1
    return None


def _room(box: Box, name: str) -> int | None:
    """How far a size may be above its least; ``None`` for as far as one likes."""
    low, high = box.ranges[name]
    assert low is not None
    return None if high is None else high - low


def _shares(total: int, room: Sequence[int | None]) -> Iterator[tuple[int, ...]]:
    """Every way to share ``total`` among the sizes, the first size's smallest share first."""
    if not room:
        if total == 0:
            yield ()
        return
    most = total if room[0] is None else min(total, room[0])
    if len(room) == 1:
        if most == total:
            yield (total,)
        return
    for share in range(most + 1):
        for rest in _shares(total - share, room[1:]):
            yield (share, *rest)
