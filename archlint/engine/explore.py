"""Trace path after path until every size of a region is covered, or the budget is spent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from archlint.contracts.region import in_box, typical_point
from archlint.contracts.size_text import size_text
from archlint.contracts.text_layout import counted
from archlint.engine.check_run import CheckRun
from archlint.engine.exploration import Exploration, ExploredPath
from archlint.engine.question import Question
from archlint.runtime.effort_clock import passed
from archlint.symbolic.formula import Bool, conj, disj, holds, negate
from archlint.symbolic.intervals import Box
from archlint.symbolic.solver.enumerate import smallest_by_enumeration
from archlint.symbolic.solver.solver import Solver, Unsolved
from archlint.tracing.trace import Trace

UNKNOWN_IN_A_ROW = 16
"""After so many paths in a row with an unknown outcome, exploring ends: the next would be too."""

LARGEST = (1 << 63) - 1
"""The largest size that a tensor can have."""

TraceAt = Callable[[Mapping[str, int]], Trace]
"""Traces the model on the path that some sizes take."""


def explore_model(run: CheckRun) -> Exploration:
    """What the model accepts of the question's domain, as exactly as the budget allows."""
    question = run.question
    trace_at = partial(run.tracer.trace, box=question.box, known=question.domain)
    return explore(trace_at, question, paths=run.contract.budget.paths, deadline=run.deadline)


def explore(trace_at: TraceAt, question: Question, *, paths: int, deadline: float) -> Exploration:
    """Cover the question's domain with paths that ``trace_at`` traces.

    At most ``paths`` are traced, until ``deadline`` (a time of :mod:`.effort_clock`). If sizes are
    left uncovered, ``reasons`` of the result explain why.
    """
    result = Exploration(question.names, question.box, question.domain, question.batch)
    solver: Solver | None = None
    point = typical_point(result.box, result.region)
    while True:
        if point is None and len(result.paths) == 1:  # few models have more than two paths
            point = smallest_by_enumeration(
                result.names, result.box, conj(result.region, result.unseen)
            )
        if point is None:
            if solver is None:
                solver = Solver(result.names, result.box, deadline)
                solver.add(conj(result.region, result.unseen))
            try:
                point = solver.find()
            except Unsolved as e:
                result.reasons.append(
                    f"the solver gave no answer on which sizes are not covered yet ({e})"
                )
                return result
            if point is not None and max(point.values()) > LARGEST:
                solver.add(_restrict(result))
                point = None
                continue
            if point is None:
                result.covered = not result.reasons
                return result
        limit = _limit_reached(result, paths, deadline)
        if limit:
            result.reasons.append(_not_covered(limit, result, point))
            return result
        path = ExploredPath.of(trace_at(point))
        if path.trace.merged and result.paths and not result.paths[-1].trace.merged:
            # Merged branches cover the same sizes with fewer paths.
            result.paths, result.reasons, solver = [], [], None
        result.paths.append(path)
        _add_reasons(result, path, deadline)
        seen = disj(path.known, path.unknown)
        if seen is True:
            result.covered = not result.reasons
            return result
        if not holds(seen, point):
            at = size_text(point)
            result.reasons.append(f"the path traced at {at} has conditions that do not hold there")
            return result
        if solver is not None:
            solver.add(negate(seen))
        point = None


def _restrict(result: Exploration) -> Bool:
    """Leave the sizes to explore that tensors can have, such as loops that halve a size end at."""
    ranges = result.box.ranges.items()
    bounds = {n: (low, LARGEST if high is None else high) for n, (low, high) in ranges}
    result.box = Box(bounds)
    result.region = conj(result.region, in_box(result.box))
    return result.region


def _limit_reached(result: Exploration, paths: int, deadline: float) -> str:
    """Which limit ends the search now; empty if none does."""
    unknown = [p.unknown is not False for p in result.paths[-UNKNOWN_IN_A_ROW:]]
    if len(unknown) == UNKNOWN_IN_A_ROW and all(unknown):
        return f"{UNKNOWN_IN_A_ROW} paths in a row have an unknown outcome"
    if len(result.paths) >= paths:
        return f"the limit of {counted(paths, 'path')} was reached"
    return "the time limit was reached" if passed(deadline) else ""


def _not_covered(limit: str, result: Exploration, point: Mapping[str, int]) -> str:
    """The limit, sizes that are left, and the line at which most paths branch."""
    lines: dict[str, int] = {}
    for path in result.paths:
        for event in path.trace.path.events:
            call = path.trace.call_of(event)
            if event.kind == "branch" and call is not None:
                lines[call.source or call.op] = lines.get(call.source or call.op, 0) + 1
    where = max(lines, key=lambda k: lines[k], default="")
    text = f"{limit} before every size was covered, for example {size_text(point)}"
    return f"{text} (most paths branch at {where})" if where else text


def _add_reasons(result: Exploration, path: ExploredPath, deadline: float) -> None:
    """Add why sizes on this path are not known, each reason once."""
    reasons = []
    if path.trace.outcome == "unknown":
        reasons.append(_error_at(path.trace))
    reasons += [c for t in (path.trace, *path.trace.others) for c in t.path.caveats]
    if path.trace.others and path.unknown is not False:
        reasons += _differing_paths(path, result, deadline)
    result.reasons += [r for r in dict.fromkeys(reasons) if r not in result.reasons]


def _differing_paths(path: ExploredPath, result: Exploration, deadline: float) -> list[str]:
    """Where tensor values choose between paths: how these differ; empty if they agree."""
    traces = (path.trace, *path.trace.others)
    if any(t.outcome == "unknown" for t in traces):
        return [_error_at(t) for t in path.trace.others if t.outcome == "unknown"]
    solver = Solver(result.names, result.box, deadline)
    try:
        point = solver.find(conj(result.region, path.unknown))
    except Unsolved as e:
        return [f"the solver gave no answer on whether tensor values matter ({e})"]
    if point is None:
        return []
    errors = (path.trace.error, *map(_error_at, path.trace.others))
    why = next(filter(None, errors), "the outputs differ")
    return [f"at {size_text(point)} tensor values determine whether the model accepts: {why}"]


def _error_at(trace: Trace) -> str:
    return trace.error + (f" at {trace.source}" if trace.source else "")
