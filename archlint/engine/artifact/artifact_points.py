"""Sizes at which an exported model is compared: the boundary, residue classes, just outside."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence

from archlint.contracts.region import ordinary_sizes
from archlint.engine.exploration import Exploration
from archlint.engine.question import Question
from archlint.engine.sampling.sizes import choose_sizes, small_moduli
from archlint.symbolic.formula import conj, holds, negate
from archlint.symbolic.intervals import Box
from archlint.symbolic.solver.solver import Solver, Unsolved

Sizes = dict[str, int]
ORDINARY = (224, 200, 96, 160, 128, 256, 64, 32)
"""Sizes that images often have; traces are often made at one of them."""

MAX_CHANGES = 10  # combinations of as many sizes that are changed at a point
MAX_ABOVE = 1000
_STEPS = (0, 1, 2, 3, 5, 9, 17, 31)
_FAR = 256  # sizes that are compared are at most this, where the region allows it


def inside_points(
    exploration: Exploration, question: Question, count: int, deadline: float
) -> list[Sizes]:
    """At most ``count`` accepted sizes of the question: the smallest, residues, ordinary ones.

    ``deadline`` is a time of :mod:`.effort_clock` for finding the smallest.
    """
    region = conj(exploration.accepted, exploration.region, question.premise)
    names = exploration.names
    ordinary = []
    for base in ORDINARY:
        point = ordinary_sizes(names, exploration.batch, base)
        if holds(region, point):
            ordinary.append(point)
    ordinary = ordinary[: count // 3]
    try:
        smallest = Solver(names, question.box, deadline).smallest(region)
    except Unsolved:
        smallest = None
    first = [] if smallest is None else [smallest]
    box = _near(question.box)
    points = choose_sizes(names, region, box, small_moduli(exploration), count, points=first)
    points = [p for p in points if all(v <= 4 * _FAR for v in p.values())] or points[:1]
    if smallest is not None:  # a small island may lie far above the smallest sizes of the box
        more = (p for p in _above(smallest) if p not in points and holds(region, p))
        points += itertools.islice(more, max(0, count - len(points)))
    others = [p for p in points if p not in ordinary]
    return [*others[: count - len(ordinary)], *ordinary]


def _above(smallest: Sizes) -> Iterator[Sizes]:
    """Sizes a little above these, the nearest first."""
    steps = sorted(itertools.product(_STEPS, repeat=len(smallest)), key=lambda s: (sum(s), s))
    for step in itertools.islice(steps, MAX_ABOVE):
        yield {name: v + d for (name, v), d in zip(smallest.items(), step, strict=True)}


def outside_points(
    exploration: Exploration, inside: Sequence[Mapping[str, int]], count: int
) -> list[Sizes]:
    """At most ``count`` sizes that the model refuses: next to accepted ones, then small ones."""
    found: dict[tuple[tuple[str, int], ...], Sizes] = {}
    for point in (*neighbors(inside), *_refused(exploration, count)):
        refused = all(v >= 1 for v in point.values()) and exploration.accepts(point) is False
        if refused and len(found) < count:
            found.setdefault(tuple(point.items()), point)
    return list(found.values())


def refuses_none(exploration: Exploration, deadline: float) -> bool:
    """Whether the model is known to refuse no size at all; false if that takes too long."""
    if not exploration.covered:
        return False
    refused = conj(exploration.region, negate(exploration.accepted))
    try:
        return Solver(exploration.names, exploration.box, deadline).smallest(refused) is None
    except Unsolved:
        return False


def neighbors(inside: Sequence[Mapping[str, int]]) -> Iterator[Sizes]:
    """Sizes that differ from accepted ones in one size, in two, and so on, near steps first."""
    for step in (-1, 1, -2, 8, 24):
        for point in inside:
            for changed in range(1, len(point) + 1):
                for names in itertools.islice(itertools.combinations(point, changed), MAX_CHANGES):
                    yield {**point, **{n: point[n] + step for n in names}}


def _refused(exploration: Exploration, count: int) -> list[Sizes]:
    region = conj(exploration.known, negate(exploration.accepted), exploration.region)
    box = _near(exploration.box)
    return choose_sizes(exploration.names, region, box, small_moduli(exploration), count)


def _near(box: Box) -> Box:
    """The box without the sizes that take long to run."""
    ranges = {}
    for name, (low, high) in box.ranges.items():
        most = max(_FAR, 2 * (low or 1))
        ranges[name] = (low, most if high is None else min(high, most))
    return Box(ranges)
