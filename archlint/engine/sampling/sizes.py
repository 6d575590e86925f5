"""Chooses sizes to run the real model at: few, small, and with different residues."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence

from archlint.ops.registry import TensorSpec
from archlint.symbolic import FloorDiv, Size, Symbol, Unknown, atoms
from archlint.symbolic.formula import Bool, comparisons, holds
from archlint.symbolic.intervals import Box
from archlint.tracing.trace import Trace

Sizes = dict[str, int]

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
    seed: int = 0,
    points: Iterable[Mapping[str, int]] = (),
) -> list[Sizes]:
    """At most ``count`` different points of ``region``, the same for the same arguments.

    In this order: ``points``, the smallest corner, points that between them have every
    residue of each symbol's ``moduli`` (up to 16 each, small points first), the largest corner
    where the box has one, random points. About a fifth of the points are random.
    """
    chosen = _Chosen(symbols, region, count)
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
    fifth = count // 5
    for point in _covering(grid, moduli, count - len(chosen.points) - fifth):
        chosen.add(point)
    high = {s: box.ranges.get(s, (1, None))[1] for s in symbols}
    if None not in high.values():
        chosen.add({s: h for s, h in high.items() if h is not None})
    draw = random.Random(seed)
    for _ in range(200 * count):
        if len(chosen.points) >= count:
            break
        chosen.add(_random_point(draw, symbols, values, box, chosen.points))
    for point in grid:
        chosen.add(point)
    return chosen.points


class _Chosen:
    """Points of the region, each once, at most ``count``."""

    def __init__(self, symbols: Sequence[str], region: Bool, count: int) -> None:
        self.points: list[Sizes] = []
        self._symbols, self._region, self._count = symbols, region, count
        self._seen: set[tuple[int, ...]] = set()

    def add(self, point: Mapping[str, int]) -> None:
        if len(self.points) >= self._count or any(s not in point for s in self._symbols):
            return
        key = tuple(point[s] for s in self._symbols)
        if key not in self._seen and _holds(self._region, point):
            self._seen.add(key)
            self.points.append(dict(zip(self._symbols, key, strict=True)))


def _holds(region: Bool, point: Mapping[str, int]) -> bool:
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
    for first in ranks[0]:
        if first > total:
            return
        for rest in _summing(ranks[1:], total - first):
            yield (first, *rest)


def _covering(grid: list[Sizes], moduli: Mapping[str, set[int]], count: int) -> Iterator[Sizes]:
    """Points with new residues: each is the first of those that add the most."""
    classes = [
        frozenset((s, m, point[s] % m) for s, ms in moduli.items() if s in point for m in ms)
        for point in grid
    ]
    covered: set[tuple[str, int, int]] = set(classes[0]) if classes else set()
    for _ in range(count):
        best = max(range(len(grid)), key=lambda i: len(classes[i] - covered), default=None)
        if best is None or not classes[best] - covered:
            return
        covered |= classes[best]
        yield grid[best]


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
    for leaf in _leaves(trace.output):
        sizes += leaf.dims
    for size in sizes:
        for atom in atoms(size):
            if isinstance(atom, FloorDiv) and isinstance(atom.den, int):
                for inner in atoms(atom.num):
                    if isinstance(inner, Symbol) and not isinstance(inner, Unknown):
                        result.setdefault(inner.name, set()).add(atom.den)
    return result


def _leaves(output: object) -> list[TensorSpec]:
    if isinstance(output, TensorSpec):
        return [output]
    if isinstance(output, dict):
        output = list(output.values())
    return [x for o in output for x in _leaves(o)] if isinstance(output, list) else []
