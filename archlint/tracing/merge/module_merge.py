"""Branches that rejoin inside one module, merged into one path.

Code such as ``if h % 2: pad`` branches on a size, and both sides often return the same in the end.
Followed as separate paths, ten such modules make a thousand. So when the ``forward`` of a module
branched on sizes, it runs again along each of the other branches. If the results can be written as
one (``H + H % 2`` is ``H`` too where that is even), the path forgets the branches, and what each
branch claimed is claimed under its condition.

Only code whose sole effect is its result is merged: not a branch that raises, that needs a size as
a number or the value of a tensor, that runs a kernel, or that changes the module.
"""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import nn

from archlint.models.model_code import ModelCode
from archlint.models.snapshot import Snapshot
from archlint.ops.registry import Path, Refused, TensorSpec
from archlint.runtime.surroundings import Surroundings
from archlint.symbolic.formula import Bool, conj, disj, negate
from archlint.tracing.call_log import Branch, LogMark, MergedCalls
from archlint.tracing.events import Event
from archlint.tracing.identity.same_tensors import Alternatives
from archlint.tracing.merge.marked_tensors import MarkedTensors
from archlint.tracing.merge.side_effects import ModuleState
from archlint.tracing.merge.unify import one_size
from archlint.tracing.module_stack import class_name
from archlint.tracing.path import MOST_MERGED, Mark, TracedPath
from archlint.tracing.python.module_calls import ModuleCall, replaced_module_call
from archlint.tracing.signals import CannotMerge, UnknownOutcome
from archlint.tracing.symint.node import size_of
from archlint.tracing.symint.python_types import sym_int
from archlint.tracing.tensors.aliasing import roots
from archlint.tracing.tensors.specs import forget_elements
from archlint.tracing.tensors.symbolic_tensor import SymbolicTensor, learn, symbolic_tensor

if TYPE_CHECKING:
    from archlint.tracing.tracer import Tracer

MOST_CLASSES = 64  # whose branches are merged; code may make classes without end
_PLAIN = (int, float, bool, str, type(None))
_Branch = tuple[list[Event], Any]  # what happened on one branch, and its result


def branches_merged(
    tracer: Tracer, model: nn.Module, code: ModelCode, *, branching: set[str]
) -> AbstractContextManager[None]:
    """A context in which the branches of each module call are merged where that is possible.

    ``branching`` names the classes of modules that branch. Calls of others are not prepared for it,
    which costs more than most calls; if one branches all the same, its class is added. The run is
    then repeated, so that nothing is merged in what is left of it.
    """
    merging = Merging(tracer, model, code, MarkedTensors(tracer, model, begun=False))
    prepared = len(branching)

    def noted(original: ModuleCall, module: nn.Module, args: Any, kwargs: Any) -> Any:
        """The result of a call; the innermost class with branches that are left is added."""
        before, known = len(tracer.path.events), len(branching)
        result = original(module, *args, **kwargs)
        branched = any(event.kind == "branch" for event in tracer.path.events[before:])
        if branched and len(branching) == known < MOST_CLASSES:
            branching.add(class_name(module))
        return result

    def called(original: ModuleCall, module: nn.Module, args: Any, kwargs: Any) -> Any:
        if len(branching) > prepared:
            return original(module, *args, **kwargs)
        if class_name(module) not in branching:
            return noted(original, module, args, kwargs)
        return merging.call(module, args, kwargs)

    return merging.calls_through(called)


class Merging:
    """Merges the branches of calls of modules in one run of ``model``.

    Nothing is merged once its ``code`` has written to state outside of its modules.
    """

    def __init__(
        self, tracer: Tracer, model: nn.Module, code: ModelCode, marked: MarkedTensors
    ) -> None:
        self.tracer = tracer
        self._marked = marked
        self._original: ModuleCall = nn.Module.__call__  # what makes a call, all but merging
        self._outside = Snapshot(model, buffers=False, code_only=True, code=code)

    def calls_through(self, called: Callable[..., Any]) -> AbstractContextManager[None]:
        """A context in which ``called`` makes each call of a module whose branches may be merged.

        It gets what makes the call, the module, and its positional and named arguments.
        """
        tracer = self.tracer

        def wrap(original: ModuleCall) -> ModuleCall:
            self._original = original

            def call(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
                if not tracer.run.in_thread() or tracer.path.forced is not None or module.training:
                    return original(module, *args, **kwargs)
                return called(original, module, args, kwargs)

            return call

        return replaced_module_call(wrap)

    def call(self, module: nn.Module, args: Any, kwargs: Any) -> Any:
        """What a call of a module returns, its branches merged if they can be."""
        call = self._of(module, args, kwargs)
        return self._original(module, *args, **kwargs) if call is None else call.result()

    def merged(
        self, before: Before, module: nn.Module, args: Any, kwargs: Any, returned: Any
    ) -> Any:
        """As :meth:`call`, of a call that ``returned`` and changed nothing since ``before`` it."""
        call = self._of(module, args, kwargs)
        return returned if call is None else call.merged(before, returned)

    def _of(self, module: nn.Module, args: Any, kwargs: Any) -> _Call | None:
        state = ModuleState(module, (*args, *kwargs.values()), self._outside)
        if state.opaque:
            return None
        run = partial(self._original, module, *args, **kwargs)
        return _Call(self.tracer, class_name(module), state, self._marked, run)


class Before(NamedTuple):
    """A run before a call of a module: what of it the call could change."""

    path: Mark
    calls: int
    log: LogMark
    memory: tuple[int, int]
    no_writes: Callable[[], bool]
    remembered: dict[Any, Any]
    recorded: bool  # whether training would record gradients
    surroundings: Surroundings

    @classmethod
    def of(cls, tracer: Tracer, surroundings: Surroundings) -> Before:
        """The run as it is now; ``surroundings``: as they are now."""
        run, calls = tracer.run, len(tracer.calls)
        return cls(
            tracer.path.mark(), calls, tracer.log.mark(), run.memory.mark(),
            tracer.elements.mark_writes(calls), dict(run.remembered), run.scopes.recorded,
            surroundings,
        )  # fmt: skip


class _Call:
    """One call of a module."""

    def __init__(
        self,
        tracer: Tracer,
        kind: str,
        state: ModuleState,
        marked: MarkedTensors,
        run: Callable[[], Any],
    ) -> None:
        self.tracer, self.marked = tracer, marked
        self.kind = kind  # the module's class
        self.path: TracedPath = tracer.path
        self.stops = tracer.run.stops
        self.remembered = tracer.run.remembered
        self.state = state
        self.run = run
        self.others: list[Branch] = []  # the branches that were followed besides the path's own

    def result(self) -> Any:
        """What the call returns: merged if possible, else as on the path's own sizes."""
        before = Before.of(self.tracer, Surroundings())
        return self.merged(before, self.run())

    def merged(self, before: Before, main: Any) -> Any:
        """What the call returns, which returned ``main`` on the path's own sizes."""
        path, tracer, first, log = self.path, self.tracer, before.calls, self.tracer.log
        events = path.events[before.path.events :]
        branches = [e.formula for e in events if e.kind == "branch"]
        if branches:
            log.parted[self.kind, first] = branches
        if not branches or 2 ** len(branches) > MOST_MERGED * 4:
            return main
        if not path.only_sizes_since(before.path) or not before.no_writes() or self.state.changed():
            return main
        written = tracer.run.memory.written_since(before.memory)
        recorded = tracer.run.scopes.recorded is before.recorded
        if written or not recorded or self.marked or before.surroundings.changed():
            return main  # other branches would find what this one has written
        end, calls, stops = path.mark(), len(tracer.calls), len(self.stops)
        on_weights = range(before.log[0], len(log.on_weights))
        remembered = dict(self.remembered)
        try:
            each = [(events, main), *self._others(before, branches)]
            merged = _merged(path, before.path, each, first, calls - 1)
            self._remember(before.remembered)
        except CannotMerge:
            self._remember(remembered)
            del self.stops[stops:]
            path.events[before.path.events :] = events
            path.rewind(end)
            self.state.restore()
            return main
        finally:
            del tracer.calls[calls:]
            path.calls = calls
        when, others = conj(*branches), tuple(self.others)
        log.merged.append(MergedCalls(first, calls, on_weights, when, others))
        return merged

    def _others(self, before: Before, main: list[Bool]) -> Iterator[_Branch]:
        """All branches but the one that the path's own sizes take."""
        todo = [(*main[:i], negate(main[i])) for i in range(len(main))]
        number = 1
        while todo:
            forced = todo.pop()
            number += 1
            if number + len(todo) > MOST_MERGED:
                raise CannotMerge
            events, result = self._branch(before, forced)
            taken = [e.formula for e in events if e.kind == "branch"]
            todo += [(*taken[:i], negate(taken[i])) for i in range(len(forced), len(taken))]
            yield events, result

    def _branch(self, before: Before, forced: tuple[Bool, ...]) -> _Branch:
        """What happens on one branch; its result is ``_REFUSED`` if a claim cannot hold there."""
        path, modules = self.path, list(self.tracer.place.modules)
        no_writes = self.tracer.elements.mark_writes(len(self.tracer.calls))
        path.rewind(before.path)
        self._remember(before.remembered)
        path.forced = forced
        stops = len(self.stops)
        log, start = self.tracer.log.mark(), len(self.tracer.calls)
        memory, surroundings = self.tracer.run.memory.mark(), before.surroundings
        try:
            result = contextvars.copy_context().run(self.run)
            if path.refused or len(self.stops) > stops:
                raise CannotMerge  # the branch ended, and the model's own code caught that
            if path.forced_taken < len(forced):
                raise CannotMerge  # what an earlier run of the call left decides a branch
        except Refused:
            result = _REFUSED
        except (Exception, UnknownOutcome):
            raise CannotMerge from None
        finally:
            path.forced, path.refused = None, False
            notes = self.tracer.log.cut(log)
            self.tracer.place.modules[:] = modules
            written = self.tracer.run.memory.written_since(memory)
            forget_elements(self.tracer.run, written)  # which the path would not have written
            scopes = self.tracer.run.scopes
            changed = scopes.recorded is not before.recorded or surroundings.changed()
            if changed:
                surroundings.restore()
                scopes.recorded = before.recorded
            changed = self.marked.unmark() or changed
        events = path.events[before.path.events :]
        if result is _REFUSED and (not events or events[-1].formula is not False):
            raise CannotMerge
        if (
            written
            or changed
            or not path.only_sizes_since(before.path)
            or not no_writes()
            or self.state.changed()
        ):
            raise CannotMerge
        if result is not _REFUSED:
            when = conj(*(e.formula for e in events if e.kind == "branch"))
            self.others.append(Branch(when, start, tuple(self.tracer.calls[start:]), notes))
        return events, result

    def _remember(self, results: Mapping[Any, Any]) -> None:
        """Let cached functions know these results only: others are of another branch."""
        self.remembered.clear()
        self.remembered.update(results)


_REFUSED = object()


def _merged(path: TracedPath, before: Mark, branches: list[_Branch], begin: int, last: int) -> Any:
    """The one result of all branches; the path is then as if nothing had branched.

    ``begin`` is the first call of a branch; ``last`` is the one that the claims of other branches
    belong to: their own calls are forgotten.
    """
    whens = [conj(*(e.formula for e in events if e.kind == "branch")) for events, _ in branches]
    path.rewind(before)
    results = [(w, r) for w, (_, r) in zip(whens, branches, strict=True) if r is not _REFUSED]
    if len({_pattern(result, {}) for _, result in results}) > 1:
        raise CannotMerge  # the same tensor twice on one of them
    result = _merged_result(path, results, begin)
    for events, _ in branches:
        taken: list[Bool] = []
        for event in events:
            if event.kind == "branch":
                taken.append(event.formula)
            else:
                needed = disj(negate(conj(*taken)), event.formula)
                path.claim_for_all(replace(event, formula=needed, call=min(event.call, last)))
    return result


def _merged_result(path: TracedPath, results: list[tuple[Bool, Any]], begin: int) -> Any:
    """One result that equals each of ``results`` where its condition holds."""
    first = results[0][1]
    if any(type(r) is not type(first) for _, r in results):
        raise CannotMerge
    if type(first) is SymbolicTensor:
        if all(r is first for _, r in results):
            return first
        one = _one_tensor(path, [(w, r.spec) for w, r in results], first)
        known = any(r.made_by < begin or r.may_be is not None for _, r in results)
        if known and one is first:  # which is another tensor on other branches
            one = symbolic_tensor(one.spec, one.made_by)
        found = {id(m): m for _, r in results for m in roots(r, path.calls_so_far)}
        learn(one, shares=tuple(found.values()))
        if known:
            learn(one, may_be=Alternatives.of([r for _, r in results], partial(_taken, results)))
        return one
    if isinstance(first, torch.SymInt):
        return sym_int(one_size(path, [(w, size_of(r)) for w, r in results]), path)
    if isinstance(first, torch.Tensor):
        if any(r is not first for _, r in results):
            raise CannotMerge
        return first
    if type(first) in (tuple, list):
        if any(len(r) != len(first) for _, r in results):
            raise CannotMerge
        parts = (
            _merged_result(path, [(w, r[i]) for w, r in results], begin) for i in range(len(first))
        )
        return type(first)(parts)
    if isinstance(first, _PLAIN) and all(r == first for _, r in results):
        return first
    raise CannotMerge


def _taken(results: list[tuple[Bool, Any]], path: Path) -> Any:
    """The one of the results that the path gets."""
    return next((r for w, r in results[:-1] if path.branch(w)), results[-1][1])


def _pattern(result: Any, seen: dict[int, int]) -> Any:
    """Which of the tensors in a result are one object."""
    if isinstance(result, torch.Tensor):
        return seen.setdefault(id(result), len(seen))
    if type(result) in (tuple, list):
        return tuple(_pattern(part, seen) for part in result)
    return None


def _one_tensor(
    path: TracedPath, specs: list[tuple[Bool, TensorSpec]], main: SymbolicTensor
) -> SymbolicTensor:
    first = specs[0][1]
    for _, spec in specs:
        alike = (spec.ndim, spec.dtype, spec.values) == (first.ndim, first.dtype, first.values)
        if not alike or spec.loose != first.loose:
            raise CannotMerge
    dims = tuple(one_size(path, [(w, s.dims[d]) for w, s in specs]) for d in range(first.ndim))
    if dims == first.dims and all(s.strides == first.strides for _, s in specs):
        first.origin = None  # another branch may have computed it differently
        return main
    if any(s.strides is not None for _, s in specs):
        raise CannotMerge
    spec = first.like(dims, values=first.values)
    spec.loose = first.loose
    return symbolic_tensor(spec, main.made_by)
