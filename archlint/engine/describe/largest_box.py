"""The largest box of accepted sizes around a size: what a profile of a runtime can state.

A best-first search: of the boxes that remain, the one with the most sizes is tried first. A solver
finds a size in it that is refused; the box is then split into those that leave that size out on
one side. The first box without a refused size is the largest of all around the point, because every
box without a refused size lies inside one of those that remain.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

from archlint.contracts.region import in_box, typical_point
from archlint.contracts.rulefile.ranges.declared import Span
from archlint.runtime.effort_clock import passed
from archlint.symbolic import mod, symbol
from archlint.symbolic.formula import Bool, conj, eq, holds, negate
from archlint.symbolic.intervals import Box, Interval
from archlint.symbolic.solver.solver import Solver, Unsolved

MAX_BOXES = 400
"""Boxes that are tried; after that the best split is followed without the others."""

MAX_TRIED = 4096
"""Sizes that are tried between the point and a refused one."""

MAX_STEP = 128
"""The largest multiple that is looked for."""

_ENDLESS = 1_000_000  # sizes that a range without an end counts for


@dataclass(frozen=True)
class GoodBox:
    """A box whose sizes are all accepted, which is proved.

    ``spans``: the range of each size. ``largest``: no box around the same point has more sizes.
    ``count``: the number of its sizes; a range without an end counts as a million.
    """

    spans: dict[str, Span]
    largest: bool
    count: int

    def formula(self) -> Bool:
        """The sizes in the box."""
        return conj(
            in_box(Box({n: (s.low, s.high) for n, s in self.spans.items()})),
            *(eq(mod(symbol(n) - s.low, s.step), 0) for n, s in self.spans.items()),
        )


def largest_box(
    names: Sequence[str],
    box: Box,
    accepted: Bool,
    point: Mapping[str, int],
    deadline: float,
    *,
    steps: bool = False,
    declared: Mapping[str, int] | None = None,
) -> GoodBox:
    """The largest box inside ``box`` that contains ``point`` and only accepted sizes.

    ``declared`` are the multiples by which sizes advance, 1 by default. With ``steps``, they may
    advance by more: by that with which each of them, on its own, reaches the most sizes from the
    point. ``deadline`` is a time of :mod:`.effort_clock`.

    Raises:
        Unsolved: the time is over.
        ValueError: the point itself is not in the box, or not accepted.
    """
    if not holds(conj(in_box(box), accepted), point):
        raise ValueError("the point is not accepted")
    step = {n: (declared or {}).get(n, 1) for n in names}
    if steps:
        step = {n: _step(n, box, accepted, point, step[n]) for n in names}
    search = _Search(tuple(names), accepted, point, step, deadline)
    return search.run(box)


@dataclass
class _Search:
    names: tuple[str, ...]
    accepted: Bool
    point: Mapping[str, int]
    step: dict[str, int]
    deadline: float

    def run(self, box: Box) -> GoodBox:
        solver = Solver(self.names, box, self.deadline)
        solver.add(negate(self.accepted))
        solver.add(conj(*(
            eq(mod(symbol(n) - self.point[n] % s, s), 0) for n, s in self.step.items() if s > 1
        )))  # fmt: skip
        start = tuple(self._aligned(n, box.ranges.get(n, (1, None))) for n in self.names)
        boxes = [(-self._count(start), _key(start), start)]
        seen = {start}
        largest = True
        for tried in range(MAX_BOXES * 2):
            if passed(self.deadline):
                raise Unsolved("no time left")
            _, _, bounds = heapq.heappop(boxes)
            inside = in_box(Box(dict(zip(self.names, bounds, strict=True))))
            refused = solver.find(inside)
            if refused is None:
                return self._box(bounds, largest)
            if tried == MAX_BOXES:
                boxes, largest = [], False
            children = [c for c in self._children(bounds, self._nearest(refused)) if c not in seen]
            if not largest:
                children = sorted(children, key=lambda c: (-self._count(c), _key(c)))[:1]
            for child in children:
                seen.add(child)
                heapq.heappush(boxes, (-self._count(child), _key(child), child))
        raise Unsolved("too many boxes")

    def _aligned(self, name: str, bounds: Interval) -> Interval:
        """The bounds moved inwards to sizes that the step reaches from the point."""
        (low, high), at, step = bounds, self.point[name], self.step[name]
        low = 0 if low is None else low
        return low + (at - low) % step, None if high is None else high - (high - at) % step

    def _nearest(self, refused: dict[str, int]) -> dict[str, int]:
        """A refused size with as few sizes as possible that differ from the point, and near it."""
        near = dict(refused)
        for name in self.names:
            moved = near | {name: self.point[name]}
            if not holds(self.accepted, moved):
                near = moved
        for name in self.names:
            at, step = self.point[name], self.step[name]
            step = step if near[name] > at else -step
            for value in list(range(at, near[name], step))[1:MAX_TRIED]:
                if not holds(self.accepted, near | {name: value}):
                    near[name] = value
                    break
        return near

    def _children(
        self, bounds: tuple[Interval, ...], refused: dict[str, int]
    ) -> list[tuple[Interval, ...]]:
        """The boxes that leave a refused size out on one side, and keep the point."""
        children = []
        for i, name in enumerate(self.names):
            (low, high), at, step = bounds[i], self.point[name], self.step[name]
            if refused[name] < at:
                side: Interval = (refused[name] + step, high)
            elif refused[name] > at:
                side = (low, refused[name] - step)
            else:
                continue
            children.append((*bounds[:i], side, *bounds[i + 1 :]))
        return children

    def _count(self, bounds: tuple[Interval, ...]) -> int:
        return prod(
            _ENDLESS if high is None else (high - (low or 0)) // self.step[name] + 1
            for name, (low, high) in zip(self.names, bounds, strict=True)
        )

    def _box(self, bounds: tuple[Interval, ...], largest: bool) -> GoodBox:
        spans = {
            name: Span(low or 0, high, self.point[name], 1 if low == high else self.step[name])
            for name, (low, high) in zip(self.names, bounds, strict=True)
        }
        return GoodBox(spans, largest, self._count(bounds))


def _key(bounds: tuple[Interval, ...]) -> tuple[int, ...]:
    """The same order of boxes of one size in every run."""
    return tuple(-1 if b is None else b for interval in bounds for b in interval)


def _step(name: str, box: Box, accepted: Bool, point: Mapping[str, int], unit: int) -> int:
    """The step, a multiple of ``unit``, with which most sizes of the name are accepted.

    The other sizes are as in the point.
    """
    low, high = box.ranges.get(name, (1, None))
    low = 0 if low is None else low
    at = point[name]
    most = at + 4 * MAX_STEP if high is None else min(high, at + 32 * MAX_STEP)
    good = {v for v in range(max(low, at - 32 * MAX_STEP), most + 1)
            if holds(accepted, {**point, name: v})}  # fmt: skip

    def reached(step: int) -> int:
        count = 1
        for direction in (step, -step):
            value = at + direction
            while value in good:
                count += 1
                value += direction
        return count

    return max(range(unit, max(unit, MAX_STEP) + 1, unit), key=lambda step: (reached(step), -step))


def typical_member(
    names: Sequence[str],
    box: Box,
    accepted: Bool,
    wished: Mapping[str, int],
    deadline: float,
) -> dict[str, int] | None:
    """An accepted size with as many of the wished ones as possible, the others ordinary or small.

    ``None`` if there is none. Raises ``Unsolved``.
    """
    solver = Solver(names, box, deadline)
    solver.add(in_box(box))
    region = accepted
    for name, value in wished.items():
        if name in names:
            nearer = conj(region, eq(symbol(name), value))
            if solver.find(nearer) is not None:
                region = nearer
    return typical_point(box, region) or solver.smallest(region)
