"""Which layers together break a promise, and what each of them alone would change."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from archlint.contracts.contract import Contract
from archlint.engine.describe.describe import describe
from archlint.engine.explore import Exploration
from archlint.engine.prove import ProofAttempt, SizeViolation, prove
from archlint.engine.question import Question
from archlint.explanation.explanation_text import counterfactual
from archlint.explanation.limiting_layers import site_words
from archlint.explanation.path_rows import layer_words
from archlint.explanation.relaxation import (
    Site,
    accepted_without,
    layer_paths,
    needs_of,
    site_of,
)
from archlint.explanation.tied_weights import ties
from archlint.models.targets import ModelSource
from archlint.symbolic.formula import conj, negate
from archlint.symbolic.solver.solver import Solver, Unsolved
from archlint.tracing.model_tracer import ModelTracer

MOST = 12  # sites that are tried together
PATHS = 16
LONGEST = 200  # characters of the words for a set


@dataclass(frozen=True)
class Blamed:
    """A site without whose needs the promise would come closer to hold.

    ``accepts``: what would be accepted of the promised sizes if it alone asked for nothing, where
    that is known. ``weights``: what its weights would have to be at the counterexample.
    """

    site: Site
    name: str
    layer: str
    accepts: str
    weights: tuple[str, ...]


@dataclass(frozen=True)
class Blame:
    """``blamed``: if these asked for nothing the promise would hold, and none can be left out.

    ``complete`` is false where that could not be established; they are then those found so far.
    """

    blamed: tuple[Blamed, ...]
    complete: bool


def blame(
    contract: Contract, source: ModelSource, violation: SizeViolation, deadline: float
) -> Blame:
    """The layers to blame for ``violation``; empty where no claim of a layer is to blame.

    The model is traced again for each layer that is tried. ``deadline`` is a ``time.monotonic()``
    value.
    """
    if violation.expected != "accepted" or violation.blame is None:
        return Blame((), False)
    subject, question = ModelTracer(contract, source), Question.of(contract)
    leaves = layer_paths(subject.model)
    spared: dict[Site, None] = {}
    now: SizeViolation | None = violation
    complete = True
    while now is not None:
        site = _site(now, leaves)
        if site is None or site in spared or len(spared) == MOST or time.monotonic() > deadline:
            complete = False
            break
        spared[site] = None
        _, finding = _judged(subject, question, spared, deadline)
        now = finding.violation
        complete = not finding.open
    if complete:
        for site in list(spared):
            fewer = [s for s in spared if s is not site]
            found, finding = _judged(subject, question, fewer, deadline)
            if fewer and finding.violation is None and not finding.open and found.covered:
                del spared[site]
    before = accepted_without(subject, question, (), PATHS, deadline)
    blamed = tuple(_blamed(subject, question, s, violation.point, before, deadline) for s in spared)
    return Blame(blamed, complete)


def blame_lines(found: Blame) -> list[str]:
    """The blame in words, a line for each thing to know; empty where there is nothing to add."""
    lines = []
    if len(found.blamed) > 1:
        names = ", ".join(f"`{b.name}`" for b in found.blamed)
        how = "together" if found.complete else "among others"
        lines.append(f"{len(found.blamed)} layers {how}: {names}")
    for blamed in found.blamed:
        if blamed.accepts == "any size":
            lines.append(f"without `{blamed.name}` every promised size would be accepted")
        elif blamed.accepts:
            lines.append(f"without `{blamed.name}` those with {blamed.accepts} would be accepted")
        lines += blamed.weights
    return lines


def _site(violation: SizeViolation, leaves: Collection[str]) -> Site | None:
    event = violation.path.first_failed_claim(violation.point)
    calls = violation.path.trace.calls
    if violation.expected != "accepted" or event is None or not 0 <= event.call < len(calls):
        return None
    return site_of(calls[event.call], leaves)


def _judged(
    subject: ModelTracer, question: Question, spared: Collection[Site], deadline: float
) -> tuple[Exploration, ProofAttempt]:
    found = accepted_without(subject, question, spared, PATHS, deadline)
    contract = replace(subject.contract, output=None)  # the shape of what cannot be is no matter
    return found, prove(contract, question, found, deadline)


def _more(question: Question, free: Exploration, before: Exploration, deadline: float) -> bool:
    """Whether more of the promised sizes are accepted than before."""
    solver = Solver(question.names, question.box, deadline)
    solver.add(question.premise)
    try:
        return solver.find(conj(free.accepted, negate(before.accepted))) is not None
    except Unsolved:
        return False


def _blamed(
    subject: ModelTracer,
    question: Question,
    site: Site,
    point: Mapping[str, int],
    before: Exploration,
    deadline: float,
) -> Blamed:
    leaves = layer_paths(subject.model)
    words = ""
    if time.monotonic() < deadline:
        free = accepted_without(subject, question, {site}, PATHS, deadline)
        if _more(question, free, before, deadline):
            accepted = conj(question.domain, free.accepted)
            said = describe(question.names, question.box, accepted, solver_deadline=deadline)
            if free.covered and said.exact and len(said.text) < LONGEST:
                words = said.text
    every = needs_of(subject, question.box, point).each
    needs = [need for need in every if site_of(need[0], leaves) == site]
    tied = [counterfactual(t, point) for t in ties(needs, subject.model)]
    layer = layer_words(subject.model, site.module) if site.module else ""
    return Blamed(site, site_words(site), layer, words, tuple(filter(None, tied)))


__all__ = ["Blame", "Blamed", "blame", "blame_lines"]
