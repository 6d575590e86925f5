"""Which layers together violate a contract, and what each of them alone would change."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from archlint.engine.check_run import CheckRun
from archlint.engine.describe.describe import describe
from archlint.engine.exploration import Exploration
from archlint.engine.prove import ProofAttempt, SizeViolation, prove
from archlint.engine.weights.ties import ties, weight_claims
from archlint.explanation.limiting_layers import site_text
from archlint.explanation.path_rows import layer_text
from archlint.explanation.relaxation import Site, accepted_without, layer_paths, site_of
from archlint.explanation.tied_weights import needed_shape_text, tied_weights
from archlint.runtime.effort_clock import passed
from archlint.symbolic.formula import conj, negate
from archlint.symbolic.solver.solver import Solver, Unsolved

MOST = 12  # sites that are tried together
PATHS = 16
LONGEST = 200  # characters of the description of a set


@dataclass(frozen=True)
class Cause:
    """A site that contributes to a violation.

    ``accepts``: the sizes of the contract that would be accepted if this site alone had no claims,
    where that is known. ``weights``: the shapes that its weights would need at the counterexample.
    """

    site: Site
    name: str
    layer: str
    accepts: str
    weights: tuple[str, ...]


@dataclass(frozen=True)
class Blame:
    """``causes``: without the claims of these sites the contract would hold; all are necessary.

    ``complete`` is false where that could not be established; then they are those known so far.
    """

    causes: tuple[Cause, ...]
    complete: bool


def blame(run: CheckRun, violation: SizeViolation) -> Blame:
    """The layers that cause ``violation``; empty if no claim of a layer causes it.

    The model is traced again for each layer that is tried.
    """
    if violation.expected != "accepted" or violation.cause is None:
        return Blame((), False)
    leaves = layer_paths(run.model)
    relaxed: dict[Site, None] = {}
    current: SizeViolation | None = violation
    complete = True
    while current is not None:
        site = _site(current, leaves)
        tried_all = site in relaxed or len(relaxed) == MOST
        if site is None or tried_all or not run.seconds_left:
            complete = False
            break
        relaxed[site] = None
        _, attempt = _without(run, relaxed)
        current = attempt.violation
        complete = not attempt.open
    if complete:
        for site in list(relaxed):
            fewer = [s for s in relaxed if s is not site]
            exploration, attempt = _without(run, fewer)
            holds = attempt.violation is None and not attempt.open and exploration.covered
            if fewer and holds:
                del relaxed[site]
    before = accepted_without(run, (), PATHS)
    causes = tuple(_cause(run, site, violation.point, before) for site in relaxed)
    return Blame(causes, complete)


def blame_lines(blame: Blame) -> list[str]:
    """The causes in words, one fact a line."""
    lines = []
    if len(blame.causes) > 1:
        names = ", ".join(f"`{c.name}`" for c in blame.causes)
        how = "together" if blame.complete else "among others"
        lines.append(f"{len(blame.causes)} layers {how}: {names}")
    for cause in blame.causes:
        if cause.accepts == "any size":
            lines.append(f"without `{cause.name}` every size of the contract would be accepted")
        elif cause.accepts:
            lines.append(f"without `{cause.name}` sizes with {cause.accepts} would be accepted")
        lines += cause.weights
    return lines


def _site(violation: SizeViolation, leaves: Collection[str]) -> Site | None:
    event = violation.path.first_failed_claim(violation.point)
    call = None if event is None else violation.path.trace.call_of(event)
    if violation.expected != "accepted" or call is None:
        return None
    return site_of(call, leaves)


def _without(run: CheckRun, relaxed: Collection[Site]) -> tuple[Exploration, ProofAttempt]:
    """The contract checked on a model in which the ``relaxed`` sites have no claims."""
    exploration = accepted_without(run, relaxed, PATHS)
    # Shapes behind a failed claim mean nothing, so the output is not checked.
    on_sizes = replace(run, contract=replace(run.contract, output=None))
    return exploration, prove(on_sizes, exploration)


def _accepts_more(run: CheckRun, relaxed: Exploration, before: Exploration) -> bool:
    """Whether more sizes of the contract are accepted than before."""
    solver = Solver(run.question.names, run.question.box, run.deadline)
    solver.add(run.question.premise)
    try:
        return solver.find(conj(relaxed.accepted, negate(before.accepted))) is not None
    except Unsolved:
        return False


def _cause(run: CheckRun, site: Site, point: Mapping[str, int], before: Exploration) -> Cause:
    question, leaves = run.question, layer_paths(run.model)
    accepts = ""
    if not passed(run.deadline):
        relaxed = accepted_without(run, {site}, PATHS)
        if _accepts_more(run, relaxed, before):
            accepted = conj(question.domain, relaxed.accepted)
            deadline = run.deadline
            words = describe(question.names, question.box, accepted, solver_deadline=deadline)
            if relaxed.covered and words.exact and len(words.text) < LONGEST:
                accepts = words.text
    found = ties(weight_claims(run, point))
    here = tied_weights(tie for tie in found if site_of(tie.call, leaves) == site)
    shapes = [needed_shape_text(tie, point) for tie in here]
    layer = layer_text(run.model, site.module) if site.module else ""
    return Cause(site, site_text(site), layer, accepts, tuple(filter(None, shapes)))
