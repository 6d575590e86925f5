"""What would lift a limit: each fix is applied to a copy of the model, proved and run first."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from torch import nn

from archlint.contracts.contract import Contract, ModelRef, SizeClause
from archlint.engine.explore import Exploration
from archlint.engine.pipeline import accepted_sizes
from archlint.engine.prove import SizeViolation, prove
from archlint.engine.question import Question
from archlint.explanation.blame import Blame, blame
from archlint.explanation.explain import usual_point
from archlint.explanation.fixes.layer_arguments import ceil_mode, padded_windows
from archlint.explanation.fixes.pool_before_flatten import pooling
from archlint.explanation.fixes.position_embedding import stretching
from archlint.explanation.fixes.proposal import Edit, Fix, Proposal, check
from archlint.explanation.fixes.rule_file_fixes import narrowing, switches
from archlint.explanation.fixes.wrap import padding, resizing
from archlint.models.targets import ModelSource
from archlint.runtime.process_state import preserve_process_state
from archlint.tracing.model_tracer import ModelTracer


@dataclass(frozen=True)
class BrokenContract:
    """A promise broken by a refused size, with what its fixes are made from.

    ``found``: what the model accepts of all sizes. ``known``: sizes that it accepts, such as
    people use, if there are any.
    """

    contract: Contract
    source: ModelSource
    model: nn.Module
    violation: SizeViolation
    found: Exploration
    blame: Blame
    known: Mapping[str, int] | None


def broken_contract(
    contract: Contract, source: ModelSource, violation: SizeViolation, until: float
) -> BrokenContract:
    """What is known of a ``violation`` by a refused size. ``until``: as ``time.monotonic()``."""
    found = accepted_of_all(contract, source, until)
    known = usual_point(found)
    if known is not None and not found.accepts(known):
        known = None
    blamed = blame(contract, source, violation, until)
    model = source.for_tracing(contract.mode)
    return BrokenContract(contract, source, model, violation, found, blamed, known)


def violation_of(contract: Contract, source: ModelSource, until: float) -> SizeViolation | None:
    """Where the promise about sizes is broken, if there is one and it is."""
    if contract.clause.kind == "none":
        return None
    question = Question.of(contract)
    promised = accepted_sizes(ModelTracer(contract, source), question, until)
    return prove(contract, question, promised, until).violation


def fixes(
    broken: BrokenContract, *, ref: ModelRef | None = None, root: Path | None = None, until: float
) -> list[Fix]:
    """The fixes that were proved to work, the least intrusive first; empty if none is known.

    ``ref`` and ``root`` are needed for fixes that build the model anew.
    """
    with preserve_process_state():
        proposals = list(_proposals(broken, ref, root or Path.cwd()))
    checked = []
    for proposal in proposals:
        left = until - time.monotonic()
        if left <= 0:
            break
        fix = check(
            _hurried(proposal, left), broken.source, broken.violation.point, broken.known, left
        )
        if fix is not None:
            checked.append(fix)
    return checked


def _proposals(broken: BrokenContract, ref: ModelRef | None, root: Path) -> Iterator[Proposal]:
    contract, source, found = broken.contract, broken.source, broken.found
    yield from pooling(contract, source, broken.model, broken.violation, broken.known)
    yield from switches(contract, ref, root)
    yield from stretching(contract, source, broken.model, broken.violation)
    padded = list(padding(contract, source, found))
    yield from padded or resizing(contract, source, found, broken.known)
    yield from ceil_mode(contract, source, broken.model, broken.blame)
    yield from padded_windows(contract, source, broken.model, broken.blame)
    yield from narrowing(contract, source, found)


def accepted_of_all(contract: Contract, source: ModelSource, until: float) -> Exploration:
    """What the model accepts of all sizes, whatever was promised."""
    everything = replace(contract, clause=SizeClause("any", True, "any size"), output=None)
    return accepted_sizes(ModelTracer(everything, source), Question.of(everything), until)


def _hurried(proposal: Proposal, left: float) -> Proposal:
    budget = replace(proposal.contract.budget, seconds=max(1.0, left / 2))
    return replace(proposal, contract=replace(proposal.contract, budget=budget))


__all__ = ["Breakage", "Edit", "Fix", "accepted_of_all", "breach_of", "breakage", "fixes"]
