"""Finds the fixes of a broken contract that are proved to work."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from archlint.contracts.contract import ModelRef
from archlint.explanation.fixes.broken_contract import BrokenContract
from archlint.explanation.fixes.layer_arguments import batch_first, ceil_mode, padded_windows
from archlint.explanation.fixes.operator_calls import reshaping, resizing_to_skips
from archlint.explanation.fixes.pad_input import padding
from archlint.explanation.fixes.pool_before_flatten import pooling
from archlint.explanation.fixes.position_embedding import interpolation
from archlint.explanation.fixes.proposal import Fix, Proposal, try_fix, with_budget
from archlint.explanation.fixes.reference import Reference
from archlint.explanation.fixes.replace_pool import adaptive_pools
from archlint.explanation.fixes.resize_input import resizing
from archlint.explanation.fixes.rule_file_fixes import model_arguments, narrowing
from archlint.runtime.process_state import preserve_process_state


def find_fixes(
    broken: BrokenContract, *, ref: ModelRef | None = None, root: Path | None = None
) -> list[Fix]:
    """The fixes that were proved to work, the least intrusive first; none of them has an edit yet.

    ``ref`` and ``root`` are needed for fixes that build the model with other arguments.
    """
    with preserve_process_state():
        proposals = list(_proposals(broken, ref, root or Path.cwd()))
    before = reference(broken)
    fixes: dict[str, Fix] = {}
    for proposal in proposals:
        left = broken.run.seconds_left
        if not left:
            break
        if proposal.title in fixes:  # other lines that come to the same
            continue
        fix = try_fix(with_budget(proposal, left / 2), before, left)
        if fix is not None:
            fixes[proposal.title] = fix
    return list(fixes.values())


def reference(broken: BrokenContract) -> Reference:
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
    return Reference.of(model, broken.contract.input, broken.violation.point, unique)


def _proposals(broken: BrokenContract, ref: ModelRef | None, root: Path) -> Iterator[Proposal]:
    refused = broken.violation.expected == "accepted"
    if refused:
        yield from adaptive_pools(broken)
        yield from pooling(broken)
    yield from model_arguments(broken, ref, root)
    if refused:
        yield from interpolation(broken)
        yield from reshaping(broken)
    yield from batch_first(broken)
    padded = list(padding(broken))
    yield from padded
    if refused:
        yield from resizing_to_skips(broken)
        if not padded:
            yield from resizing(broken)
        yield from ceil_mode(broken)
        yield from padded_windows(broken)
    yield from narrowing(broken)


__all__ = ["find_fixes", "reference"]
