"""How a contract becomes a verdict. Read this first.

``_check`` is the whole design; each of its steps is one module of this package:

============== ================== ==========================================================
step           module             result
============== ================== ==========================================================
CheckRun.start question           which sizes the contract is about, the model, the limits
explore_model  explore            the sizes that the model accepts, from traces on symbolic sizes
prove          prove              whether the contract holds; the smallest size where it does not
cross_check    sampling           what the real model does at chosen sizes; it must agree
diagnose       diagnosis          the layer that refuses, what it needs and why
conclude       verdicts           the verdict
with_structure structure          the verdict on layers as well as sizes
with_artifact  artifact           the verdict on an exported model as well
============== ================== ==========================================================

For a broken contract :mod:`archlint.explanation.advice` then adds which layers cause it and fixes.
It is a layer above, because every fix is a contract that is checked here.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from archlint.contracts.contract import Contract, ModelRef
from archlint.contracts.verdict import Verdict
from archlint.engine.annotated_contract import with_annotations
from archlint.engine.artifact.comparison import with_artifact
from archlint.engine.check_run import CheckRun
from archlint.engine.declared_input import with_declared_input
from archlint.engine.diagnosis.diagnose import diagnose
from archlint.engine.exploration import Exploration
from archlint.engine.explore import explore_model
from archlint.engine.prove import ProofAttempt, prove
from archlint.engine.sampling.cross_check import cross_check
from archlint.engine.structure.structural_verdict import with_structure
from archlint.engine.verdicts import conclude, error_verdict, verdict_without_run
from archlint.errors import ArchlintError
from archlint.models.targets import ModelSource, resolve
from archlint.runtime.deadline import TimeLimitReached, time_limit
from archlint.runtime.effort_clock import now
from archlint.runtime.frame_room import with_room
from archlint.runtime.gc_pause import gc_seldom
from archlint.runtime.process_lock import PROCESS_LOCK
from archlint.runtime.process_state import preserve_process_state

LEAST, MOST = 2.0, 5.0
"""Seconds for samples where the time was spent before the real model ran."""


def _check(run: CheckRun) -> Verdict:
    if not run.contract.needs_run:
        return with_structure(verdict_without_run(run.contract), run)
    exploration = explore_model(run)
    attempt = prove(run, exploration)
    evidence = cross_check(run, exploration, attempt)
    diagnosis = diagnose(attempt.violation, run.model) if attempt.violation else None
    verdict = conclude(run.contract, exploration, attempt, evidence, diagnosis)
    return with_artifact(with_structure(verdict, run, exploration), run)


def _in_time(contract: Contract, source: ModelSource, samples: int | None) -> Verdict:
    """The verdict. What a run made is gone when this returns: it holds no cycle of objects."""
    seconds = contract.budget.seconds
    with time_limit(seconds), preserve_process_state():
        run = CheckRun.start(contract, source, samples=samples, deadline=now() + seconds)
        return _check(run)


def _only_samples(
    contract: Contract, source: ModelSource, samples: int | None, late: str
) -> Verdict:
    """The verdict where the time was spent before the model ran: from samples alone."""
    seconds = min(max(LEAST, contract.budget.seconds / 4), MOST)
    try:
        with time_limit(seconds), preserve_process_state():
            deadline = now() + seconds
            run = CheckRun.start(contract, source, samples=samples, deadline=deadline)
            exploration = Exploration(run.question.names, run.question.box, run.question.domain)
            exploration.reasons.append(late)
            attempt = ProofAttempt(None, open=(late,))
            if contract.needs_run and not contract.structure:
                evidence = cross_check(run, exploration, attempt)
                return conclude(contract, exploration, attempt, evidence, None)
    except (TimeLimitReached, ArchlintError):
        pass
    return error_verdict(contract, late)


def check_source(contract: Contract, source: ModelSource, *, samples: int | None = None) -> Verdict:
    """The verdict on one contract for a model that is already located.

    ``samples`` overrides how often the real model runs (0: never). Time limits and errors of the
    model become an ``error`` verdict.
    """
    with PROCESS_LOCK:  # waiting for another thread's check must not use up this one's time
        start = time.monotonic()
        seconds = contract.budget.seconds
        try:
            with gc_seldom():
                verdict = with_room(_in_time, contract, source, samples)
        except TimeLimitReached as e:
            late = f"did not finish within {seconds:g} s{e}"
            verdict = _only_samples(contract, source, samples, late)
        except ArchlintError as e:
            verdict = error_verdict(contract, str(e))
        return replace(verdict, model=source.name, seconds=round(time.monotonic() - start, 3))


def check_contract(
    contract: Contract,
    ref: ModelRef,
    *,
    root: Path,
    samples: int | None = None,
    advise: Callable[[Contract, Verdict, ModelSource], Verdict] | None = None,
) -> Verdict:
    """The verdict on one contract for one model of a rule file.

    ``root`` is the project's root. ``samples`` is as in :func:`check_source`. ``advise`` may add to
    the verdict while the model can still be built. An error in the user's model becomes an
    ``error`` verdict.
    """
    start = time.monotonic()
    try:
        with resolve(ref, root) as source:
            contract = with_declared_input(with_annotations(contract, source), source)
            verdict = check_source(contract, source, samples=samples)
            if advise is not None:
                verdict = advise(contract, verdict, source)
    except ArchlintError as e:
        verdict = error_verdict(contract, str(e))
    return replace(verdict, model=ref.name, seconds=round(time.monotonic() - start, 3))
