"""Runs a real model around the borders of what was inferred, and compares."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field

from torch import nn

import archlint
from archlint.contracts.output_shape import fits
from archlint.engine.sampling.peak_memory import PeakMemory
from archlint.engine.sampling.real_run import Outcome, run_at
from archlint.engine.sampling.sizes import choose_sizes, small_moduli
from archlint.symbolic.formula import conj, negate

MEMORY = 2 << 30  # bytes of activations of a run


@dataclass
class Comparison:
    """How often the real model ran, and how the inferred answer was wrong there."""

    ran: int = 0
    known: int = 0  # of those that ran: the inferred answer is no "not known"
    accepted: int = 0  # of those that ran
    wrong: list[str] = field(default_factory=list)


def compared(
    found: archlint.Acceptance, model: nn.Module, sizes: list[dict[str, int]], seconds: float
) -> Comparison:
    """Run ``model`` at ``sizes``, at least at one, until ``seconds`` of processor time are over."""
    result = Comparison()
    start = time.process_time()
    model.eval()  # which may return nothing
    for point in sizes:
        if result.ran and time.process_time() - start > seconds:
            break
        path = found.explored.path_at(point)
        if path is not None and PeakMemory(path.trace).at(point) > MEMORY:
            continue
        outcome = run_at(model, found.input, point, MEMORY)
        if outcome.accepted is None:
            continue
        result.ran += 1
        result.accepted += outcome.accepted
        result.known += found.accepts(**point) is not None
        if wrong := contradiction(found, outcome):
            result.wrong.append(wrong)
    return result


def contradiction(found: archlint.Acceptance, outcome: Outcome) -> str:
    """How the outcome contradicts what was inferred; empty if it does not."""
    point = outcome.sizes
    inferred = found.accepts(**point)
    if inferred is None:
        return ""
    if inferred != outcome.accepted:
        return f"{point}: inferred {inferred}; {outcome.error or 'ran'}"
    if inferred and not fits(found.output(**point), outcome.output):
        return f"{point}: inferred {found.output(**point)}; is {outcome.output}"
    return ""


def border_sizes(found: archlint.Acceptance, count: int) -> list[dict[str, int]]:
    """About ``count`` sizes on both sides of the borders: numbers of the words, and residues."""
    explored = found.explored
    base = found.minimum() or dict.fromkeys(explored.names, 32)
    numbers = {int(n) for n in re.findall(r"\d+", found.text)} | set(base.values())
    near = sorted({n + d for n in numbers for d in (-1, 0, 1) if 0 < n + d < 2000})
    chosen = [base]
    for name in explored.names:
        # The batch is as small as it can be, unless something depends on it: runs are slow.
        values = near if name != "N" or "N" in found.text else (2, 3)
        chosen += [{**base, name: value} for value in values]
    divisors = small_moduli(explored)
    sides = (explored.accepted, conj(explored.region, negate(explored.accepted)))
    random = [
        choose_sizes(explored.names, side, explored.box, divisors, max(2, count // 4))
        for side in sides
    ]
    # Alternating, so that a run that stops early has seen both sides and the borders.
    unique = list({tuple(p.items()): p for p in chosen}.values())
    step = max(1, len(unique) // count)
    borders = unique[:: step if len(unique) > count else 1]
    queues = [borders, *random]
    mixed = [q[i] for i in range(max(map(len, queues))) for q in queues if i < len(q)]
    return list({tuple(p.items()): p for p in mixed}.values())[: count + count // 2]
