"""Advice on a broken contract: the layers to blame, what the model accepts, and what lifts it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from archlint.contracts.contract import Contract, ModelRef
from archlint.contracts.verdict import Verdict
from archlint.engine import pipeline
from archlint.engine.describe.describe import describe
from archlint.engine.explore import Exploration
from archlint.errors import ArchlintError
from archlint.explanation.blame import blame_lines
from archlint.explanation.fixes import accepted_of_all, broken_contract, fixes, violation_of
from archlint.models.targets import ModelSource
from archlint.runtime.deadline import TimeLimitReached, time_limit
from archlint.runtime.process_lock import PROCESS_LOCK
from archlint.runtime.process_state import preserve_process_state

SECONDS = 30.0  # for the advice, and never more than the contract's budget has left
LONGEST = 240  # characters of a set that a person wants to read
MOST = 3  # fixes


def check_contract(
    contract: Contract, ref: ModelRef, *, root: Path, samples: int | None = None
) -> Verdict:
    """As :func:`archlint.engine.pipeline.check_contract`; a broken contract comes with advice."""

    def then(verdict: Verdict, source: ModelSource) -> Verdict:
        return advised(verdict, contract, source, samples=samples, ref=ref, root=root)

    return pipeline.check_contract(contract, ref, root=root, samples=samples, then=then)


def check_source(contract: Contract, source: ModelSource, *, samples: int | None = None) -> Verdict:
    """As :func:`archlint.engine.pipeline.check_source`; a broken contract comes with advice."""
    with PROCESS_LOCK:
        verdict = pipeline.check_source(contract, source, samples=samples)
        return advised(verdict, contract, source, samples=samples)


def advised(
    verdict: Verdict,
    contract: Contract,
    source: ModelSource,
    *,
    samples: int | None = None,
    ref: ModelRef | None = None,
    root: Path | None = None,
) -> Verdict:
    """The verdict with what is known beyond it, if it is ``broken``.

    Fixes are run before they are shown, so there are none where nothing may run (``samples=0``).
    """
    if verdict.word != "broken":
        return verdict
    details = dict(verdict.details)
    seconds = min(SECONDS, contract.budget.seconds - verdict.seconds)
    until = time.monotonic() + seconds
    runs = (contract.samples if samples is None else samples) != 0
    try:
        with time_limit(max(seconds, 0.0)), preserve_process_state():
            for label, text in _advice(contract, source, until, ref, root, runs):
                if text:
                    details[label] = text
    except (ArchlintError, TimeLimitReached):
        pass  # the verdict stands; what was found until then is said
    return replace(verdict, details=details)


def _advice(
    contract: Contract,
    source: ModelSource,
    until: float,
    ref: ModelRef | None,
    root: Path | None,
    runs: bool,
) -> Iterator[tuple[str, str]]:
    violation = violation_of(contract, source, until)
    if violation is None or violation.expected == "output":
        return
    if violation.expected == "refused":
        yield "accepts", _words(accepted_of_all(contract, source, until), until)
        return
    broken = broken_contract(contract, source, violation, until)
    yield "blame", "\n".join(blame_lines(broken.blame))
    yield "accepts", _words(broken.found, until)
    if runs:
        found = fixes(broken, ref=ref, root=root, until=until)
        yield "fix", "\n".join(f.summary() for f in found[:MOST])


def _words(found: Exploration, until: float) -> str:
    """What the model accepts, whatever was promised."""
    said = describe(found.names, found.box, found.accepted, solver_deadline=until)
    exact = found.covered and said.exact
    if len(said.text) > LONGEST or (said.text == "no size" and not exact):
        return ""
    return f"{said.text}   ({'exact' if exact else 'this much is proved'})"
