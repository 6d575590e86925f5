"""Chooses sizes to run the real model at: few, cheap, and as different as possible."""

from __future__ import annotations

import random
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from heapq import heapify, heappop, heappush
from math import prod

from archlint.contracts.nested import leaves
from archlint.engine.exploration import Exploration
from archlint.ops.registry import TensorSpec
from archlint.symbolic import FloorDiv, Size, Symbol, Unknown, atoms
from archlint.symbolic.formula import Bool, comparisons, holds
from archlint.symbolic.intervals import Box
from archlint.tracing.trace import Trace

Sizes = dict[str, int]

_LARGEST_MODULUS = 64
_CLASSES = 16  # residue classes tried per modulus
_GRID = 1500  # points of the region to choose from, smallest first
_TRIED = 6 * _GRID  # points in all, those outside the region included
_SPAN = 64  # how far above its smallest value a random size goes, at least


def choose_sizes(
    symbols: Sequence[str],
    region: Bool,
    box: Box,
    moduli: Mapping[str, set[int]],
    count: int,
    points: Iterable[Mapping[str, int]] = (),
    admits: Callable[[Sizes], bool] = lambda point: True,
) -> list[Sizes]:
    """At most ``count`` different points of ``region``, the same for the same arguments.

    In this order: ``points``, the smallest corner, points that between them have every residue of
    each symbol's ``moduli`` (up to 16 each), each bound of the box and each order of two symbols,
    the cheapest of those that add as much; the largest corner where the box has one; random points.
    About a fifth of the points are random. A point that ``admits`` refuses is left out.
    """
    chosen = _Chosen(symbols, region, count, admits)
    for point in points:
        chosen.add(point)
    if region is False or not symbols:
        if not symbols:
            chosen.add({})
        return chosen.points
    values = {s: _values(box, s, moduli.get(s, set())) for s in symbols}
    grid = list(_inside(symbols, values, region))
    if grid:
        chosen.add(grid[0])
        grid += _at_bounds(grid[0], box, region)
    fifth = count // 5
    left = count - len(chosen.points) - fifth
    for point in _covering(grid, box, moduli):
        left -= chosen.add(point)
        if left <= 0:
            break
    corner = largest_corner(symbols, box)
    if corner is not None:
        chosen.add(corner)
    draw = random.Random(0)
    for _ in range(200 * count):
        if len(chosen.points) >= count or chosen.refused > 4 * count:
            break
        chosen.add(_random_point(draw, symbols, values, box, chosen.points))
    refused = chosen.refused
    for point in grid:
        chosen.add(point)
        if len(chosen.points) >= count or chosen.refused - refused > 4 * count:
            break
    return chosen.points


def largest_corner(symbols: Sequence[str], box: Box) -> Sizes | None:
    """The largest sizes of the box; ``None`` if it has no upper bounds."""
    high = {s: box.ranges.get(s, (1, None))[1] for s in symbols}
    bounded = {s: h for s, h in high.items() if h is not None}
    return bounded if len(bounded) == len(high) else None


class _Chosen:
    """Points of the region, each once, at most ``count``; ``refused`` are those too expensive."""

    def __init__(
        self, symbols: Sequence[str], region: Bool, count: int, admits: Callable[[Sizes], bool]
    ) -> None:
        self.points: list[Sizes] = []
        self.refused = 0
        self._symbols, self._region, self._count = symbols, region, count
        self._admits = admits
        self._seen: set[tuple[int, ...]] = set()

    def add(self, point: Mapping[str, int]) -> bool:
        """Add a point; whether it is new, of the region, and cheap enough."""
        if len(self.points) >= self._count or any(s not in point for s in self._symbols):
            return False
        key = tuple(point[s] for s in self._symbols)
        if key in self._seen or not _holds(self._region, point):
            return False
        self._seen.add(key)
        new = dict(zip(self._symbols, key, strict=True))
        if not self._admits(new):
            self.refused += 1
            return False
        self.points.append(new)
        return True


def _holds(region: Bool, point: Mapping[str, int]) -> bool:
    if region is True:
        return True
    try:
        return holds(region, point)
    except ZeroDivisionError:
        return False


def _values(box: Box, symbol: str, moduli: set[int]) -> list[int]:
    """Small values of one symbol: from its smallest on, and around multiples of its moduli."""
    low, high = box.ranges.get(symbol, (1, None))
    low = 1 if low is None else low
    values = {low, low + 1, low + 2}
    for m in moduli:
        first = -(-low // m) * m  # the first multiple
        values.update((first, first + m, first + 2 * m, first + 1, first + m - 1))
        values.update(low + r for r in range(min(m, _CLASSES)))
    return sorted(v for v in values if high is None or v <= high)


def _inside(
    symbols: Sequence[str], values: Mapping[str, list[int]], region: Bool
) -> Iterator[Sizes]:
    """Points of the grid that lie in the region, by growing total rank of their values."""
    ranks = [range(len(values[s])) for s in symbols]
    inside = 0
    tried = 0
    for total in range(sum(max(len(r) - 1, 0) for r in ranks) + 1):
        for rank in _summing(ranks, total):
            point = {s: values[s][i] for s, i in zip(symbols, rank, strict=True)}
            tried += 1
            if _holds(region, point):
                inside += 1
                yield point
            if inside >= _GRID or tried >= _TRIED:
                return


def _summing(ranks: Sequence[range], total: int) -> Iterator[tuple[int, ...]]:
    if not ranks:
        if total == 0:
            yield ()
        return
    others = sum(len(rank) - 1 for rank in ranks[1:])
    for first in range(max(0, total - others), min(len(ranks[0]) - 1, total) + 1):
        for rest in _summing(ranks[1:], total - first):
            yield (first, *rest)


def _at_bounds(smallest: Sizes, box: Box, region: Bool) -> Iterator[Sizes]:
    """The smallest point with one size at its upper bound."""
    for s in smallest:
        high = box.ranges.get(s, (1, None))[1]
        point = smallest | {s: high} if high is not None else smallest
        if point != smallest and _holds(region, point):
            yield point


def _features(point: Sizes, box: Box, moduli: Mapping[str, set[int]]) -> frozenset[Hashable]:
    """What a point shows: residues, bounds, and the order of each two sizes."""
    shown: set[Hashable] = set()
    names = list(point)
    for i, (s, size) in enumerate(point.items()):
        shown.update([(s, m, size % m) for m in moduli.get(s, ())])
        low, high = box.ranges.get(s, (1, None))
        if size in (low, high):
            shown.add((s, "at", size))
        shown.add((s, "above", low is not None and size > low))
        for t in names[i + 1 :]:
            other = point[t]
            shown.add((s, t, (size > other) - (size < other)))
    return frozenset(shown)


def _covering(grid: list[Sizes], box: Box, moduli: Mapping[str, set[int]]) -> Iterator[Sizes]:
    """Points that show something new: each has the most of it for the sizes' product."""
    if not grid:
        return
    shows = [_features(point, box, moduli) for point in grid]
    least = max(1, prod(grid[0].values()))
    prices = [least + prod(point.values()) for point in grid]
    seen = set(shows[0])
    # What a point shows that is new only shrinks: the best as of before is the best if it still is.
    best_first = [(-len(shows[i]) / prices[i], i) for i in range(1, len(grid))]
    heapify(best_first)
    while best_first:
        _, i = heappop(best_first)
        new = shows[i] - seen
        now = -len(new) / prices[i], i
        if best_first and now > best_first[0]:
            heappush(best_first, now)
        elif new:
            seen |= new
            yield grid[i]


def _random_point(
    draw: random.Random,
    symbols: Sequence[str],
    values: Mapping[str, list[int]],
    box: Box,
    points: list[Sizes],
) -> Sizes:
    base = draw.choice(points) if points else {}
    point: Sizes = {}
    for s in symbols:
        low, high = box.ranges.get(s, (1, None))
        low = 1 if low is None else low
        most = low + max(_SPAN, 2 * (values[s][-1] - low)) if values[s] else low
        how = draw.random()
        if how < 0.2 and s in base:
            point[s] = base[s]
        elif how < 0.4 and values[s]:
            point[s] = draw.choice(values[s])
        elif how < 0.5 and point:  # regions such as H == W
            point[s] = draw.choice(list(point.values()))
        else:  # the smaller of two draws: small runs are cheap
            bound = most if high is None else min(most, high)
            point[s] = min(draw.randint(low, max(low, bound)) for _ in range(2))
    return point


def moduli(trace: Trace) -> dict[str, set[int]]:
    """The divisors of each input size in a trace: modulo these its residues may matter."""
    result: dict[str, set[int]] = {}
    sizes: list[Size] = [s for e in trace.path.events for s in e.sizes]
    sizes += [c.expr for e in trace.path.events for c in comparisons(e.formula)]
    for _, leaf in leaves(trace.output):
        sizes += leaf.dims if isinstance(leaf, TensorSpec) else ()
    for size in sizes:
        for atom in atoms(size):
            if isinstance(atom, FloorDiv) and isinstance(atom.den, int):
                for inner in atoms(atom.num):
                    if isinstance(inner, Symbol) and not isinstance(inner, Unknown):
                        result.setdefault(inner.name, set()).add(atom.den)
    return result


def small_moduli(exploration: Exploration) -> dict[str, set[int]]:
    """The divisors of :func:`moduli` on all paths, without those of too many residues to run."""
    result: dict[str, set[int]] = {}
    for path in exploration.paths:
        for name, divisors in moduli(path.trace).items():
            small = (d for d in divisors if d <= _LARGEST_MODULUS)
            result.setdefault(name, set()).update(small)
    return result
