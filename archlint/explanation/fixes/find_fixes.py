"""Finds the fixes of a broken contract that are proved to work."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from archlint.contracts.contract import ModelRef
from archlint.explanation.fixes.broken_contract import BrokenContract
from archlint.explanation.fixes.layer_arguments import ceil_mode, padded_windows
from archlint.explanation.fixes.pool_before_flatten import pooling
from archlint.explanation.fixes.position_embedding import interpolation
from archlint.explanation.fixes.proposal import Fix, Proposal, try_fix
from archlint.explanation.fixes.rule_file_fixes import model_arguments, narrowing
from archlint.explanation.fixes.wrap import padding, resizing
from archlint.runtime.process_state import preserve_process_state


def find_fixes(
    broken: BrokenContract, *, ref: ModelRef | None = None, root: Path | None = None
) -> list[Fix]:
    """The fixes that were proved to work, the least intrusive first.

    ``ref`` and ``root`` are needed for fixes that build the model with other arguments.
    """
    with preserve_process_state():
        proposals = list(_proposals(broken, ref, root or Path.cwd()))
    fixes = []
    for proposal in proposals:
        left = broken.run.seconds_left
        if not left:
            break
        fix = try_fix(_with_budget(proposal, left / 2), broken, left)
        if fix is not None:
            fixes.append(fix)
    return fixes


def _proposals(broken: BrokenContract, ref: ModelRef | None, root: Path) -> Iterator[Proposal]:
    yield from pooling(broken)
    yield from model_arguments(broken, ref, root)
    yield from interpolation(broken)
    padded = list(padding(broken))
    yield from padded or resizing(broken)
    yield from ceil_mode(broken)
    yield from padded_windows(broken)
    yield from narrowing(broken)


def _with_budget(proposal: Proposal, seconds: float) -> Proposal:
    budget = replace(proposal.contract.budget, seconds=max(1.0, seconds))
    return replace(proposal, contract=replace(proposal.contract, budget=budget))


__all__ = ["find_fixes"]
