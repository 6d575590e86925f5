"""The real model at chosen sizes: it must answer what was decided."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import torch

from archlint.contracts import output_shape as outputshape
from archlint.contracts.contract import Contract
from archlint.contracts.output_match import output_formula
from archlint.contracts.points import point_text
from archlint.contracts.verdict import Samples
from archlint.engine.explore import Exploration
from archlint.engine.prove import ProofAttempt, SizeViolation
from archlint.engine.question import Question
from archlint.engine.sampling.peak_memory import peak_memory
from archlint.engine.sampling.real_run import Outcome, run_at
from archlint.engine.sampling.sizes import choose_sizes, moduli
from archlint.errors import TargetError
from archlint.models.targets import ModelSource
from archlint.symbolic.formula import conj, holds, negate
from archlint.tracing.trace import dims_of

SAMPLES = 8  # unless the contract or the command says otherwise
_SHARE = 0.5  # of the time that is left: what sampling may take


@dataclass(frozen=True)
class Evidence:
    """What running the real model showed.

    ``violation``: the outcome at the counterexample. ``against``: a disagreement between what was
    decided and what ran: the engines must agree. ``broken``: a size, not decided before, at which
    the real model breaks the promise.
    """

    samples: Samples
    violation: Outcome | None = None
    against: str = ""
    broken: Outcome | None = None
    unable: str = ""  # why sizes could not be run


def cross_check(
    contract: Contract,
    question: Question,
    found: Exploration,
    finding: ProofAttempt,
    source: ModelSource,
    lean: torch.nn.Module,
    samples: int | None,
    deadline: float,
) -> Evidence:
    """Run the counterexample, or chosen sizes; compare each with what was decided."""
    count = samples if samples is not None else contract.samples
    count = SAMPLES if count is None else count
    if count == 0 or finding.vacuous:
        return Evidence(Samples(0))
    first = [finding.violation.point] if finding.violation else []
    sizes = first or choose_sizes(
        question.names, question.premise, question.box, _moduli(found), count
    )
    if contract.clause.kind == "only" and not first:
        outside = conj(question.domain, negate(question.premise))
        box = question.box
        sizes += choose_sizes(question.names, outside, box, _moduli(found), max(2, count // 2))
    device = _device(contract, found, lean, sizes)
    try:
        model = source.for_running(contract.mode) if device == "cpu" else lean.to("meta")
    except TargetError as e:
        return Evidence(Samples(0), unable=str(e))
    until = time.monotonic() + _SHARE * max(0.0, deadline - time.monotonic())
    ran, unable = 0, ""
    for point in sizes:
        if ran and time.monotonic() > until:
            break
        if device == "cpu" and _too_big(contract, found, point):
            unable = unable or f"{point_text(point)} needs more memory than the budget allows"
            continue
        outcome = run_at(model, contract.input, point, contract.budget.memory, device)
        if outcome.accepted is None:
            unable = unable or outcome.error
            continue
        ran += 1
        done = Samples(ran, device)
        against = _disagreement(found, outcome, device)
        if against:
            return Evidence(done, outcome if first else None, against)
        if first:
            return Evidence(done, outcome)
        unclear = finding.open or found.accepts(point) is None
        if unclear and not _kept(contract, question, outcome):
            return Evidence(done, broken=outcome)
    return Evidence(Samples(ran, device), unable=unable)


def cross_check_at(
    point: dict[str, int],
    contract: Contract,
    question: Question,
    found: Exploration,
    source: ModelSource,
    lean: torch.nn.Module,
    samples: int | None,
    deadline: float,
) -> Evidence:
    """Run the real model at a size of interest; compare it with what was decided there."""
    path = found.path_at(point) or found.paths[0]
    finding = ProofAttempt(SizeViolation(point, "structure", path, None, smallest=True))
    return cross_check(contract, question, found, finding, source, lean, samples, deadline)


def _disagreement(found: Exploration, outcome: Outcome, device: str) -> str:
    """How the run contradicts what was decided at its sizes; empty if it does not."""
    path = found.path_at(outcome.sizes)
    if path is None:
        return ""
    at = point_text(outcome.sizes)
    decided = holds(path.accepted, outcome.sizes)
    if decided and not outcome.accepted:
        where = f" at {outcome.source}" if outcome.source else ""
        return f"decided that {at} is accepted, but the model raised {outcome.error}{where}"
    if not decided and outcome.accepted:
        if device == "meta":
            return ""  # meta kernels are known to accept what the CPU refuses
        event = path.first_failed_claim(outcome.sizes)
        why = path.trace.error if event is None else event.needs()
        call = path.trace.calls[event.call] if event is not None and event.call >= 0 else None
        by = f" ({call.op} at {call.module or 'the model'})" if call else ""
        return f"decided that {at} is refused{by}: {why}; but the model accepts it"
    if decided:
        expected = outputshape.at(dims_of(path.trace.output), outcome.sizes)
        if not outputshape.fits(expected, outcome.output):
            return f"decided that {at} gives {expected}, but the model gives {outcome.output}"
    return ""


def _kept(contract: Contract, question: Question, outcome: Outcome) -> bool:
    """Whether what ran keeps the promise, by itself."""
    inside = holds(question.premise, outcome.sizes)
    if contract.clause.kind == "none" and not outcome.accepted:
        return True
    if contract.clause.kind == "rejects" or not inside:
        return not outcome.accepted
    if not outcome.accepted:
        return False
    wanted = output_formula(contract.output, outcome.output)
    return holds(wanted, outcome.sizes)


def _moduli(found: Exploration) -> dict[str, set[int]]:
    result: dict[str, set[int]] = {}
    for path in found.paths:
        for name, divisors in moduli(path.trace).items():
            result.setdefault(name, set()).update(d for d in divisors if d <= 64)
    return result


def _device(
    contract: Contract, found: Exploration, lean: torch.nn.Module, sizes: list[dict[str, int]]
) -> str:
    """CPU, unless the weights or the activations at every chosen size are beyond the budget."""
    weights = sum(p.numel() * p.element_size() for p in lean.parameters())
    if weights > contract.budget.memory:
        return "meta"
    return "meta" if sizes and all(_too_big(contract, found, s) for s in sizes) else "cpu"


def _too_big(contract: Contract, found: Exploration, point: Mapping[str, int]) -> bool:
    path = found.path_at(point)
    return path is not None and peak_memory(path.trace, point) > contract.budget.memory
