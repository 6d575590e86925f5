"""A map of accepted sizes: two sizes as axes, and for each point whether a model accepts it.

A map is made from texts (an accepted set, a contract), so reports that have no model can draw it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from archlint.contracts.accepted_set import AcceptedSet, region
from archlint.contracts.region import bounds_of, input_constraints, input_symbols
from archlint.errors import PhraseError
from archlint.symbolic import symbol
from archlint.symbolic.formula import Bool, conj, disj, ge, holds, negate, substitute_formula

SMALLEST, LARGEST = 64, 512  # sizes along an axis
ISLANDS = 2048  # the same, where the accepted sizes end
COLUMNS = 4  # accepted sizes that a row should show, of a grid for example
ACCEPTED, REFUSED, UNKNOWN = "accepted", "refused", "unknown"
GAINED, LOST = "gained", "lost"  # of a difference: accepted now only, and before only

Rows = list[list[int]]
"""For each size of the second axis from 1 up, for each size of the first, the index of the zone."""


@dataclass(frozen=True)
class Zone:
    """Sizes with one answer. ``kind`` is one of the constants above; ``label`` is for the legend.

    ``why`` is the reason of a refusal, and may be empty.
    """

    kind: str
    label: str
    why: str
    where: Bool


@dataclass(frozen=True)
class SizeMap:
    """A map of two of the sizes ``names``.

    ``axes``: the sizes across and down; of one size only, ``down`` is empty. ``last``: the largest
    sizes shown; the smallest are 1. ``fixed``: the values of the other sizes. A point belongs to
    the first of ``zones`` whose condition holds; the last one's always does. ``contract``: the
    sizes that a contract is about, if there is one. ``mark``: its counterexample. ``windows``: for
    each of ``names`` the largest size to show where it is an axis.
    """

    names: tuple[str, ...]
    axes: tuple[str, str]
    last: tuple[int, int]
    fixed: dict[str, int]
    zones: tuple[Zone, ...]
    contract: Bool | None = None
    mark: dict[str, int] | None = None
    windows: Mapping[str, int] = field(default_factory=dict)

    def zone_at(self, point: Mapping[str, int]) -> Zone:
        """The zone of these sizes, which must name all of ``names``."""
        return self.zones[_first([zone.where for zone in self.zones], point)]

    @cached_property
    def rows(self) -> Rows:
        """The zone of each point."""
        return self._rows([zone.where for zone in self.zones])

    @cached_property
    def contract_rows(self) -> Rows:
        """0 for each point of the contract, else 1; empty without a contract."""
        return [] if self.contract is None else self._rows([self.contract, True])

    @cached_property
    def present(self) -> list[int]:
        """The zones that have a point on the map, in order."""
        different = {id(row): row for row in self.rows}.values()
        return sorted({index for row in different for index in row})

    def _rows(self, formulas: Sequence[Bool]) -> Rows:
        across, down = self.axes
        rows = []
        known: dict[tuple[Bool, ...], list[int]] = {}  # equal formulas have equal rows
        shared: dict[tuple[int, ...], list[int]] = {}  # equal rows are one object
        for y in range(1, self.last[1] + 1):
            row = self.fixed | ({down: y} if down else {})
            here = tuple(substitute_formula(f, row) for f in formulas)
            if here not in known:
                made = [_first(here, {across: x}) for x in range(1, self.last[0] + 1)]
                known[here] = shared.setdefault(tuple(made), made)
            rows.append(known[here])
        return rows


def _first(formulas: Sequence[Bool], point: Mapping[str, int]) -> int:
    """The index of the first formula that holds; the last one always does."""
    return next(i for i, f in enumerate(formulas) if holds(f, point))


def size_map(
    accepted: AcceptedSet,
    *,
    contract: Bool | None = None,
    mark: dict[str, int] | None = None,
    last: int | None = None,
) -> SizeMap | None:
    """The map of an accepted set; ``None`` if the input has no size, or the text was shortened.

    ``last``: the largest size on both axes; by default about twice the smallest accepted one, or
    more where a grid or islands need it.
    """
    names = input_symbols(accepted.input)
    try:
        zones = zones_of(accepted)
    except PhraseError:
        return None
    if not names:
        return None
    smallest = smallest_sizes(accepted, names)
    axes = axes_of(names)
    fixed = {n: (mark or smallest).get(n, 1) for n in names if n not in axes}
    points = [smallest, mark or {}]
    largest = last or max(
        _window(points, axes), _extent(accepted.accepted(), smallest, axes, fixed)
    )
    windows = {n: largest if n in axes else _window(points, [n]) for n in names}
    shown = (largest, largest if axes[1] else 1)
    return SizeMap(names, axes, shown, fixed, zones, contract, mark, windows)


def difference_map(before: AcceptedSet, after: AcceptedSet) -> SizeMap | None:
    """The map of what changed between two accepted sets of one input; ``None`` as above."""
    shown = size_map(after), size_map(before)
    if shown[0] is None or shown[1] is None or shown[0].names != shown[1].names:
        return None
    was, now = before.accepted(), after.accepted()
    refused_before, refused_now = before.refused(), after.refused()
    zones = (
        Zone(ACCEPTED, "accepted before and now", "", conj(was, now)),
        Zone(LOST, "accepted before, refused now", "", conj(was, refused_now)),
        Zone(GAINED, "refused before, accepted now", "", conj(refused_before, now)),
        Zone(REFUSED, "refused", "", conj(refused_before, refused_now)),
        Zone(UNKNOWN, "not known", "", True),
    )
    last = max(shown[0].last, shown[1].last)
    windows = {n: max(w, shown[1].windows[n]) for n, w in shown[0].windows.items()}
    return replace(shown[0], zones=zones, last=last, windows=windows)


def zones_of(accepted: AcceptedSet) -> tuple[Zone, ...]:
    """The zones of an accepted set. Raises ``PhraseError`` if its text was shortened."""
    exists = input_constraints(accepted.input)
    always = conj(*(ge(symbol(n), 0) for n in input_symbols(accepted.input)))
    nowhere = Zone(UNKNOWN, "no such input", "", negate(exists))
    zones = [] if exists in (True, always) else [nowhere]
    zones.append(Zone(ACCEPTED, "accepted", "", region(accepted.accepts)))
    by_layer: dict[str, list[tuple[Bool, str]]] = {}
    for refusal in accepted.refusals:
        if refusal.where:
            layer = refusal.at or refusal.op or "the model"
            by_layer.setdefault(layer, []).append((region(refusal.where), refusal.why))
    for layer, refused in by_layer.items():
        why = "; ".join(dict.fromkeys(why for _, why in refused))
        zones.append(Zone(REFUSED, f"refused by {layer}", why, disj(*(w for w, _ in refused))))
    if accepted.exact:
        zones.append(Zone(REFUSED, "refused", "", True))
    else:
        zones.append(Zone(UNKNOWN, "not known", "; ".join(accepted.reasons), True))
    return tuple(zones)


def axes_of(names: Sequence[str]) -> tuple[str, str]:
    """The sizes to show: height and width if the input has them, else the last two."""
    if "H" in names and "W" in names:
        return "H", "W"
    return (names[-2], names[-1]) if len(names) > 1 else (names[0], "")


def smallest_sizes(accepted: AcceptedSet, names: Sequence[str]) -> dict[str, int]:
    """The smallest accepted sizes, or lower bounds of them if they are not recorded."""
    if accepted.minimum:
        return dict(accepted.minimum)
    bounds = bounds_of(accepted.accepted())
    return {n: max(bounds.get(n, (1, None))[0] or 1, 1) for n in names}


def _window(points: Sequence[Mapping[str, int]], axes: Sequence[str]) -> int:
    """The largest size to show: twice the largest of the points, in steps of 32."""
    most = max((p[a] for p in points for a in axes if a in p), default=1)
    return min(max(_rounded(2 * most), SMALLEST), LARGEST)


def _extent(
    accepted: Bool, smallest: Mapping[str, int], axes: tuple[str, str], fixed: Mapping[str, int]
) -> int:
    """The size up to which the accepted sizes show their pattern: a grid's lines, or all islands.

    0 if any window shows it.
    """
    across, down = axes
    accepted = substitute_formula(accepted, fixed)
    line = substitute_formula(accepted, {down: smallest.get(down, 1)}) if down else accepted
    columns = [x for x in range(1, LARGEST + 1) if holds(line, {across: x})]
    grid = columns[COLUMNS - 1] if len(columns) >= COLUMNS else 0
    return _rounded(max(grid, _last_island(accepted, axes)))


def _last_island(accepted: Bool, axes: tuple[str, str]) -> int:
    """The largest accepted size up to ``ISLANDS``; 0 if some row has no end."""
    across, down = axes
    ends = [bounds_of(accepted).get(axis, (None, None))[1] for axis in axes if axis]
    if all(end is not None for end in ends):
        return min(max(end or 1 for end in ends), ISLANDS)
    most = 0
    for y in range(1, ISLANDS + 1) if down else [1]:
        row = substitute_formula(accepted, {down: y}) if down else accepted
        if row is False:
            continue
        end = bounds_of(row).get(across, (None, None))[1]
        if end is None:
            return 0
        most = max(most, y, min(end, ISLANDS))
    return most


def _rounded(size: int) -> int:
    return -(-size // 32) * 32
