"""Traces of one model for one contract: without weights first, with weights where needed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from typing import NamedTuple

from torch import nn

from archlint.contracts.contract import ANY_SIZE, Contract
from archlint.contracts.plugins import register_rules
from archlint.models.copy_state import CopyState
from archlint.models.model_code import ModelCode
from archlint.models.shared_empties import Written
from archlint.models.signature import check_call
from archlint.models.snapshot import Snapshot
from archlint.models.targets import ModelSource
from archlint.runtime.gc_pause import gc_paused
from archlint.runtime.process_state import recursion_limit_kept
from archlint.runtime.uninterruptible import uninterrupted
from archlint.symbolic.formula import Bool, comparisons
from archlint.symbolic.intervals import Box
from archlint.tracing import tracer
from archlint.tracing.identity.identity_questions import OPEN as UNFOLLOWED
from archlint.tracing.keys.found_keys import OPEN, forget_stored
from archlint.tracing.loops.loop_functions import FollowedLoops
from archlint.tracing.loops.loops import Loops
from archlint.tracing.loops.turn import Retry
from archlint.tracing.merge.first_branches import FirstBranches
from archlint.tracing.merge.module_merge import MOST_CLASSES, branches_merged
from archlint.tracing.path import TracedPath
from archlint.tracing.python.builtin_calls import modules_to_replace_type
from archlint.tracing.python.builtins import Retrace, caller_to_change, shadowed
from archlint.tracing.python.legacy_constructors import needs_sizes
from archlint.tracing.python.run_code import RunCode
from archlint.tracing.trace import Trace, dims_of
from archlint.tracing.tracer import Merged, run_model, trace

MOST_BRANCHES = 16
"""How many paths at the same sizes values of tensors may choose between."""

MERGE_AFTER = 8
"""From how many branches of a trace on, or traces that branch, the branches in a module are merged
(:mod:`.merge.module_merge`)."""

Choices = tuple[bool, ...]
"""The sides taken, in turn, where values of tensors decide."""

_NOT_PLAIN = re.compile(r"TypeError: .*Sym(bolic)?Bool|unhashable type: .*SymInt")


class _Built(NamedTuple):
    """A model as it was built: what restores it, and its code."""

    snapshot: Snapshot
    copy: CopyState | None
    code: ModelCode


class ModelTracer:
    """Traces one model for one contract; every trace starts from the model as it was built.

    With ``rules=False`` all calls go to PyTorch's kernels. Raises :class:`TargetError` if the model
    cannot be built or called with the contract's input.
    """

    def __init__(self, contract: Contract, source: ModelSource, rules: bool = True) -> None:
        register_rules()
        self.contract = contract
        self.source = source
        self.rules = rules
        with gc_paused():
            self._model, self._parts = source.to_trace(contract.mode)
        self._run_of: CopyState | None = None  # what restores the model, which a run changed
        self._with_values: nn.Module | None = None  # the model with its real weights
        self._as_built: dict[nn.Module, _Built] = {}
        self._same_with_values: set[_End] = set()  # those that the real weights do not change
        self._eager = False
        self._constructors = False  # whether the model needs those of legacy_constructors
        self._known: Bool = True
        self._branched = 0  # how many traces have
        self._at_first = True  # whether the first branches of a class are merged at once
        self._merges = False  # whether branches are merged from now on
        self._branching: set[str] = set()  # the classes of modules whose branches are merged
        self._to_shadow: list[str] = []  # modules to shadow, as the running trace found
        # The modules in whose calls of int, float, … sizes are kept.
        self._code = ModelCode.of(self._model, self._parts)
        self.shadowed = modules_to_replace_type(self._code)
        self.loops = FollowedLoops()
        self._running: Loops | None = None  # the loops of the running trace

    @property
    def model(self) -> nn.Module:
        """The model that is traced, as it was built."""
        self._restore()
        built = self._as_built.get(self._model)
        if self._parts is not None:  # whoever asks for it may add to it
            self._parts.separate()
            self._parts = None
        elif built is not None and built.copy is not None:
            built.copy.separate()
        return self._model

    @model.setter
    def model(self, model: nn.Module) -> None:
        self._restore()
        self._model, self._parts = model, None

    @property
    def models(self) -> tuple[nn.Module, ...]:
        """All that were traced: without weights that nobody reads, and with all."""
        other = self._with_values
        return (self._model,) if other is None or other is self._model else (self._model, other)

    def _restore(self) -> None:
        """Undo what a run did to the copy that is traced: most of them run once."""
        if self._run_of is not None:
            with uninterrupted():
                self._run_of.restore()
            self._run_of = None

    def _ready(self) -> _Built:
        """Restore the model; what restores it after its next run, and the state outside of it."""
        self._restore()
        found = self._as_built.get(self._model)
        if found is None:
            parts = self._parts
            check_call(self._model, self.contract.input, parts)
            self._parts = None
            code = self._code if parts else ModelCode.of(self._model)
            with gc_paused():
                held = parts.held if parts else None
                snapshot = Snapshot(self._model, held=held, code=code)
                found = _Built(snapshot, CopyState(parts) if parts else None, code)
            self._as_built[self._model] = found
            self.loops.answer_identity(code, self.shadowed)
            self._eager = self._eager or bool(self.loops.unanswered)
        return found

    def trace(
        self, sizes: Mapping[str, int], box: Box, known: Bool = True, symbolic: bool = True
    ) -> Trace:
        """The path of these sizes; where values decide, one path for each choice.

        ``box`` and ``known`` hold for all sizes that the caller is interested in: what they settle
        is no branch, and the result is about these sizes only. With ``symbolic=False`` the model
        runs on plain numbers.

        A path that ends in an exception of user code runs again with plain numbers and must end in
        the same kind of exception at the same line. A path that a model without weights cannot
        finish runs again with the real weights. So neither symbolic sizes nor missing values are
        reported as an error of the model.
        """
        self._known = known
        self.loops.plans.begin_path()
        traces: list[Trace] = []
        todo: list[Choices] = [()]
        while todo:
            if len(traces) == MOST_BRANCHES:
                first = traces[0]
                first.path.forget_claims()  # other choices may not come to them
                first.outcome = "unknown"
                first.error = f"tensor values choose between more than {MOST_BRANCHES} paths"
                return first
            choices, plans = todo.pop(), self.loops.plans.version
            traces.append(self._checked(sizes, box, symbolic, choices))
            if choices and self.loops.plans.version != plans:
                traces, todo = [], [()]  # what all show together holds for the same plans
                continue
            todo += _other_choices(traces[-1], choices)
        first = traces[0]
        accepted = [t for t in traces if t.outcome == "accepted"]
        main = max(accepted, key=_sizes_left_open, default=first)
        main.others = tuple(t for t in traces if t is not main)
        return main

    def _checked(
        self, sizes: Mapping[str, int], box: Box, symbolic: bool, choices: Choices
    ) -> Trace:
        """One path, its end confirmed with the real weights and with plain numbers."""
        result = self._plain_if_needed(sizes, box, symbolic, choices)
        if result.log.reads_floats and self.source.draws_differ and not self.has_values:
            self.model = self._real_model()
            result = self._plain_if_needed(sizes, box, symbolic, choices)
        if _wants_values(result) and not self.has_values:
            result = self._again_with_values(result, sizes, box, symbolic, choices)
        if result.outcome == "raised" and symbolic:
            plain = self._plain_if_needed(sizes, box, False, choices)
            if plain.outcome == "unknown" and not self.has_values:
                plain = self._again_with_values(plain, sizes, box, False, choices)
            if plain.outcome not in ("raised", "refused"):
                result.outcome = "unknown"
                result.error = f"with plain numbers the model does not raise {result.error}"
            elif (plain.kind, plain.source) != (result.kind, result.source):
                other = f"{plain.error} ({plain.source})" if plain.source else plain.error
                result.outcome = "unknown"
                result.error = f"with plain numbers the model raises {other}, not {result.error}"
        return result

    def _again_with_values(
        self, first: Trace, sizes: Mapping[str, int], box: Box, symbolic: bool, choices: Choices
    ) -> Trace:
        """The same path with the real weights; ``first`` if they make no difference."""
        if _end(first) in self._same_with_values:
            return first
        before, self.model = self._model, self._real_model()
        full = self._plain_if_needed(sizes, box, symbolic, choices)
        if _end(full) != _end(first):
            return full
        self.model = before
        self._same_with_values.add(_end(first))
        return first

    def _real_model(self) -> nn.Module:
        if self._with_values is None:
            self._with_values = self.source.for_running(self.contract.mode)
        return self._with_values

    @property
    def has_values(self) -> bool:
        """Whether the model that is traced has its real weights, as its code reads some."""
        return self._model is self._with_values

    def _plain_if_needed(
        self, sizes: Mapping[str, int], box: Box, symbolic: bool, choices: Choices
    ) -> Trace:
        """One path; from the first model on that takes no symbolic truths, with plain ones."""
        result = self._run(sizes, box, symbolic, choices)
        if result.outcome == "raised" and not self._eager and _NOT_PLAIN.search(result.error):
            self._eager = True
            result = self._run(sizes, box, symbolic, choices)
        open_end = result.outcome in ("raised", "unknown")
        if open_end and not self._constructors and needs_sizes(result.error):
            self._constructors = True
            result = self._run(sizes, box, symbolic, choices)
        return result

    def _run(self, sizes: Mapping[str, int], box: Box, symbolic: bool, choices: Choices) -> Trace:
        """One run of the model, repeated until its shadows and the plans of its loops suffice."""
        input, rules = self.contract.input, self.rules
        while True:
            snapshot, copy, model_code = self._ready()
            path = TracedPath(sizes, box, eager=self._eager, value_choices=choices)
            path.suppose(self._known)
            path.before_number = self._shadow_if_possible
            path.model_caller = run_model.__code__
            self._to_shadow.clear()
            first = FirstBranches(snapshot, self._merge, self._at_first)
            result: Trace | None = None
            loops, functions = self.loops.in_run() if symbolic else (None, nullcontext())
            code, whole = RunCode(run_model.__code__), RunCode(run_model.__code__)
            path.keys.begin = code.begin
            if symbolic and self.loops.unanswered:
                whole.begin()
            self._running = loops
            try:
                with shadowed(self.shadowed), functions, recursion_limit_kept():
                    self._merges = self._merges or self._branched >= MERGE_AFTER
                    classes = len(self._branching)
                    result = trace(
                        self._model, input, sizes, box,
                        symbolic=symbolic, rules=rules, path=path, loops=loops,
                        constructors=self._constructors, code=model_code,
                        lean=not self.has_values,
                        merging=self._merging(first) if symbolic else None,
                    )  # fmt: skip
                    result.merged = self._merges
                    if snapshot.drew():
                        path.forget_claims()
                        result.outcome = "unknown"
                        result.error = (
                            "random numbers determine the path: the model's generator was used"
                        )
                    if snapshot.advanced():
                        path.forget_claims()
                        result.outcome = "unknown"
                        result.error = (
                            "an earlier run determines the path: it advanced an iterator that "
                            "the model or its code keeps"
                        )
            except (Retrace, Retry, Written):
                pass
            finally:
                code.end()
                whole.end()
                self._running, self._run_of = None, copy
                with uninterrupted():
                    forget_stored(path)
                    snapshot.restore()
            if copy is not None and copy.separated():
                continue
            self._branched += any(event.kind == "branch" for event in path.events)
            if whole.ran(self.loops.unanswered):
                path.unproved(UNFOLLOWED)
            grew = len(self._branching) > classes
            again = self.loops.changed_by(path) or grew
            if grew and result is not None:  # nothing was merged after the first of them
                self._branching.update(result.log.branched[:MOST_CLASSES])
            if code.codes:
                again = not self.loops.watches(code) or again
                if self.loops.unwatched(code):
                    path.unproved(OPEN)
            if result is not None and not self._merges:
                again = (self._merges_now(result, first) and symbolic) or again
            if self._to_shadow:  # also if an ``except:`` of the model caught the exception
                self.shadowed += self._to_shadow[:1]
            elif result is not None and not again:
                return result

    def _merging(self, first: FirstBranches) -> Merged:
        """What merges branches in a run; before it is known which classes branch, the ``first``."""
        if self._merges:
            return partial(branches_merged, branching=self._branching)
        return first.merged

    def _merges_now(self, result: Trace, first: FirstBranches) -> bool:
        """Whether a run is to be repeated, because branches were not merged, or should not be."""
        branches = [event.formula for event in result.path.events if event.kind == "branch"]
        parted, classes = result.log.parted, {*first.branching, *result.log.branched}
        if not parted:
            if _is_hard(branches, result.log.branched):
                self._merges = True
                self._branching.update(classes)
            return self._merges
        merged = [formula for each in parted.values() for formula in each]
        self._at_first = self._merges = bool(branches) or _is_hard(merged, [k for k, _ in parted])
        self._branching.update(classes if self._merges else ())
        result.merged = self._merges
        return bool(branches) or not self._merges

    def _merge(self, branched: list[str]) -> None:
        """Start again, the branches of these classes of modules merged. Raises :class:`Retry`."""
        self._merges = True
        self._branching.update(branched)
        raise Retry

    def _shadow_if_possible(self) -> None:
        """Start again if a shadow would keep the size that user code is about to turn into an int.

        Raises :class:`Retrace` then.
        """
        module, code, names = caller_to_change(tracer) or ("", None, frozenset[str]())
        if module and module not in self.shadowed:
            self._to_shadow.append(module)
            raise Retrace(module)
        if self._running is not None:
            if code is not None and self.loops.replace_calls(code, names):
                self.loops.plans.changed = True
                raise Retry
            self._running.follow_caller("range")
            self._running.follow_caller("numel")
            self._running.follow_while()


_End = tuple[str, str, tuple[str, ...], int]


def _end(trace: Trace) -> _End:
    """How a trace ended, and what it left open."""
    path = trace.path
    return trace.outcome, trace.error, tuple(path.caveats), len(path.unknowns)


def _wants_values(trace: Trace) -> bool:
    """Whether the real weights may settle what a trace without weights left open."""
    if trace.outcome in ("raised", "unknown"):
        return True
    return trace.log.loses_floats and bool(trace.path.caveats or trace.path.unknowns)


def _is_hard(branches: Sequence[Bool], branched: Sequence[str]) -> bool:
    """Whether branches make many paths or paths that are slow to tell apart.

    Two modules of one class that branch usually do so on different sizes; ``branched`` names the
    class for each call. (A run in which they are not merged has ended at the second of them.)
    """
    several = len(set(branched)) < len(branched)
    return several or len(branches) >= MERGE_AFTER or any(map(_is_product, branches))


def _is_product(formula: Bool) -> bool:
    """Whether it compares products of sizes: finding what is left of several of these is slow."""
    return any(len(m) > 1 for c in comparisons(formula) for m, _ in c.expr.terms)


def _sizes_left_open(trace: Trace) -> int:
    """How many sizes of the output depend on values."""
    return str(dims_of(trace.output)).count(str(ANY_SIZE))


def _other_choices(trace: Trace, choices: Choices) -> list[Choices]:
    """The choices of paths that leave this one after its prescribed ``choices``."""
    taken = tuple(trace.path.choices)
    return [(*taken[:i], not taken[i]) for i in range(len(choices), len(taken))]
