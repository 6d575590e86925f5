"""How many turns a loop of :mod:`.measured_while` has.

The first two turns show by how much the distance of its two numbers falls in a turn, and so how
many turns there may be. That is a guess, and it is checked: the test has to hold at the start of
each of these turns, and not after the last one. Else the turns are not counted.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, NoReturn

from archlint.symbolic import Expr, Size, evaluate
from archlint.symbolic.formula import Bool, ge, ne, negate
from archlint.symbolic.quantify_range import at_every_value
from archlint.symbolic.quantify_unknowns import unknowns_in
from archlint.tracing.loops.lists import GrowingList
from archlint.tracing.loops.measured_while import BELOW, TRUE, UP_TO
from archlint.tracing.loops.rewriting import Site
from archlint.tracing.loops.segments import segments_of, total
from archlint.tracing.loops.symbolic_ranges import Sections, SymbolicRange
from archlint.tracing.loops.turn import Retry
from archlint.tracing.path import TracedPath
from archlint.tracing.symint.node import size_of

if TYPE_CHECKING:
    from archlint.tracing.loops.loops import Loops


class Falling:
    """The distances of such loops in one run; ``seen``: those at the start of their last turns.

    The ``host`` has this, so that this does not keep it: it would be a cycle.
    """

    def __init__(self) -> None:
        self._seen: dict[Site, Size | None] = {}

    def turns(self, host: Loops, site: Site, kind: str, one: Any, other: Any) -> Any:
        """The turns of the loop that begins now; ``None`` without end where they are unknown."""
        self._seen.pop(site, None)
        distance, fall = _distance(kind, one, other), host.plans.fall(site)
        if not fall or not isinstance(distance, Expr):
            return itertools.repeat(None)
        if fall < 0:
            distance = -distance
        count = SymbolicRange(host, 0, distance, abs(fall)).count
        if isinstance(count, int):
            return itertools.repeat(None)
        return Sections(host, [(count, lambda index: True)])

    def at_turn(self, host: Loops, site: Site, turn: Any, kind: str, one: Any, other: Any) -> None:
        """Check that a counted turn is one, or look at how the distance falls until there."""
        distance = _distance(kind, one, other)
        if turn is not None:
            if distance is None or not _holds(host.path, _goes_on(kind, distance)):
                _wrong(host, site)
            return
        before, self._seen[site] = self._seen.get(site), distance
        if before is None or distance is None or not isinstance(before, Expr):
            return
        fall = before - distance
        if isinstance(fall, Expr):
            fall = 0 if unknowns_in(fall) else evaluate(fall, host.path.env)
        falls = fall > 0 if kind in (BELOW, UP_TO) else fall != 0
        if falls and host.plans.guess_fall(site, fall):
            raise Retry

    def at_end(self, host: Loops, site: Site, kind: str, one: Any, other: Any) -> None:
        """Check that the test fails after the turns that were counted."""
        distance = _distance(kind, one, other)
        if distance is None or not _holds(host.path, negate(_goes_on(kind, distance))):
            _wrong(host, site)


def _wrong(host: Loops, site: Site) -> NoReturn:
    host.plans.wrong_fall(site)
    raise Retry


def _distance(kind: str, one: Any, other: Any) -> Size | None:
    """How far the loop is from its end; ``None`` if that is no size."""
    if kind == TRUE and isinstance(one, list):
        if isinstance(one, GrowingList):
            one.read = True
        return total(segments_of(one))
    a, b = size_of(one), size_of(other)
    if not _is_size(a) or not _is_size(b):
        return None
    distance: Size = a - b if kind == TRUE else b - a
    return distance + 1 if kind == UP_TO else distance


def _is_size(value: Any) -> bool:
    return isinstance(value, (int, Expr)) and not isinstance(value, bool)


def _goes_on(kind: str, distance: Size) -> Bool:
    return ge(distance, 1) if kind in (BELOW, UP_TO) else ne(distance, 0)


def _holds(path: TracedPath, formula: Bool) -> bool:
    """Whether the formula holds, in each turn that the current one stands for."""
    whole: Bool = formula
    while (turn := path.turn_of(whole)) is not None:
        found = at_every_value(whole, turn.index, path.facts.narrow)
        if found is None:
            return False
        whole = found
    if path.known(whole) is True:
        return True
    return whole is formula and path.branch(formula)
