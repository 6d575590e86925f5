"""The sizes that a model accepts, path by path, as far as it was explored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from archlint.contracts.output_shape import covers
from archlint.symbolic.formula import Bool, conj, disj, holds, negate
from archlint.symbolic.intervals import Box
from archlint.tracing.events import Event
from archlint.tracing.trace import Trace, dims_of

_DEEPEST = 100  # changes between claims and branches, each of which nests a formula once more


@dataclass(eq=False)
class ExploredPath:
    """One path, as sets of sizes.

    ``known``: the sizes of which this path shows whether they are accepted. ``accepted``: the
    known sizes that reach the output. ``unknown``: the sizes that follow this path to a point
    beyond which nothing is known.
    """

    trace: Trace
    known: Bool
    accepted: Bool
    unknown: Bool

    @classmethod
    def of(cls, trace: Trace) -> ExploredPath:
        """The path of a trace; where tensor values choose between paths, what these agree on."""
        sure = _claimed_by_all((trace, *trace.others))
        path = cls._of_one(trace, sure)
        for other in (cls._of_one(t, sure) for t in trace.others):
            reached = conj(disj(path.known, path.unknown), disj(other.known, other.unknown))
            both = conj(path.accepted, other.accepted)
            if "unknown" not in (trace.outcome, other.trace.outcome):
                both = conj(both, covers(dims_of(trace.output), dims_of(other.trace.output)))
            none = conj(_refused(path), _refused(other))
            known = disj(both, none)
            path = cls(trace, known, both, conj(reached, negate(known)))
        return path

    @classmethod
    def _of_one(cls, trace: Trace, sure: frozenset[Bool]) -> ExploredPath:
        # A path that depends on unknown values refuses where a claim fails, and accepts nothing.
        ended = trace.outcome != "unknown" and not trace.path.caveats
        known: Bool = ended
        accepted: Bool = ended and trace.outcome == "accepted"
        unknown: Bool = not ended
        events = trace.path.events
        doubtful = [event.each is not None and event.each not in sure for event in events]
        if any(not e.held for e, doubt in zip(events, doubtful, strict=True) if doubt):
            known, accepted, unknown = False, False, True
        required = [event.kind == "claim" and event.held for event in events]
        if known is True and sum(a is not b for a, b in pairwise(required)) > _DEEPEST:
            # Without the sizes that a claim refuses before they leave the path.
            branches = (e for e, claim in zip(events, required, strict=True) if not claim)
            known = conj(*(e.formula if e.held else negate(e.formula) for e in branches))
            required = []
        for event, doubt in zip(reversed(events), reversed(doubtful), strict=True):
            here = event.formula if event.held else negate(event.formula)
            accepted = conj(here, accepted)
            unknown = conj(here, unknown)
            if doubt:  # whether it refuses the others depends on values
                known = conj(here, known)
                unknown = disj(negate(here), unknown) if event.held else unknown
                continue
            if not required:
                continue
            if event.kind == "claim" and event.held:
                known = True if known is True else disj(negate(event.formula), known)
            else:
                known = conj(here, known)
        return cls(trace, known, accepted, unknown)

    def first_failed_claim(self, point: Mapping[str, int]) -> Event | None:
        """The claim that refuses these sizes on this path."""
        for event in self.trace.path.events:
            if event.kind == "claim" and not holds(event.formula, point):
                return event
        return None


def _claimed_by_all(traces: Sequence[Trace]) -> frozenset[Bool]:
    """The claims in turns of loops that every trace makes, whatever values decide."""
    every = [{e.each for e in t.path.events if e.each is not None} for t in traces]
    return frozenset(set.intersection(*every))


def _refused(path: ExploredPath) -> Bool:
    return conj(path.known, negate(path.accepted))


@dataclass
class Exploration:
    """The exact set of sizes that a model accepts, as far as it was explored.

    ``covered``: of every size of ``region`` it is known whether it is accepted. Otherwise
    ``reasons`` explain why not. ``batch``: the names of sizes that are probably batches.
    """

    names: tuple[str, ...]
    box: Box
    region: Bool
    batch: frozenset[str] = frozenset()
    paths: list[ExploredPath] = field(default_factory=list)
    covered: bool = False
    reasons: list[str] = field(default_factory=list)

    @property
    def accepted(self) -> Bool:
        """The sizes known to be accepted."""
        return disj(*(p.accepted for p in self.paths))

    @property
    def known(self) -> Bool:
        """The sizes of which it is known whether they are accepted."""
        return disj(*(p.known for p in self.paths))

    @property
    def accepting(self) -> list[ExploredPath]:
        """The paths that reach an output."""
        return [p for p in self.paths if p.trace.outcome == "accepted"]

    @property
    def unseen(self) -> Bool:
        """The sizes that follow none of the paths."""
        return conj(*(negate(disj(p.known, p.unknown)) for p in self.paths))

    def path_at(self, point: Mapping[str, int]) -> ExploredPath | None:
        """The path on which these sizes are known; ``None`` for sizes outside of the region."""
        if not holds(self.region, point):
            return None
        return next((p for p in self.paths if holds(p.known, point)), None)

    def accepts(self, point: Mapping[str, int]) -> bool | None:
        """Whether these sizes are accepted; ``None`` where that is not known."""
        path = self.path_at(point)
        return None if path is None else holds(path.accepted, point)
