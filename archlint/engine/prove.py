"""Does the contract hold at every explored size, and which is the smallest size where it fails?"""

from __future__ import annotations

from dataclasses import dataclass

from archlint.contracts.contract import Contract
from archlint.contracts.output_match import OutputRequirement, output_requirements
from archlint.engine.check_run import CheckRun
from archlint.engine.exploration import Exploration, ExploredPath
from archlint.engine.question import Question
from archlint.runtime.effort_clock import now
from archlint.symbolic.formula import Bool, conj, disj, holds, negate
from archlint.symbolic.solver.enumerate import smallest_by_enumeration
from archlint.symbolic.solver.solver import Solver, Unsolved
from archlint.tracing.events import Event
from archlint.tracing.trace import Trace, dims_of


@dataclass(frozen=True)
class SizeViolation:
    """The contract is violated at the sizes ``point``.

    ``expected`` is what the contract requires there: "accepted", "refused", "output" or
    "structure". ``cause`` is the claim or the requirement on the output that does not hold there,
    if there is one. ``smallest``: it is proved that no smaller size violates the contract.
    """

    point: dict[str, int]
    expected: str
    path: ExploredPath
    cause: Event | OutputRequirement | None
    smallest: bool


@dataclass(frozen=True)
class ProofAttempt:
    """``violation``, if there is one; ``open``: why some sizes could not be proved.

    ``other`` is a violation of another kind: sizes that are accepted with a wrong output where
    ``violation`` is a refusal, or the reverse.
    """

    violation: SizeViolation | None
    vacuous: bool = False
    open: tuple[str, ...] = ()
    other: SizeViolation | None = None


def prove(run: CheckRun, exploration: Exploration) -> ProofAttempt:
    """Prove the contract on the explored paths, or find the smallest counterexample.

    The smallest has the smallest sum of sizes.
    """
    contract, question = run.contract, run.question
    open_reasons = (*exploration.reasons, *_open_outputs(contract, exploration))
    if not exploration.paths:
        return ProofAttempt(None, vacuous=_domain_is_empty(run), open=open_reasons)
    bad = disj(*(_violated(contract, question, path) for path in exploration.paths))
    if bad is False and question.premise is question.domain:
        return ProofAttempt(None, open=open_reasons)
    try:
        point = smallest_by_enumeration(question.names, question.box, conj(question.domain, bad))
        smallest = True
        if point is None:
            solver = Solver(question.names, question.box, run.deadline)
            solver.add(question.domain)
            point, smallest = solver.smallest_or_any(bad)
            if point is None:
                vacuous = _premise_is_empty(solver, question)
                return ProofAttempt(None, vacuous, () if vacuous else open_reasons)
    except Unsolved as e:
        return ProofAttempt(None, open=(*open_reasons, f"the solver gave no answer ({e})"))
    path = next(p for p in exploration.paths if holds(_violated(contract, question, p), point))
    expected, cause = _expected(contract, question, path, point)
    violation = SizeViolation(point, expected, path, cause, smallest and exploration.covered)
    other = _other_kind(run, exploration, violation)
    return ProofAttempt(violation, open=open_reasons, other=other)


def _other_kind(
    run: CheckRun, exploration: Exploration, violation: SizeViolation
) -> SizeViolation | None:
    """A violation of the other kind, at small sizes; ``None`` if none is found soon."""
    contract, question = run.contract, run.question
    if contract.output is None or contract.clause.kind in ("none", "rejects"):
        return None
    for path in exploration.paths:
        wrong = negate(_output_formula(contract, path.trace))
        kinds = {
            "output": conj(path.accepted, wrong),
            "accepted": conj(path.known, negate(path.accepted)),
        }
        kinds.pop(violation.expected, None)
        if len(kinds) == 2:
            return None
        ((kind, formula),) = kinds.items()
        bad = conj(question.premise, formula)
        point = smallest_by_enumeration(question.names, question.box, bad)
        if point is None and bad is not False:
            solver = Solver(question.names, question.box, min(run.deadline, now() + 1))
            try:
                point = solver.find(bad)
            except Unsolved:
                point = None
        if point is not None:
            expected, cause = _expected(contract, question, path, point)
            if expected == kind:
                return SizeViolation(point, expected, path, cause, smallest=False)
    return None


def _expected(
    contract: Contract, question: Question, path: ExploredPath, point: dict[str, int]
) -> tuple[str, Event | OutputRequirement | None]:
    """What the contract requires at a violation, and what does not hold there."""
    if contract.clause.kind == "rejects" or not holds(question.premise, point):
        return "refused", None
    if not holds(path.accepted, point):
        return "accepted", path.first_failed_claim(point)
    requirements = _output_requirements(contract, path.trace)
    return "output", next(r for r in requirements if not holds(r.formula, point))


def _domain_is_empty(run: CheckRun) -> bool:
    question = run.question
    try:
        return Solver(question.names, question.box, run.deadline).find(question.premise) is None
    except Unsolved:
        return False


def _premise_is_empty(solver: Solver, question: Question) -> bool:
    if question.premise is question.domain:
        return False  # a path was traced at one of its sizes
    if smallest_by_enumeration(question.names, question.box, question.premise) is not None:
        return False
    return solver.find(question.premise) is None


def _violated(contract: Contract, question: Question, path: ExploredPath) -> Bool:
    """The sizes of this path that violate the contract."""
    output = _output_formula(contract, path.trace)
    if contract.clause.kind == "none":
        return conj(question.premise, path.accepted, negate(output))
    if contract.clause.kind == "rejects":
        return conj(question.premise, path.accepted)
    good = conj(path.accepted, output)
    bad: Bool = False if good is True else conj(path.known, negate(good))
    if contract.clause.kind == "any":
        return bad
    outside = negate(question.premise)
    return disj(conj(question.premise, bad), conj(outside, path.accepted))


def _output_formula(contract: Contract, trace: Trace) -> Bool:
    if contract.output is None or trace.outcome != "accepted":
        return True
    return conj(*(r.formula for r in _output_requirements(contract, trace)))


def _open_outputs(contract: Contract, exploration: Exploration) -> list[str]:
    """Requirements on the output that cannot be checked, because they depend on tensor values."""
    traces = [p.trace for p in exploration.accepting]
    reasons = (r.open for t in traces for r in _output_requirements(contract, t) if r.open)
    return list(dict.fromkeys(reasons))


def _output_requirements(contract: Contract, trace: Trace) -> list[OutputRequirement]:
    if contract.output is None:
        return []
    return output_requirements(contract.output, dims_of(trace.output))
