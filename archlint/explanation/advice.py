"""Advice on a broken contract: the layers that cause it, what the model accepts, and fixes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from archlint.contracts.contract import Contract, ModelRef
from archlint.contracts.verdict import Verdict
from archlint.engine import pipeline
from archlint.engine.check_run import CheckRun
from archlint.engine.describe.describe import describe
from archlint.engine.exploration import Exploration
from archlint.errors import ArchlintError
from archlint.explanation.blame import blame_lines
from archlint.explanation.declared_box import box_text
from archlint.explanation.fixes.broken_contract import (
    accepted_sizes,
    broken_contract,
    output_known,
    violation_of,
)
from archlint.explanation.fixes.find_fixes import find_fixes
from archlint.models.targets import ModelSource
from archlint.runtime.deadline import TimeLimitReached, time_limit
from archlint.runtime.effort_clock import now
from archlint.runtime.process_lock import PROCESS_LOCK
from archlint.runtime.process_state import preserve_process_state
from archlint.runtime.user_frames import described
from archlint.symbolic.formula import Bool

SECONDS = 30.0  # for the advice, and never more than the contract's budget has left
LONGEST = 240  # characters of the description of a set
MOST = 3  # fixes


def check_contract(
    contract: Contract, ref: ModelRef, *, root: Path, samples: int | None = None
) -> Verdict:
    """As :func:`archlint.engine.pipeline.check_contract`; a broken contract comes with advice."""

    def advise(contract: Contract, verdict: Verdict, source: ModelSource) -> Verdict:
        return with_advice(verdict, contract, source, samples=samples, ref=ref, root=root)

    return pipeline.check_contract(contract, ref, root=root, samples=samples, advise=advise)


def check_source(contract: Contract, source: ModelSource, *, samples: int | None = None) -> Verdict:
    """As :func:`archlint.engine.pipeline.check_source`; a broken contract comes with advice."""
    with PROCESS_LOCK:
        verdict = pipeline.check_source(contract, source, samples=samples)
        return with_advice(verdict, contract, source, samples=samples)


def with_advice(
    verdict: Verdict,
    contract: Contract,
    source: ModelSource,
    *,
    samples: int | None = None,
    ref: ModelRef | None = None,
    root: Path | None = None,
) -> Verdict:
    """The verdict with advice, if it is ``broken``.

    Fixes are run before they are shown, so there are none where nothing may run (``samples=0``).
    ``ref`` and ``root`` are needed for fixes that build the model with other arguments.
    """
    if verdict.word != "broken":
        return verdict
    details = dict(verdict.details)
    seconds = max(0.0, min(SECONDS, contract.budget.seconds - verdict.seconds))
    deadline = now() + seconds
    try:
        with time_limit(seconds), preserve_process_state():
            run = CheckRun.start(contract, source, samples=samples, deadline=deadline)
            for label, text in _advice(run, ref, root):
                if text:
                    details[label] = text
    except TimeLimitReached:
        details["advice"] = (
            f"incomplete: the search for advice reached its time limit of {seconds:.3g} s"
        )
    except ArchlintError:
        pass  # the verdict stands, with the advice so far
    except Exception as e:  # a bug of ours: it must not hide the verdict either
        details["advice"] = f"internal error in archlint: {described(e)}; please report it"
    return replace(verdict, details=details)


def _advice(run: CheckRun, ref: ModelRef | None, root: Path | None) -> Iterator[tuple[str, str]]:
    """Advice as label and text, the cheapest first."""
    violation = violation_of(run)
    if violation is None or violation.expected == "structure":
        return
    if violation.expected == "refused":
        yield "accepts", _accepted_text(accepted_sizes(run), run.deadline)
        return
    broken = broken_contract(run, violation)
    yield "blame", "\n".join(blame_lines(broken.blame))
    if violation.expected == "output":
        known = broken.exploration.covered and output_known(broken.exploration, run.contract)
        yield "holds at", _set_text(broken.exploration, broken.holding, known, run.deadline)
    else:
        yield "accepts", _accepted_text(broken.exploration, run.deadline)
    if run.contract.clause.declared:
        yield "good box", box_text(run, broken.exploration)
    if run.samples:
        search = find_fixes(broken, ref=ref, root=root)
        yield "fix", "\n".join(f.summary() for f in search.fixes[:MOST])
        untried = ", ".join(search.unfinished)
        yield "not tried", untried and f"{untried}   (no time left; archlint fix has more)"


def _accepted_text(exploration: Exploration, deadline: float) -> str:
    """What the model accepts, whatever the contract is; empty if that is too long or unknown."""
    return _set_text(exploration, exploration.accepted, exploration.covered, deadline)


def _set_text(exploration: Exploration, accepted: Bool, known: bool, deadline: float) -> str:
    """A set of explored sizes in words; empty if they are too many, or unknown.

    ``known``: whether all other sizes are known not to be in the set.
    """
    names = exploration.names
    words = describe(names, exploration.box, accepted, solver_deadline=deadline)
    exact = known and words.exact
    if len(words.text) > LONGEST or (words.text == "no size" and not exact):
        return ""
    return f"{words.text}   ({'exact' if exact else 'proved; other sizes are unknown'})"
