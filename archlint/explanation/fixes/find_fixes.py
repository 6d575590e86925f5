"""Finds the fixes of a broken contract that are proved to work."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from archlint.contracts.contract import ModelRef
from archlint.explanation.fixes.broken_contract import BrokenContract
from archlint.explanation.fixes.layer_arguments import batch_first, ceil_mode, padded_windows
from archlint.explanation.fixes.model_before_fix import ModelBefore
from archlint.explanation.fixes.operator_calls import reshaping, resizing_to_skips
from archlint.explanation.fixes.pad_input import padding
from archlint.explanation.fixes.pool_before_flatten import pooling
from archlint.explanation.fixes.position_embedding import interpolation
from archlint.explanation.fixes.proposal import Fix, Proposal, try_fix, with_budget
from archlint.explanation.fixes.replace_pool import adaptive_pools
from archlint.explanation.fixes.resize_input import resizing
from archlint.explanation.fixes.rule_file_fixes import model_arguments, narrowing
from archlint.runtime.effort_clock import now
from archlint.runtime.process_state import preserve_process_state
from archlint.symbolic.solver.solver import Unsolved


@dataclass(frozen=True)
class Search:
    """The fixes that were proved to work, the least intrusive first; none of them has an edit yet.

    ``unfinished``: what the time limit left untried, in words.
    """

    fixes: tuple[Fix, ...]
    unfinished: tuple[str, ...] = ()


def find_fixes(
    broken: BrokenContract, *, ref: ModelRef | None = None, root: Path | None = None
) -> Search:
    """Try every proposal within the time that the run has left.

    ``ref`` and ``root`` are needed for fixes that build the model with other arguments.
    """
    unfinished: dict[str, None] = {}
    with preserve_process_state():
        proposals = list(_proposals(broken, ref, root or Path.cwd(), unfinished))
    before = model_before(broken)
    fixes: dict[str, Fix] = {}
    for proposal in proposals:
        title, start, left = proposal.title, now(), broken.run.seconds_left
        if title in fixes:  # other lines that come to the same
            continue
        fix = try_fix(with_budget(proposal, left / 2), before, left) if left else None
        if fix is not None:
            fixes[title] = fix
            unfinished.pop(title, None)
        elif now() - start >= left / 2:
            unfinished[title] = None
    return Search(tuple(fixes.values()), tuple(unfinished))


def model_before(broken: BrokenContract) -> ModelBefore:
    """The broken model at up to three sizes that it accepts, two batches among them."""
    sizes = []
    point = broken.accepted_point
    if point is not None:
        first = next(iter(point), "")
        some = [dict(point), {**point, first: point[first] + 1} if first else dict(point)]
        smallest = broken.smallest_accepted()
        some += [smallest] if smallest else []
        sizes = [s for s in some if broken.exploration.accepts(s)]
    model = broken.source.for_running(broken.contract.mode)
    unique = list({tuple(s.items()): s for s in sizes}.values())
    return ModelBefore.of(model, broken.contract.input, broken.violation.point, unique)


def _proposals(
    broken: BrokenContract, ref: ModelRef | None, root: Path, unfinished: dict[str, None]
) -> Iterator[Proposal]:
    """All proposals, the best first; those not computed in time are put in ``unfinished``."""
    refused = broken.violation.expected == "accepted"
    yield from adaptive_pools(broken)
    yield from pooling(broken)
    yield from model_arguments(broken, ref, root)
    if refused:
        yield from interpolation(broken)
        yield from reshaping(broken)
    yield from batch_first(broken)
    try:
        padded = list(padding(broken))
    except Unsolved:
        padded, unfinished["padding of the input"] = [], None
    yield from padded
    if refused:
        yield from resizing_to_skips(broken)
        if not padded:
            yield from resizing(broken)
        yield from ceil_mode(broken)
        yield from padded_windows(broken)
    try:
        yield from narrowing(broken)
    except Unsolved:
        unfinished["a narrower contract"] = None
