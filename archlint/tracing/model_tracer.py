"""The model under trace: lean at first, in full where the way depends on its values."""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import nn

from archlint.contracts.contract import ANY_SIZE, Contract
from archlint.contracts.plugins import register_rules
from archlint.models.signature import check_call
from archlint.models.snapshot import Snapshot
from archlint.models.targets import ModelSource
from archlint.runtime.gc_pause import gc_paused
from archlint.symbolic.formula import Bool
from archlint.symbolic.intervals import Box
from archlint.tracing.path import TracedPath
from archlint.tracing.python.builtins import Retrace, asking_module, shadowed
from archlint.tracing.trace import Trace, dims_of
from archlint.tracing.tracer import trace

WAYS = 16
"""Between how many ways at the same sizes values may decide."""

APART = 8
"""After how many traces the ways through a module are joined (:mod:`.module_merge`)."""

Answers = tuple[bool, ...]
_NOT_PLAIN = re.compile(r"TypeError: .*SymBool|unhashable type: .*SymInt")


class ModelTracer:
    """Traces one model for one contract; every trace starts from the model as it was built."""

    def __init__(self, contract: Contract, source: ModelSource, rules: bool = True) -> None:
        register_rules()
        self.contract = contract
        self.source = source
        self.rules = rules
        with gc_paused():
            self.model = source.for_tracing(contract.mode)
        self._real: nn.Module | None = None
        self._as_built: dict[nn.Module, Snapshot] = {}
        self._same: set[str] = set()  # endings that the real weights do not change
        self._eager = False
        self._given: Bool = True
        self.traces = 0
        self._again: list[str] = []  # modules that are to be shadowed, as the running trace found
        self.shadowed: list[str] = []  # modules in whose calls of int, float, … sizes are kept

    def trace(
        self, sizes: Mapping[str, int], box: Box, given: Bool = True, symbolic: bool = True
    ) -> Trace:
        """The path that these sizes take; where values decide the way, every way there is.

        ``box`` and ``given`` hold of all sizes that the caller is interested in: what they settle
        is no question, and what comes of it is said of these sizes only.

        A path that ends in an exception of user code is walked again with plain numbers, where it
        must end in the same kind of exception at the same line, and one that a lean model could
        not finish is walked again with the real weights: what comes of symbolic sizes or of
        missing values is not the model's doing.
        """
        self._given = given
        first = self._way(sizes, box, symbolic, ())
        found, todo = [first], _turns(first, ())
        while todo:
            if len(found) == WAYS:
                first.outcome = "unknown"
                first.error = f"values decide between more than {WAYS} ways"
                return first
            answers = todo.pop()
            found.append(self._way(sizes, box, symbolic, answers))
            todo += _turns(found[-1], answers)
        accepted = [t for t in found if t.outcome == "accepted"]
        main = max(accepted, key=_left_open, default=first)
        main.others = tuple(t for t in found if t is not main)
        return main

    def _way(self, sizes: Mapping[str, int], box: Box, symbolic: bool, answers: Answers) -> Trace:
        result = self._once(sizes, box, symbolic, answers)
        if result.outcome in ("raised", "unknown") and self.model is not self._real:
            result = self._with_weights(result, sizes, box, symbolic, answers)
        if result.outcome == "raised" and symbolic:
            plain = self._once(sizes, box, False, answers)
            if plain.outcome == "unknown" and self.model is not self._real:
                plain = self._with_weights(plain, sizes, box, False, answers)
            if plain.outcome not in ("raised", "refused"):
                result.outcome = "unknown"
                result.error = f"with plain numbers the model does not raise {result.error}"
            elif (plain.kind, plain.source) != (result.kind, result.source):
                other = f"{plain.error} ({plain.source})" if plain.source else plain.error
                result.outcome = "unknown"
                result.error = f"with plain numbers the model raises {other}, not {result.error}"
        return result

    def _with_weights(
        self, lean: Trace, sizes: Mapping[str, int], box: Box, symbolic: bool, answers: Answers
    ) -> Trace:
        if lean.error in self._same:
            return lean
        if self._real is None:
            self._real = self.source.for_running(self.contract.mode)
        before, self.model = self.model, self._real
        full = self._once(sizes, box, symbolic, answers)
        if (full.outcome, full.error) != (lean.outcome, lean.error):
            return full
        self.model = before
        self._same.add(lean.error)
        return lean

    def _once(self, sizes: Mapping[str, int], box: Box, symbolic: bool, answers: Answers) -> Trace:
        result = self._walk(sizes, box, symbolic, answers)
        if result.outcome == "raised" and not self._eager and _NOT_PLAIN.search(result.error):
            self._eager = True
            result = self._walk(sizes, box, symbolic, answers)
        return result

    def _walk(self, sizes: Mapping[str, int], box: Box, symbolic: bool, answers: Answers) -> Trace:
        snapshot = self._as_built.get(self.model)
        if snapshot is None:
            check_call(self.model, self.contract.input)
            with gc_paused():
                snapshot = self._as_built[self.model] = Snapshot(self.model)
        input, rules = self.contract.input, self.rules
        while True:
            path = TracedPath(sizes, box, eager=self._eager, answers=answers)
            path.suppose(self._given)
            path.on_ask = self._asked
            path.model_caller = trace.__code__
            self._again.clear()
            result: Trace | None = None
            try:
                with shadowed(self.shadowed):
                    self.traces += 1
                    joins = self.traces > APART
                    result = trace(
                        self.model, input, sizes, box,
                        symbolic=symbolic, rules=rules, path=path, joins=joins,
                    )  # fmt: skip
            except Retrace:
                pass
            finally:
                snapshot.restore()
            if self._again:  # also where the model's own ``except:`` swallowed it
                self.shadowed += self._again[:1]
            elif result is not None:
                return result

    def _asked(self) -> None:
        module = asking_module()
        if module is not None and module not in self.shadowed:
            self._again.append(module)
            raise Retrace(module)


def _left_open(trace: Trace) -> int:
    """How many sizes of the output values decide."""
    return str(dims_of(trace.output)).count(str(ANY_SIZE))


def _turns(trace: Trace, answers: Answers) -> list[Answers]:
    """The ways that part from this one behind its given ``answers``."""
    taken = tuple(trace.path.answered)
    return [(*taken[:i], not taken[i]) for i in range(len(answers), len(taken))]
