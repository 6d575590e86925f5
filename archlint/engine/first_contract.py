"""What a model accepts, confirmed by one run of the real model: the job of ``archlint init``."""

from __future__ import annotations

import time
from pathlib import Path

from archlint.contracts.contract import Contract, ModelRef, SizeClause
from archlint.contracts.verdict import Verdict
from archlint.engine.check_run import CheckRun
from archlint.engine.infer.acceptance import Acceptance
from archlint.engine.infer.infer import infer_verdict
from archlint.engine.sampling.cross_check import cross_check_at
from archlint.errors import ArchlintError
from archlint.models.targets import ModelSource
from archlint.runtime.deadline import TimeLimitReached, time_limit
from archlint.runtime.process_lock import PROCESS_LOCK
from archlint.runtime.process_state import preserve_process_state

SECONDS = 10.0  # for one run of the real model


def first_contract(
    contract: Contract, ref: ModelRef, *, root: Path, samples: int | None = None
) -> Verdict:
    """As :func:`.infer_verdict`; an error if the real model contradicts it.

    The real model runs once, at the smallest accepted sizes. A run that takes too long confirms
    nothing and contradicts nothing.
    """
    return infer_verdict(contract, ref, root=root, confirm=_confirm)


def _confirm(acceptance: Acceptance, source: ModelSource) -> None:
    smallest = acceptance.minimum()
    if smallest is None:
        return
    clause = SizeClause("any", True, "any size")
    contract = Contract("init", acceptance.input, clause, mode=acceptance.mode)
    try:
        with PROCESS_LOCK, time_limit(SECONDS), preserve_process_state():
            deadline = time.monotonic() + SECONDS
            run = CheckRun.start(contract, source, samples=1, deadline=deadline)
            evidence = cross_check_at(smallest, run, acceptance.explored)
    except TimeLimitReached:
        return
    if evidence.disagreement:
        raise ArchlintError(f"{source.name}: {evidence.disagreement}")
