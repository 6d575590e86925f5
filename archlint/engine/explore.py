"""Trace until every size of a region is decided, or the budget is spent."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from archlint.contracts.output_shape import covers
from archlint.contracts.region import typical_point
from archlint.symbolic.formula import Bool, conj, disj, holds, negate
from archlint.symbolic.intervals import Box
from archlint.symbolic.solver.enumerate import first
from archlint.symbolic.solver.solver import Solver, Unsolved
from archlint.tracing.events import Event
from archlint.tracing.trace import Trace, dims_of

BARREN = 16
"""How many paths in a row may end in what nobody knows: the next would too."""


@dataclass(eq=False)
class Way:
    """One path, as sets of sizes.

    ``decided``: the sizes about which this path says something. ``accepted``: those that it sends
    all the way to the output. ``lost``: those that reach a point where nothing can be said.
    """

    trace: Trace
    decided: Bool
    accepted: Bool
    lost: Bool

    @classmethod
    def of(cls, trace: Trace) -> Way:
        """The path; where values decide the way, what all its ways have in common."""
        way = cls._of_one(trace)
        for other in map(cls._of_one, trace.others):
            seen = conj(disj(way.decided, way.lost), disj(other.decided, other.lost))
            both = conj(way.accepted, other.accepted)
            if "unknown" not in (trace.outcome, other.trace.outcome):
                both = conj(both, _same_output(trace, other.trace))
            none = conj(_refused(way), _refused(other))
            decided = disj(both, none)
            way = cls(trace, decided, both, conj(seen, negate(decided)))
        return way

    @classmethod
    def _of_one(cls, trace: Trace) -> Way:
        # A path that rests on values nobody knows refuses where a claim fails, and accepts nothing.
        ended = trace.outcome != "unknown" and not trace.path.caveats
        decided: Bool = ended
        accepted: Bool = ended and trace.outcome == "accepted"
        lost: Bool = not ended
        for event in reversed(trace.path.events):
            here = event.formula if event.held else negate(event.formula)
            accepted = conj(here, accepted)
            lost = conj(here, lost)
            if event.kind == "claim" and event.held:
                decided = True if decided is True else disj(negate(event.formula), decided)
            else:
                decided = conj(here, decided)
        return cls(trace, decided, accepted, lost)

    def first_broken(self, env: Mapping[str, int]) -> Event | None:
        """The claim that refuses these sizes on this path."""
        for event in self.trace.path.events:
            if event.kind == "claim" and not holds(event.formula, env):
                return event
        return None


def _refused(way: Way) -> Bool:
    return conj(way.decided, negate(way.accepted))


def _same_output(one: Trace, other: Trace) -> Bool:
    return covers(dims_of(one.output), dims_of(other.output))


@dataclass
class Explored:
    """The exact set of sizes that a model accepts, as far as it was explored.

    ``covered``: every size of ``region`` is decided. Otherwise ``reasons`` say what is not.
    """

    names: tuple[str, ...]
    box: Box
    region: Bool
    ways: list[Way] = field(default_factory=list)
    covered: bool = False
    reasons: list[str] = field(default_factory=list)

    @property
    def accepted(self) -> Bool:
        """The sizes known to be accepted."""
        return disj(*(w.accepted for w in self.ways))

    @property
    def decided(self) -> Bool:
        """The sizes of which it is known whether they are accepted."""
        return disj(*(w.decided for w in self.ways))

    def way_of(self, env: Mapping[str, int]) -> Way | None:
        """The path that decides these sizes; none decides those outside of the region."""
        if not holds(self.region, env):
            return None
        return next((w for w in self.ways if holds(w.decided, env)), None)

    def accepts(self, env: Mapping[str, int]) -> bool | None:
        """Whether these sizes are accepted; ``None`` where that is not decided."""
        way = self.way_of(env)
        return None if way is None else holds(way.accepted, env)


def explore(
    run: Callable[[Mapping[str, int]], Trace],
    names: tuple[str, ...],
    box: Box,
    region: Bool,
    *,
    paths: int,
    deadline: float,
) -> Explored:
    """Cover ``region`` (inside ``box``) with paths; ``run`` traces the model along one of them.

    ``paths`` and ``deadline`` (``time.monotonic()``) bound the effort; what is left uncovered is
    said in ``reasons``.
    """
    result = Explored(names, box, region)
    solver: Solver | None = None
    point = typical_point(box, region)
    while True:
        if point is None and len(result.ways) == 1:  # few have more than two: spare the solver
            point = first(names, box, conj(region, _unseen(result)))
        if point is None:
            if solver is None:
                solver = Solver(names, box, deadline)
                solver.add(conj(region, _unseen(result)))
            try:
                point = solver.find()
            except Unsolved as e:
                result.reasons.append(f"the solver could not say what is left ({e})")
                return result
            if point is None:
                result.covered = not result.reasons
                return result
        lost = [w.lost is not False for w in result.ways[-BARREN:]]
        if len(lost) == BARREN and all(lost):
            what = f"{BARREN} paths of which nothing is known"
            result.reasons.append(_spent(what, result, point))
            return result
        if len(result.ways) >= paths:
            result.reasons.append(_spent(f"{paths} paths", result, point))
            return result
        if time.monotonic() > deadline:
            result.reasons.append(_spent("the time", result, point))
            return result
        way = Way.of(run(point))
        if way.trace.joins and result.ways and not result.ways[-1].trace.joins:
            result.ways, result.reasons, solver = [], [], None  # this way says it in fewer
        result.ways.append(way)
        if way.trace.outcome == "unknown":
            reason = way.trace.error + (f" at {way.trace.source}" if way.trace.source else "")
            if reason not in result.reasons:
                result.reasons.append(reason)
        reasons = [c for t in (way.trace, *way.trace.others) for c in t.path.caveats]
        if way.trace.others and way.lost is not False:
            reasons += _by_value(way, result, deadline)
        result.reasons += [r for r in dict.fromkeys(reasons) if r not in result.reasons]
        seen = disj(way.decided, way.lost)
        if seen is True:
            result.covered = not result.reasons
            return result
        if not holds(seen, point):
            result.reasons.append(f"the path at {point} does not decide its own sizes")
            return result
        if solver is not None:
            solver.add(negate(seen))
        point = None


def _unseen(found: Explored) -> Bool:
    """The sizes of which no path says anything."""
    return conj(*(negate(disj(w.decided, w.lost)) for w in found.ways))


def _by_value(way: Way, result: Explored, deadline: float) -> list[str]:
    """That values decide, where they do; empty if all ways come to the same."""
    unknown = [t.error + (f" at {t.source}" if t.source else "") for t in way.trace.others]
    ends = [t.outcome for t in (way.trace, *way.trace.others)]
    if "unknown" in ends:
        return [e for e, end in zip(unknown, ends[1:], strict=True) if end == "unknown"]
    solver = Solver(result.names, result.box, deadline)
    try:
        point = solver.find(conj(result.region, way.lost))
    except Unsolved as e:
        return [f"the solver could not say whether values decide ({e})"]
    if point is None:
        return []
    at = " ".join(f"{k}={v}" for k, v in point.items())
    why = next((e for e in (way.trace.error, *unknown) if e), "its output differs")
    return [f"at {at}, for one, values decide whether the model accepts: {why}"]


def _spent(what: str, result: Explored, point: Mapping[str, int]) -> str:
    """Why the budget did not suffice: the line that most paths split at."""
    lines: dict[str, int] = {}
    for way in result.ways:
        for event in way.trace.path.events:
            if event.kind == "branch" and 0 <= event.call < len(way.trace.calls):
                call = way.trace.calls[event.call]
                lines[call.source or call.op] = lines.get(call.source or call.op, 0) + 1
    where = max(lines, key=lambda k: lines[k], default="")
    at = " ".join(f"{k}={v}" for k, v in point.items())
    text = f"{what} did not cover the region; {at}, for one, is undecided"
    return f"{text} (most ways part at {where})" if where else text


__all__ = ["Explored", "Way", "explore"]
