"""Runs of a model within a time limit, as infer, explain, cost and export-ranges make them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from archlint.contracts.contract import Contract
from archlint.engine.check_run import CheckRun
from archlint.errors import ArchlintError
from archlint.models.targets import ModelSource
from archlint.runtime.deadline import TimeLimitReached, time_limit
from archlint.runtime.gc_pause import gc_seldom
from archlint.runtime.process_lock import PROCESS_LOCK
from archlint.runtime.process_state import preserve_process_state


@contextmanager
def limited_run(contract: Contract, source: ModelSource, more: float) -> Iterator[CheckRun]:
    """A run of the contract without samples, whose deadline is the contract's budget from now.

    The block may take ``more`` seconds than the budget. What it changes in the process is undone.
    Raises ``ArchlintError`` if that time is over, or the model cannot be built.
    """
    seconds = contract.budget.seconds
    try:
        with (
            PROCESS_LOCK,  # waiting for another thread must not use up this one's time
            time_limit(seconds + more),
            preserve_process_state(),
            gc_seldom(),
        ):
            yield CheckRun.start(contract, source, samples=0)
    except TimeLimitReached as e:
        raise ArchlintError(f"{source.name} did not finish within {seconds:g} s{e}") from None
