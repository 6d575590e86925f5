"""The layers that limit what a model accepts: without their claims it would accept more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from archlint.contracts.size_text import size_text
from archlint.engine.check_run import CheckRun
from archlint.engine.describe.describe import describe
from archlint.engine.exploration import Exploration
from archlint.explanation.relaxation import Site, accepted_without, claims_at, layer_paths, site_of
from archlint.runtime.user_frames import shown_source
from archlint.symbolic.formula import Bool, conj, negate
from archlint.symbolic.solver.solver import Solver, Unsolved

SITES = 8  # layers, or groups of layers, that are left out one after the other
PATHS = 16


@dataclass(frozen=True)
class LimitingLayers:
    """Layers that limit the accepted sizes together.

    ``words``: what would be accepted without their claims, or, if not ``exact``, that it is more,
    with an example.
    """

    sites: tuple[str, ...]
    words: str
    exact: bool


def limiting_layers(run: CheckRun, exploration: Exploration) -> tuple[LimitingLayers, ...]:
    """The single layers without whose claims more sizes would be accepted.

    If there is none, layers that make the very same claim are left out together.
    """
    leaves = layer_paths(run.model)
    claimants: dict[Bool, dict[Site, None]] = {}
    for path in exploration.paths:
        for event in reversed(path.trace.path.events):
            if event.kind == "claim" and event.call >= 0 and not isinstance(event.formula, bool):
                site = site_of(path.trace.calls[event.call], leaves)
                claimants.setdefault(event.formula, {})[site] = None
    single = list(dict.fromkeys(site for sites in claimants.values() for site in sites))
    limiting = _limiting(run, exploration, [(s,) for s in single[:SITES]])
    if limiting:
        return limiting
    for path in exploration.paths[:2]:  # a path records a claim of several layers once
        for call, event in claims_at(run, path.trace.path.env).claims:
            if event.formula in claimants:
                claimants[event.formula][site_of(call, leaves)] = None
    groups = dict.fromkeys(tuple(sites) for sites in claimants.values() if len(sites) > 1)
    return _limiting(run, exploration, list(groups)[:SITES])


def _limiting(
    run: CheckRun, exploration: Exploration, groups: Sequence[Sequence[Site]]
) -> tuple[LimitingLayers, ...]:
    names, box = exploration.names, exploration.box
    limiting = []
    for sites in groups:
        if not run.seconds_left:
            break
        relaxed = accepted_without(run, sites, PATHS)
        solver = Solver(names, box, run.deadline)
        solver.add(exploration.region)
        try:
            gained = solver.find(conj(relaxed.accepted, negate(exploration.accepted)))
        except Unsolved:
            continue
        if gained is None:
            continue
        description = describe(names, box, relaxed.accepted, solver_deadline=run.deadline)
        exact = relaxed.covered and description.exact
        words = description.text if exact else f"more sizes, for example {size_text(gained)}"
        limiting.append(LimitingLayers(tuple(map(site_text, sites)), words, exact))
    return tuple(limiting)


def site_text(site: Site) -> str:
    """``classifier.0``, or ``flatten at net.py:12`` for a line of a user's module."""
    if not site.op:
        return site.module or "the model"
    where = f" at {shown_source(site.source)}" if site.source else ""
    return f"{site.op} in {site.module}{where}" if site.module else f"{site.op}{where}"
