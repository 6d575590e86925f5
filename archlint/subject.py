"""The model under trace: lean at first, in full where the way depends on its values."""

from __future__ import annotations

from collections.abc import Mapping

from torch import nn

from archlint.bounds import Box
from archlint.contract import Contract
from archlint.model.keep import Snapshot
from archlint.model.resolve import ModelSource
from archlint.trace.tracer import Trace, trace


class Subject:
    """Traces one model for one contract; every trace starts from the model as it was built."""

    def __init__(self, contract: Contract, source: ModelSource, rules: bool = True) -> None:
        self.contract = contract
        self.source = source
        self.rules = rules
        self.model = source.for_tracing(contract.mode)
        self._real: nn.Module | None = None
        self._as_built: dict[nn.Module, Snapshot] = {}
        self._same: set[str] = set()  # endings that the real weights do not change

    def trace(self, sizes: Mapping[str, int], box: Box, symbolic: bool = True) -> Trace:
        """The path that these sizes take.

        A path that ends in an exception of user code is walked again with plain numbers, and one
        that a lean model could not finish is walked again with the real weights: what comes of
        symbolic sizes or of missing values is not the model's doing.
        """
        result = self._once(sizes, box, symbolic)
        if result.outcome in ("raised", "unknown") and self.model is not self._real:
            result = self._with_weights(result, sizes, box, symbolic)
        if result.outcome == "raised" and symbolic:
            plain = self._once(sizes, box, symbolic=False)
            if plain.outcome == "accepted":
                result.outcome = "unknown"
                result.error = f"with plain numbers the model does not raise {result.error}"
        return result

    def _with_weights(
        self, lean: Trace, sizes: Mapping[str, int], box: Box, symbolic: bool
    ) -> Trace:
        if lean.error in self._same:
            return lean
        if self._real is None:
            self._real = self.source.for_running(self.contract.mode)
        before, self.model = self.model, self._real
        full = self._once(sizes, box, symbolic)
        if (full.outcome, full.error) != (lean.outcome, lean.error):
            return full
        self.model = before
        self._same.add(lean.error)
        return lean

    def _once(self, sizes: Mapping[str, int], box: Box, symbolic: bool) -> Trace:
        snapshot = self._as_built.get(self.model)
        if snapshot is None:
            snapshot = self._as_built[self.model] = Snapshot(self.model)
        try:
            input = self.contract.input
            return trace(self.model, input, sizes, box, symbolic=symbolic, rules=self.rules)
        finally:
            snapshot.restore()
