"""The real model at chosen sizes: its answers must agree with the proof."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import torch
from torch import nn

from archlint.contracts.output_match import output_formula
from archlint.contracts.output_shape import at as shape_at
from archlint.contracts.output_shape import fits
from archlint.contracts.size_text import size_text
from archlint.contracts.verdict import Samples
from archlint.engine.check_run import SAMPLES, CheckRun
from archlint.engine.exploration import Exploration
from archlint.engine.prove import ProofAttempt, SizeViolation
from archlint.engine.sampling.input_values import values_of_round
from archlint.engine.sampling.peak_memory import PathMemory
from archlint.engine.sampling.real_run import Outcome, run_at
from archlint.engine.sampling.sizes import choose_sizes, largest_corner, small_moduli
from archlint.engine.sampling.work import WorkBudget
from archlint.errors import TargetError
from archlint.models.snapshot import Snapshot
from archlint.runtime.effort_clock import now, passed
from archlint.symbolic.formula import Bool, conj, holds, negate
from archlint.symbolic.solver.enumerate import smallest_by_enumeration
from archlint.symbolic.solver.solver import Solver, Unsolved
from archlint.tracing.trace import dims_of

DRAWS = 8  # times that each size runs, with other values each time, where values may decide
_SHARE = 0.5  # of the time left: what sampling may take
_ENOUGH = 10.0  # seconds after which no further size runs where each is proved
_SINGULAR = torch.linalg.LinAlgError.__name__  # type: ignore[attr-defined]
_SECONDS = 2.0  # for the search of the smallest sizes of which nothing is proved


@dataclass(frozen=True)
class Evidence:
    """What running the real model showed.

    ``violation``: the outcome at the counterexample. ``disagreement``: how the real model
    contradicts the proof. ``broken``: the outcome at a size that was not proved, where the real
    model violates the contract; ``expected`` is what the contract requires there, as in
    :class:`~archlint.engine.prove.SizeViolation`. ``unable``: why sizes could not be run.
    ``left_out``: the largest sizes of the contract, if the model did not run there.
    """

    samples: Samples
    violation: Outcome | None = None
    disagreement: str = ""
    broken: Outcome | None = None
    expected: str = ""
    unable: str = ""
    left_out: Mapping[str, int] | None = None


def cross_check(run: CheckRun, exploration: Exploration, attempt: ProofAttempt) -> Evidence:
    """Run the counterexample, or chosen sizes; compare each outcome with the exploration.

    Where every size is proved and no number of samples is stated, an expensive model runs at one
    size at least, and at no further one after ten seconds.
    """
    if run.samples == 0 or attempt.vacuous:
        return Evidence(Samples(0))
    contract, memory = run.contract, PathMemory(exploration)
    sizes = [attempt.violation.point] if attempt.violation else _chosen(run, exploration, memory)
    if not sizes:
        return Evidence(Samples(0), unable="the search for a size of the contract took too long")
    device = _device(run, memory, sizes)
    valued = _depends_on_values(exploration)
    quickly = not (attempt.violation or valued or run.tracer.has_values)
    try:
        model, built = _model(run, device, quickly)
    except TargetError as e:
        return Evidence(Samples(0), unable=str(e))
    seconds = _SHARE * run.seconds_left
    by_default = contract.samples is None and run.samples == SAMPLES
    if by_default and exploration.covered and not (valued or attempt.open):
        seconds = min(seconds, _ENOUGH)
    stop = now() + seconds
    count, unable = 0, ""
    rounds = DRAWS if not attempt.violation and valued else 1
    for seed, (number, point) in enumerate(product(range(rounds), sizes)):
        if count and passed(stop):
            break
        if seed >= len(sizes) and unable:
            break
        if device == "cpu" and _too_big(run, memory, point):
            unable = unable or f"{size_text(point)} needs more memory than the budget allows"
            continue
        limit, values = contract.budget.memory, values_of_round(number)
        outcome = run_at(model, contract.input, point, limit, device, seed, values, built)
        if quickly and _surprising(exploration, outcome, device):
            quickly = False  # the values of weights may matter
            model, built = _model(run, device)
            outcome = run_at(model, contract.input, point, limit, device, seed, values, built)
        if outcome.accepted is None:
            unable = unable or outcome.error
            continue
        count += 1
        done = Samples(count, device)
        singular = is_singular(outcome)
        disagreement = "" if singular else _disagreement(exploration, outcome, device)
        if disagreement:
            return Evidence(done, None, disagreement)
        if attempt.violation:
            return Evidence(done, outcome)
        unproved = attempt.open or singular or exploration.accepts(point) is None
        expected = _violated(run, outcome) if unproved else ""
        if expected:
            return Evidence(done, broken=outcome, expected=expected)
    left_out = _left_out(run, sizes)
    return Evidence(Samples(count, device), unable=unable, left_out=left_out)


def _model(run: CheckRun, device: str, quickly: bool = False) -> tuple[nn.Module, Snapshot]:
    """The model that runs, and its state; ``quickly``: as in :meth:`ModelSource.for_running`."""
    if device != "cpu":
        model = run.model.to("meta")
        return model, Snapshot(model)
    model = run.source.for_running(run.contract.mode, quickly)
    built = Snapshot(model)
    if quickly and any(t.is_meta for t in built.tensors()):  # where weights are not looked for
        return _model(run, device)
    return model, built


def cross_check_at(point: dict[str, int], run: CheckRun, exploration: Exploration) -> Evidence:
    """Run the real model at one size; compare the outcome with the exploration."""
    path = exploration.path_at(point) or exploration.paths[0]
    violation = SizeViolation(point, "structure", path, None, smallest=True)
    return cross_check(run, exploration, ProofAttempt(violation))


def _chosen(run: CheckRun, exploration: Exploration, memory: PathMemory) -> list[dict[str, int]]:
    """Sizes of the premise, first those of which nothing is proved; for ``only`` others too."""
    question, divisors = run.question, small_moduli(exploration)
    names, box, premise = question.names, question.box, question.premise

    def choose(
        region: Bool, count: int, first: Sequence[Mapping[str, int]] = ()
    ) -> list[dict[str, int]]:
        admits = WorkBudget(exploration, count, memory).admits
        return choose_sizes(names, region, box, divisors, count, points=first, admits=admits)

    sizes: list[dict[str, int]] = []
    if not exploration.covered:
        doubtful = conj(premise, negate(exploration.known))
        edges = _edges(run, doubtful)
        sizes = choose(doubtful, -(-run.samples // 2), edges) if edges else []
    sizes = choose(premise, run.samples, sizes) or choose(
        premise, run.samples, _edges(run, premise)
    )
    if run.contract.clause.kind == "only":
        outside = conj(question.domain, negate(premise))
        sizes += choose(outside, max(2, run.samples // 2))
    return sizes


def _left_out(run: CheckRun, sizes: list[dict[str, int]]) -> dict[str, int] | None:
    """The largest sizes of the premise, if they are bounded and not among those that ran."""
    question = run.question
    corner = largest_corner(question.names, question.box)
    if not corner or corner in sizes or not holds(question.premise, corner):
        return None
    return corner


def _edges(run: CheckRun, doubtful: Bool) -> list[dict[str, int]]:
    """The smallest sizes of a set, and those with each bounded size at its largest."""
    names, box = run.question.names, run.question.box
    if doubtful is True:
        smallest = {s: box.ranges.get(s, (1, None))[0] for s in names}
        first = {s: 1 if low is None else low for s, low in smallest.items()}
    else:
        solver = Solver(names, box, now() + _SECONDS)
        try:
            found = smallest_by_enumeration(names, box, doubtful) or solver.smallest(doubtful)
        except Unsolved:
            return []
        if found is None:
            return []
        first = found
    highs = {s: box.ranges.get(s, (1, None))[1] for s in names}
    corners = ({**first, s: h} for s, h in highs.items() if h is not None)
    return [first, *corners]


def _depends_on_values(exploration: Exploration) -> bool:
    """Whether values of tensors or random numbers may decide what the model does."""
    traces = [t for w in exploration.paths for t in (w.trace, *w.trace.others)]
    return not exploration.covered and any(
        t.outcome == "unknown" or t.path.caveats or t.path.choices or t.path.unknowns
        for t in traces
    )


def _surprising(exploration: Exploration, outcome: Outcome, device: str) -> bool:
    """Whether the outcome is not the proved one, or the machine prevented it."""
    unknown = exploration.path_at(outcome.sizes) is None and not outcome.accepted
    return unknown or outcome.accepted is None or bool(_disagreement(exploration, outcome, device))


def is_singular(outcome: Outcome) -> bool:
    """Whether a matrix could not be inverted or factored: its values decide that, not its sizes."""
    return not outcome.accepted and outcome.error.startswith(_SINGULAR)


def _disagreement(exploration: Exploration, outcome: Outcome, device: str) -> str:
    """How the outcome contradicts the exploration; empty if it does not."""
    path = exploration.path_at(outcome.sizes)
    if path is None:
        return ""
    at = size_text(outcome.sizes)
    accepted = holds(path.accepted, outcome.sizes)
    if accepted and not outcome.accepted:
        where = f" at {outcome.source}" if outcome.source else ""
        return f"proved that {at} is accepted, but the model raised {outcome.error}{where}"
    if not accepted and outcome.accepted:
        if device == "meta":
            return ""  # meta kernels are known to accept what the CPU refuses
        event = path.first_failed_claim(outcome.sizes)
        why = path.trace.error if event is None else event.needs()
        call = path.trace.calls[event.call] if event is not None and event.call >= 0 else None
        layer = f" by {call.op} in {call.module or 'the model'}" if call else ""
        return f"proved that {at} is refused{layer} ({why}), but the model accepts it"
    if accepted:
        expected = shape_at(dims_of(path.trace.output), outcome.sizes)
        if not fits(expected, outcome.output):
            return f"proved that {at} gives {expected}, but the model gives {outcome.output}"
    return ""


def _violated(run: CheckRun, outcome: Outcome) -> str:
    """What the contract requires at the outcome's sizes, where it does not hold; else empty."""
    contract = run.contract
    inside = holds(run.question.premise, outcome.sizes)
    if contract.clause.kind == "none" and not outcome.accepted:
        return ""
    if contract.clause.kind == "rejects" or not inside:
        return "refused" if outcome.accepted else ""
    if not outcome.accepted:
        return "accepted"
    right = holds(output_formula(contract.output, outcome.output), outcome.sizes)
    return "" if right else "output"


def _device(run: CheckRun, memory: PathMemory, sizes: list[dict[str, int]]) -> str:
    """CPU, unless the weights or the activations at every chosen size exceed the budget."""
    if run.weight_bytes > run.contract.budget.memory:
        return "meta"
    return "meta" if sizes and all(_too_big(run, memory, s) for s in sizes) else "cpu"


def _too_big(run: CheckRun, memory: PathMemory, point: Mapping[str, int]) -> bool:
    needed = memory.at(point)
    return needed is not None and needed > run.contract.budget.memory
