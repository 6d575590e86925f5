"""The sets that would be accepted without some layer: which layers narrow what a model accepts."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from archlint.engine.describe.describe import describe
from archlint.engine.explore import Exploration
from archlint.engine.question import Question
from archlint.explanation.relaxation import (
    Site,
    accepted_without,
    layer_paths,
    needs_of,
    site_of,
)
from archlint.runtime.user_frames import shown_source
from archlint.symbolic.formula import Bool, conj, negate
from archlint.symbolic.solver.solver import Solver, Unsolved
from archlint.tracing.model_tracer import ModelTracer

SITES = 8  # layers that are left out, one after the other, to see what that changes


@dataclass(frozen=True)
class Without:
    """What would be accepted if these sites asked for nothing.

    ``words``: exactly that, or, if not ``exact``, that it is more, with an example.
    """

    sites: tuple[str, ...]
    words: str
    exact: bool


def lifting(
    subject: ModelTracer, question: Question, found: Exploration, until: float
) -> tuple[Without, ...]:
    """Of the layers that ask for something, those without which more sizes would be accepted.

    Where there is none, layers that ask for the very same are left out together.
    """
    leaves = layer_paths(subject.model)
    askers: dict[Bool, dict[Site, None]] = {}
    for path in found.paths:
        for event in reversed(path.trace.path.events):
            if event.kind == "claim" and event.call >= 0 and not isinstance(event.formula, bool):
                site = site_of(path.trace.calls[event.call], leaves)
                askers.setdefault(event.formula, {})[site] = None
    single = list(dict.fromkeys(site for sites in askers.values() for site in sites))
    lifted = _lifting(subject, question, found, [(s,) for s in single[:SITES]], until)
    if lifted:
        return lifted
    for path in found.paths[:2]:  # a need that several layers have is on record for the first
        for call, event in needs_of(subject, question.box, path.trace.path.env).each:
            if event.formula in askers:
                askers[event.formula][site_of(call, leaves)] = None
    groups = dict.fromkeys(tuple(sites) for sites in askers.values() if len(sites) > 1)
    return _lifting(subject, question, found, list(groups)[:SITES], until)


def _lifting(
    subject: ModelTracer,
    question: Question,
    found: Exploration,
    groups: Sequence[Sequence[Site]],
    until: float,
) -> tuple[Without, ...]:
    lifted = []
    for sites in groups:
        if time.monotonic() > until:
            break
        free = accepted_without(subject, question, sites, 16, until)
        solver = Solver(found.names, found.box, until)
        solver.add(found.region)
        try:
            gained = solver.find(conj(free.accepted, negate(found.accepted)))
        except Unsolved:
            continue
        if gained is None:
            continue
        said = describe(found.names, found.box, free.accepted, solver_deadline=until)
        exact, words = free.covered and said.exact, said.text
        if not exact:
            words = f"more, such as {' '.join(f'{k}={v}' for k, v in gained.items())}"
        lifted.append(Without(tuple(site_words(s) for s in sites), words, exact))
    return tuple(lifted)


def site_words(site: Site) -> str:
    """``classifier.0``, or ``flatten at net.py:12`` for a line of a user's module."""
    if not site.op:
        return site.module
    where = f" at {shown_source(site.source)}" if site.source else ""
    return f"{site.op} in {site.module}{where}" if site.module else f"{site.op}{where}"


__all__ = ["SITES", "Without", "lifting", "site_words"]
