"""Trace until every size of a region is decided, or the budget is spent."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from archlint.contracts.output_shape import covers
from archlint.contracts.points import point_text
from archlint.contracts.region import typical_point
from archlint.symbolic.formula import Bool, conj, disj, holds, negate
from archlint.symbolic.intervals import Box
from archlint.symbolic.solver.enumerate import smallest_by_enumeration
from archlint.symbolic.solver.solver import Solver, Unsolved
from archlint.tracing.events import Event
from archlint.tracing.trace import Trace, dims_of

BARREN = 16
"""How many paths in a row may end in what nobody knows: the next would too."""


@dataclass(eq=False)
class ExploredPath:
    """One path, as sets of sizes.

    ``decided``: the sizes about which this path says something. ``accepted``: those that it sends
    all the way to the output. ``lost``: those that reach a point where nothing can be said.
    """

    trace: Trace
    decided: Bool
    accepted: Bool
    lost: Bool

    @classmethod
    def of(cls, trace: Trace) -> ExploredPath:
        """The path; where values decide the way, what all its ways have in common."""
        path = cls._of_one(trace)
        for other in map(cls._of_one, trace.others):
            seen = conj(disj(path.decided, path.lost), disj(other.decided, other.lost))
            both = conj(path.accepted, other.accepted)
            if "unknown" not in (trace.outcome, other.trace.outcome):
                both = conj(both, _same_output(trace, other.trace))
            none = conj(_refused(path), _refused(other))
            decided = disj(both, none)
            path = cls(trace, decided, both, conj(seen, negate(decided)))
        return path

    @classmethod
    def _of_one(cls, trace: Trace) -> ExploredPath:
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

    def first_failed_claim(self, env: Mapping[str, int]) -> Event | None:
        """The claim that refuses these sizes on this path."""
        for event in self.trace.path.events:
            if event.kind == "claim" and not holds(event.formula, env):
                return event
        return None


def _refused(path: ExploredPath) -> Bool:
    return conj(path.decided, negate(path.accepted))


def _same_output(one: Trace, other: Trace) -> Bool:
    return covers(dims_of(one.output), dims_of(other.output))


@dataclass
class Exploration:
    """The exact set of sizes that a model accepts, as far as it was explored.

    ``covered``: every size of ``region`` is decided. Otherwise ``reasons`` say what is not.
    """

    names: tuple[str, ...]
    box: Box
    region: Bool
    paths: list[ExploredPath] = field(default_factory=list)
    covered: bool = False
    reasons: list[str] = field(default_factory=list)

    @property
    def accepted(self) -> Bool:
        """The sizes known to be accepted."""
        return disj(*(w.accepted for w in self.paths))

    @property
    def decided(self) -> Bool:
        """The sizes of which it is known whether they are accepted."""
        return disj(*(w.decided for w in self.paths))

    def path_at(self, env: Mapping[str, int]) -> ExploredPath | None:
        """The path that decides these sizes; none decides those outside of the region."""
        if not holds(self.region, env):
            return None
        return next((w for w in self.paths if holds(w.decided, env)), None)

    def accepts(self, env: Mapping[str, int]) -> bool | None:
        """Whether these sizes are accepted; ``None`` where that is not decided."""
        path = self.path_at(env)
        return None if path is None else holds(path.accepted, env)


def explore(
    run: Callable[[Mapping[str, int]], Trace],
    names: tuple[str, ...],
    box: Box,
    region: Bool,
    *,
    paths: int,
    deadline: float,
) -> Exploration:
    """Cover ``region`` (inside ``box``) with paths; ``run`` traces the model along one of them.

    ``paths`` and ``deadline`` (``time.monotonic()``) bound the effort; what is left uncovered is
    said in ``reasons``.
    """
    result = Exploration(names, box, region)
    solver: Solver | None = None
    point = typical_point(box, region)
    while True:
        if point is None and len(result.paths) == 1:  # few have more than two: spare the solver
            point = smallest_by_enumeration(names, box, conj(region, _unseen(result)))
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
        lost = [w.lost is not False for w in result.paths[-BARREN:]]
        if len(lost) == BARREN and all(lost):
            what = f"{BARREN} paths of which nothing is known"
            result.reasons.append(_spent(what, result, point))
            return result
        if len(result.paths) >= paths:
            result.reasons.append(_spent(f"{paths} paths", result, point))
            return result
        if time.monotonic() > deadline:
            result.reasons.append(_spent("the time", result, point))
            return result
        path = ExploredPath.of(run(point))
        if path.trace.merged and result.paths and not result.paths[-1].trace.merged:
            result.paths, result.reasons, solver = [], [], None  # this way says it in fewer
        result.paths.append(path)
        if path.trace.outcome == "unknown":
            reason = path.trace.error + (f" at {path.trace.source}" if path.trace.source else "")
            if reason not in result.reasons:
                result.reasons.append(reason)
        reasons = [c for t in (path.trace, *path.trace.others) for c in t.path.caveats]
        if path.trace.others and path.lost is not False:
            reasons += _by_value(path, result, deadline)
        result.reasons += [r for r in dict.fromkeys(reasons) if r not in result.reasons]
        seen = disj(path.decided, path.lost)
        if seen is True:
            result.covered = not result.reasons
            return result
        if not holds(seen, point):
            result.reasons.append(f"the path at {point} does not decide its own sizes")
            return result
        if solver is not None:
            solver.add(negate(seen))
        point = None


def _unseen(found: Exploration) -> Bool:
    """The sizes of which no path says anything."""
    return conj(*(negate(disj(w.decided, w.lost)) for w in found.paths))


def _by_value(path: ExploredPath, result: Exploration, deadline: float) -> list[str]:
    """That values decide, where they do; empty if all ways come to the same."""
    unknown = [t.error + (f" at {t.source}" if t.source else "") for t in path.trace.others]
    ends = [t.outcome for t in (path.trace, *path.trace.others)]
    if "unknown" in ends:
        return [e for e, end in zip(unknown, ends[1:], strict=True) if end == "unknown"]
    solver = Solver(result.names, result.box, deadline)
    try:
        point = solver.find(conj(result.region, path.lost))
    except Unsolved as e:
        return [f"the solver could not say whether values decide ({e})"]
    if point is None:
        return []
    at = point_text(point)
    why = next((e for e in (path.trace.error, *unknown) if e), "its output differs")
    return [f"at {at}, for one, values decide whether the model accepts: {why}"]


def _spent(what: str, result: Exploration, point: Mapping[str, int]) -> str:
    """Why the budget did not suffice: the line that most paths split at."""
    lines: dict[str, int] = {}
    for path in result.paths:
        for event in path.trace.path.events:
            if event.kind == "branch" and 0 <= event.call < len(path.trace.calls):
                call = path.trace.calls[event.call]
                lines[call.source or call.op] = lines.get(call.source or call.op, 0) + 1
    where = max(lines, key=lambda k: lines[k], default="")
    at = point_text(point)
    text = f"{what} did not cover the region; {at}, for one, is undecided"
    return f"{text} (most ways part at {where})" if where else text


__all__ = ["Exploration", "ExploredPath", "explore"]
