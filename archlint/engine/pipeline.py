"""The spine: how a contract becomes a verdict. Read this first.

contract ─ Question.of ─► which sizes must be decided
target ─── resolve ─────► a model
           explore ─────► its acceptance: traces on symbolic sizes until all are covered
           judge ───────► does the promise hold; the smallest size where it does not
           confirm ─────► the real model at chosen sizes; it must agree
           diagnose ────► the layer to blame, in words
           conclude ────► the verdict
           with_structure what the contract says of the layers, joined to it

For a broken contract :mod:`.advice` then adds what would lift it; it stands above, because
each fix is a contract that is decided here.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from archlint.contracts.contract import Contract, ModelRef
from archlint.contracts.verdict import Verdict
from archlint.engine.diagnosis.diagnose import diagnose
from archlint.engine.explore import Exploration, explore
from archlint.engine.prove import prove
from archlint.engine.question import Question
from archlint.engine.sampling.cross_check import cross_check, cross_check_at
from archlint.engine.structure.model_view import ModelView
from archlint.engine.structure.structural_verdict import with_structure
from archlint.engine.verdicts import conclude, error_verdict, verdict_without_run
from archlint.errors import ArchlintError
from archlint.models.targets import ModelSource, resolve
from archlint.runtime.deadline import TimeLimitReached, time_limit
from archlint.runtime.process_lock import PROCESS_LOCK
from archlint.runtime.process_state import preserve_process_state
from archlint.tracing.model_tracer import ModelTracer


def check_contract(
    contract: Contract,
    ref: ModelRef,
    *,
    root: Path,
    samples: int | None = None,
    then: Callable[[Verdict, ModelSource], Verdict] | None = None,
) -> Verdict:
    """The verdict on one contract for one model of a rule file.

    ``root`` is the project's root; ``samples`` overrides how often the real model runs (0: never);
    ``then`` may add to the verdict while the model can still be made. Whatever goes wrong with the
    user's model becomes an ``error`` verdict.
    """
    start = time.monotonic()
    try:
        with resolve(ref, root) as source:
            verdict = check_source(contract, source, samples=samples)
            if then is not None:
                verdict = then(verdict, source)
    except ArchlintError as e:
        verdict = error_verdict(contract, str(e))
    return replace(verdict, model=ref.name, seconds=round(time.monotonic() - start, 3))


def check_source(contract: Contract, source: ModelSource, *, samples: int | None = None) -> Verdict:
    """The verdict on one contract for a model that is already found."""
    with PROCESS_LOCK:  # waiting for another thread's check must not use up this one's time
        start = time.monotonic()
        deadline = start + contract.budget.seconds
        try:
            with time_limit(contract.budget.seconds), preserve_process_state():
                verdict = _decide(contract, source, samples, deadline)
        except TimeLimitReached as e:
            late = f"did not finish within {contract.budget.seconds:g} s{e}"
            verdict = error_verdict(contract, late)
        except ArchlintError as e:
            verdict = error_verdict(contract, str(e))
        return replace(verdict, model=source.name, seconds=round(time.monotonic() - start, 3))


def _decide(
    contract: Contract, source: ModelSource, samples: int | None, deadline: float
) -> Verdict:
    question = Question.of(contract)
    subject = ModelTracer(contract, source)
    if not contract.needs_run:
        return with_structure(verdict_without_run(contract), contract, ModelView(subject))
    acceptance = accepted_sizes(subject, question, deadline)
    finding = prove(contract, question, acceptance, deadline)
    model = subject.model
    evidence = cross_check(
        contract, question, acceptance, finding, source, model, samples, deadline
    )
    diagnosis = diagnose(finding.violation, model) if finding.violation else None
    verdict = conclude(contract, acceptance, finding, evidence, diagnosis)
    seen = ModelView(subject, acceptance, deadline)
    at = (contract, question, acceptance, source, model, samples, deadline)
    return with_structure(verdict, contract, seen, lambda point: cross_check_at(point, *at))


def accepted_sizes(subject: ModelTracer, question: Question, deadline: float) -> Exploration:
    """What the model accepts of the question's domain, as exactly as the budget allows."""
    return explore(
        partial(subject.trace, box=question.box, given=question.domain),
        question.names,
        question.box,
        question.domain,
        paths=subject.contract.budget.paths,
        deadline=deadline,
    )
