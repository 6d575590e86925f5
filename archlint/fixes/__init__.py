"""What would lift a limit: each fix is applied to a copy of the model, proved and run first."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from archlint.contract import Contract, ModelRef, Promise
from archlint.explanation.blame import blame
from archlint.explanation.explain import usual_point
from archlint.explore import Explored
from archlint.fixes.layers import ceil_mode
from archlint.fixes.pool import pooling
from archlint.fixes.proposal import Edit, Fix, Proposal, check
from archlint.fixes.rules import narrowing, switches
from archlint.fixes.wrap import padding, resizing
from archlint.judge import Breach, Question, judge
from archlint.model.resolve import ModelSource
from archlint.model.world import keep_world
from archlint.pipeline import accepted_sizes
from archlint.subject import Subject


def fixes(
    contract: Contract,
    source: ModelSource,
    *,
    ref: ModelRef | None = None,
    root: Path | None = None,
    seconds: float = 60.0,
) -> list[Fix]:
    """The fixes that were proved to work for a broken contract, the least intrusive first.

    Empty if the contract holds, if it is broken by what is accepted or comes out, or if nothing
    that is known helps. ``ref`` and ``root`` are needed for fixes that build the model anew.
    """
    until = time.monotonic() + seconds
    with keep_world():
        subject = Subject(contract, source)
        question = Question.of(contract)
        promised = accepted_sizes(subject, question, until)
        breach = judge(contract, question, promised, until).breach
        if breach is None or breach.expected != "accepted":
            return []
        found = _whole(contract, source, until)
        known = usual_point(found)
        if known is not None and not found.accepts(known):
            known = None
        proposals = list(
            _proposals(contract, source, subject, breach, found, known, ref, root, until)
        )
    checked = []
    for proposal in proposals:
        left = until - time.monotonic()
        if left <= 0:
            break
        fix = check(_hurried(proposal, left), source, breach.point, known, left)
        if fix is not None:
            checked.append(fix)
    return checked


def _proposals(
    contract: Contract,
    source: ModelSource,
    subject: Subject,
    breach: Breach,
    found: Explored,
    known: Mapping[str, int] | None,
    ref: ModelRef | None,
    root: Path | None,
    until: float,
) -> Iterator[Proposal]:
    yield from pooling(contract, source, subject.model, breach, known)
    yield from switches(contract, ref, root or Path.cwd())
    padded = list(padding(contract, source, found))
    yield from padded or resizing(contract, source, found, known)
    blamed = blame(contract, source, breach, until)
    yield from ceil_mode(contract, source, subject.model, blamed)
    yield from narrowing(contract, source, found)


def _whole(contract: Contract, source: ModelSource, until: float) -> Explored:
    """What the model accepts of all sizes, whatever was promised."""
    everything = replace(contract, promise=Promise("any", True, "any size"), output=None)
    return accepted_sizes(Subject(everything, source), Question.of(everything), until)


def _hurried(proposal: Proposal, left: float) -> Proposal:
    budget = replace(proposal.contract.budget, seconds=max(1.0, left / 2))
    return replace(proposal, contract=replace(proposal.contract, budget=budget))


__all__ = ["Edit", "Fix", "fixes"]
