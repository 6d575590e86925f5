"""From the acceptance to a finding: does the promise hold, and where does it break first?"""

from __future__ import annotations

from dataclasses import dataclass

from archlint.contracts.contract import Contract
from archlint.contracts.output_match import OutputRequirement, output_requirements
from archlint.engine.explore import Exploration, ExploredPath
from archlint.engine.question import Question
from archlint.symbolic.formula import Bool, conj, disj, holds, negate
from archlint.symbolic.solver.enumerate import smallest_by_enumeration
from archlint.symbolic.solver.solver import Solver, Unsolved
from archlint.tracing.events import Event
from archlint.tracing.trace import Trace, dims_of


@dataclass(frozen=True)
class SizeViolation:
    """The promise is broken at ``point``.

    ``expected`` is what the promise says of the point ("accepted", "refused" or "output");
    ``blame`` the claim or demand that does not hold there, if one claim is to blame.
    """

    point: dict[str, int]
    expected: str
    path: ExploredPath
    blame: Event | OutputRequirement | None
    smallest: bool


@dataclass(frozen=True)
class ProofAttempt:
    """``violation`` or none; ``open`` says what could not be decided."""

    violation: SizeViolation | None
    vacuous: bool = False
    open: tuple[str, ...] = ()


def prove(
    contract: Contract, question: Question, found: Exploration, deadline: float
) -> ProofAttempt:
    """Decide the contract on what was explored; the counterexample is the smallest there is."""
    unsettled = [*found.reasons, *_open(contract, found)]
    if not found.paths:
        try:
            empty = Solver(question.names, question.box, deadline).find(question.premise) is None
        except Unsolved:
            empty = False
        return ProofAttempt(None, vacuous=empty, open=tuple(unsettled))
    bad = disj(*(_breaks(contract, question, path) for path in found.paths))
    if bad is False and question.premise is question.domain:
        return ProofAttempt(None, open=tuple(unsettled))
    try:
        point, smallest = (
            smallest_by_enumeration(question.names, question.box, conj(question.domain, bad)),
            True,
        )
        if point is None:
            solver = Solver(question.names, question.box, deadline)
            solver.add(question.domain)
            point, smallest = _smallest(solver, bad)
            if point is None:
                vacuous = _empty_premise(solver, question)
                return ProofAttempt(None, vacuous=vacuous, open=() if vacuous else tuple(unsettled))
    except Unsolved as e:
        return ProofAttempt(None, open=(*unsettled, f"the solver gave no answer ({e})"))
    smallest = smallest and found.covered
    path = next(w for w in found.paths if holds(_breaks(contract, question, w), point))
    if contract.clause.kind == "rejects" or not holds(question.premise, point):
        return ProofAttempt(
            SizeViolation(point, "refused", path, None, smallest), open=tuple(unsettled)
        )
    if not holds(path.accepted, point):
        blame: Event | OutputRequirement | None = path.first_failed_claim(point)
        return ProofAttempt(
            SizeViolation(point, "accepted", path, blame, smallest), open=tuple(unsettled)
        )
    wrong = next(d for d in _output_demands(contract, path.trace) if not holds(d.formula, point))
    return ProofAttempt(
        SizeViolation(point, "output", path, wrong, smallest), open=tuple(unsettled)
    )


def _smallest(solver: Solver, bad: Bool) -> tuple[dict[str, int] | None, bool]:
    """Sizes at which the promise is broken, and whether there are no smaller ones."""
    try:
        return solver.smallest(bad), True
    except Unsolved:
        return solver.find(bad), False


def _empty_premise(solver: Solver, question: Question) -> bool:
    if question.premise is question.domain:
        return False  # a path went through it
    if smallest_by_enumeration(question.names, question.box, question.premise) is not None:
        return False
    return solver.find(question.premise) is None


def _breaks(contract: Contract, question: Question, path: ExploredPath) -> Bool:
    """The sizes at which this path breaks the promise."""
    if contract.clause.kind == "none":
        return conj(question.premise, path.accepted, negate(_output_holds(contract, path.trace)))
    if contract.clause.kind == "rejects":
        return conj(question.premise, path.accepted)
    kept = conj(path.accepted, _output_holds(contract, path.trace))
    broken: Bool = False if kept is True else conj(path.decided, negate(kept))
    if contract.clause.kind == "any":
        return broken
    outside = negate(question.premise)
    return disj(conj(question.premise, broken), conj(outside, path.accepted))


def _output_holds(contract: Contract, trace: Trace) -> Bool:
    if contract.output is None or trace.outcome != "accepted":
        return True
    return conj(*(d.formula for d in _output_demands(contract, trace)))


def _open(contract: Contract, found: Exploration) -> list[str]:
    """What is promised of the output and cannot be known, because values decide it."""
    traces = [w.trace for w in found.paths if w.trace.outcome == "accepted"]
    reasons = (d.open for t in traces for d in _output_demands(contract, t) if d.open)
    return list(dict.fromkeys(reasons))


def _output_demands(contract: Contract, trace: Trace) -> list[OutputRequirement]:
    if contract.output is None:
        return []
    return output_requirements(contract.output, dims_of(trace.output))
