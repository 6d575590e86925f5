"""How much work and memory a run of the real model takes, known before it runs."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

from archlint.engine.cost.amount import Amount
from archlint.engine.cost.flops import flops
from archlint.engine.exploration import Exploration, ExploredPath
from archlint.engine.sampling.peak_memory import PathMemory
from archlint.symbolic import Size
from archlint.symbolic.quantify_unknowns import upper_bound
from archlint.tracing.fx_graph import tensors

BUDGET = 125_000_000  # operations of a run, on average: about a hundredth of a second
_SHARE = 0.6  # of the runs: those that are affordable at the first size, whatever they cost
MEMORY = 64 << 20  # bytes of activations in one run
_PER_ELEMENT = 16  # operations in whose time an element is read and written
_PER_CALL = 400_000  # operations in whose time PyTorch is called, with the modules around
_UNEXPLORED = 64  # times the elements of the first size, where no formula is known


class WorkBudget:
    """Admits sizes as long as the runs stay cheap; the first is always admitted.

    Where a model is expensive at every size, the budget is that of ``_SHARE * count`` runs at the
    first size, and the memory twice what that takes.
    """

    def __init__(self, exploration: Exploration, count: int, memory: PathMemory) -> None:
        self._exploration = exploration
        self._needed = memory.at
        self._count = count
        self._amounts: dict[ExploredPath, Amount] = {}
        self._first: Mapping[str, int] | None = None
        self._left = float(BUDGET * count)
        self._memory = MEMORY

    def admits(self, point: Mapping[str, int]) -> bool:
        """Whether the model may run at these sizes too; then their work is taken off the budget."""
        path = self._exploration.path_at(point)
        if self._first is None:
            self._first = point
            if path is not None:
                work = self._work(path, point)
                self._left = self._count * max(BUDGET, _SHARE * work) - work
                self._memory = max(MEMORY, 2 * (self._needed(point) or 0))
            return True
        if path is None:
            return prod(point.values()) <= _UNEXPLORED * max(1, prod(self._first.values()))
        work = self._work(path, point)
        if work > self._left or (self._needed(point) or 0) > self._memory:
            return False
        self._left -= work
        return True

    def _work(self, path: ExploredPath, point: Mapping[str, int]) -> int:
        amount = self._amounts.get(path)
        if amount is None:
            amount = self._amounts[path] = _amount(path)
        try:
            return amount.at(point)
        except ZeroDivisionError:  # these sizes are refused before all of it is done
            return 0


def _amount(path: ExploredPath) -> Amount:
    """What a path costs: floating-point operations, calls, and elements written.

    The latter two without branches.
    """
    trace = path.trace
    elements: Size = 0
    for index, call in enumerate(trace.calls):
        for tensor in tensors(call.result):
            if tensor.made_by == index:
                elements = elements + upper_bound(tensor.spec.numel())
    return flops(trace).total + Amount(elements * _PER_ELEMENT + len(trace.calls) * _PER_CALL)
