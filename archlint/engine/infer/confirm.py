"""Runs the real model at sizes that were inferred to be accepted, and at others; it must agree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from archlint.contracts.size_text import size_text
from archlint.engine.check_run import CheckRun
from archlint.engine.exploration import Exploration
from archlint.engine.sampling.cross_check import cross_check_at, is_singular
from archlint.engine.sampling.peak_memory import PeakMemory
from archlint.runtime.deadline import TimeLimitReached, time_limit
from archlint.runtime.effort_clock import now
from archlint.symbolic.formula import Bool, conj, negate
from archlint.symbolic.solver.enumerate import smallest_by_enumeration
from archlint.symbolic.solver.solver import Solver, Unsolved

SECONDS = 5.0  # for the runs
SEARCH = 1.0  # seconds for the sizes
WEIGHTS = 256 << 20  # bytes of the largest model that is built for the runs
MEMORY = 256 << 20  # bytes of activations of a run
DISAGREE = "the proof and the real model disagree: "
SINGULAR = "tensor values determine whether a matrix can be inverted or factored"


def confirmed(run: CheckRun, exploration: Exploration) -> tuple[str, ...]:
    """Run the model at the smallest accepted and the smallest refused sizes that are known.

    The result is what it did there: ``N=1 H=3 W=3 (accepted)``. If it disagrees, the exploration is
    no longer covered, and has the reason. A run that is too large or takes too long shows nothing.
    """
    if run.weight_bytes > WEIGHTS:
        return ()
    run = replace(run, samples=1, deadline=now() + SECONDS)
    refused = conj(exploration.known, negate(exploration.accepted))
    ran = []
    for word, sizes in (("accepted", exploration.accepted), ("refused", refused)):
        point = _smallest(exploration, sizes)
        if point is None or _too_large(exploration, point):
            continue
        try:
            with time_limit(SECONDS):
                evidence = cross_check_at(point, run, exploration)
        except TimeLimitReached:
            break
        singular = evidence.violation is not None and is_singular(evidence.violation)
        if evidence.disagreement or (singular and word == "accepted"):
            exploration.covered = False
            exploration.reasons.append(SINGULAR if singular else DISAGREE + evidence.disagreement)
            break
        if evidence.samples.run and evidence.samples.device == "cpu":
            ran.append(f"{size_text(point)} ({word})")
    return tuple(ran)


def _smallest(exploration: Exploration, sizes: Bool) -> dict[str, int] | None:
    sizes = conj(exploration.region, sizes)
    if sizes is False:
        return None
    solver = Solver(exploration.names, exploration.box, now() + SEARCH)
    try:
        found = smallest_by_enumeration(exploration.names, exploration.box, sizes)
        return found or solver.smallest(sizes)
    except Unsolved:
        return None


def _too_large(exploration: Exploration, point: Mapping[str, int]) -> bool:
    path = exploration.path_at(point)
    return path is None or PeakMemory(path.trace).at(point) > MEMORY
