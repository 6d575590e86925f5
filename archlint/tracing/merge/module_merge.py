"""Ways that part and meet again inside one module, as one way.

Python asks ``if h % 2: pad``, and both sides come to the same in the end. Walked as two paths, ten
such modules make a thousand. So when a module's ``forward`` branched on sizes, it is run again on
each of the other ways; where the results can be written as one (``H + H % 2`` is ``H`` too, where
that is even), the branches are forgotten, and what each way claimed is claimed where it is taken.

Nothing is joined that could have another effect than its result: a way that raises, that asks for
numbers or values, that needs a kernel, or that changes the module.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from archlint.ops.registry import Refused, TensorSpec
from archlint.symbolic.formula import Bool, conj, disj, negate
from archlint.tracing.events import Event
from archlint.tracing.merge.side_effects import Held
from archlint.tracing.merge.unify import one_size
from archlint.tracing.path import Mark, TracedPath
from archlint.tracing.signals import RAISED, Apart, Undecided
from archlint.tracing.symint.node import size_of, sym_int
from archlint.tracing.tensors.aliasing import roots
from archlint.tracing.tensors.symbolic_tensor import SymbolicTensor, symbolic_tensor

if TYPE_CHECKING:
    from archlint.tracing.tracer import Tracer

MOST = 16  # ways through one module
_PLAIN = (int, float, bool, str, type(None))
_Way = tuple[list[Event], Any]


@contextmanager
def joining(tracer: Tracer) -> Iterator[None]:
    """Inside it the ways of each module are joined where that is possible."""
    own: Callable[..., Any] = nn.Module.__call__

    def call(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
        if tracer.path.turns is not None or module.training:
            return own(module, *args, **kwargs)
        held = Held(module, (*args, *kwargs.values()))
        if held.opaque:
            return own(module, *args, **kwargs)
        return _Call(tracer, held, lambda: own(module, *args, **kwargs)).result()

    nn.Module.__call__ = call  # type: ignore[method-assign]
    try:
        yield
    finally:
        nn.Module.__call__ = own  # type: ignore[method-assign]


class _Call:
    """One call of a module."""

    def __init__(self, tracer: Tracer, held: Held, run: Callable[[], Any]) -> None:
        self.tracer = tracer
        self.path: TracedPath = tracer.path
        self.held = held
        self.run = run

    def result(self) -> Any:
        path, tracer = self.path, self.tracer
        before = path.mark()
        quiet = tracer.elements.mark_writes(len(tracer.calls))
        main = self.run()
        events = path.events[before.events :]
        branches = [e.formula for e in events if e.kind == "branch"]
        if not branches or 2 ** len(branches) > MOST * 4:
            return main
        if not path.only_asked(before) or not quiet() or self.held.changed():
            return main
        end, calls, ended = path.mark(), len(tracer.calls), len(RAISED)
        try:
            paths = [(events, main), *self._others(before, branches)]
            joined = _joined(path, before, paths, calls - 1)
        except Apart:
            del RAISED[ended:]
            path.events[before.events :] = events
            path.rewind(end)
            self.held.restore()
            return main
        finally:
            del tracer.calls[calls:]
            path.calls = calls
        return joined

    def _others(self, before: Mark, main: list[Bool]) -> Iterator[_Way]:
        todo = [(*main[:i], negate(main[i])) for i in range(len(main))]
        found = 1
        while todo:
            turns = todo.pop()
            found += 1
            if found + len(todo) > MOST:
                raise Apart
            events, result = self._way(before, turns)
            taken = [e.formula for e in events if e.kind == "branch"]
            todo += [(*taken[:i], negate(taken[i])) for i in range(len(turns), len(taken))]
            yield events, result

    def _way(self, before: Mark, turns: tuple[Bool, ...]) -> _Way:
        """What happens on one way; ``_REFUSED`` for its result if a claim cannot hold there."""
        path, modules = self.path, list(self.tracer.place.modules)
        quiet = self.tracer.elements.mark_writes(len(self.tracer.calls))
        path.rewind(before)
        path.turns = turns
        ended = len(RAISED)
        try:
            result = self.run()
            if path.refused or len(RAISED) > ended:
                raise Apart  # it ended, and the model's own code caught that
        except Refused:
            result = _REFUSED
        except (Exception, Undecided):
            raise Apart from None
        finally:
            path.turns, path.refused = None, False
            self.tracer.place.modules[:] = modules
        events = path.events[before.events :]
        if result is _REFUSED and (not events or events[-1].formula is not False):
            raise Apart
        if not path.only_asked(before) or not quiet() or self.held.changed():
            raise Apart
        return events, result


_REFUSED = object()


def _joined(path: TracedPath, before: Mark, paths: list[_Way], last: int) -> Any:
    """The one result of all ways; the path is then as if nothing had branched.

    ``last`` is the call that claims of other ways count as: theirs are forgotten.
    """
    whens = [conj(*(e.formula for e in events if e.kind == "branch")) for events, _ in paths]
    path.rewind(before)
    results = [(w, r) for w, (_, r) in zip(whens, paths, strict=True) if r is not _REFUSED]
    result = _one(path, results)
    for events, _ in paths:
        taken: list[Bool] = []
        for event in events:
            if event.kind == "branch":
                taken.append(event.formula)
            else:
                needed = disj(negate(conj(*taken)), event.formula)
                path.claimed(replace(event, formula=needed, call=min(event.call, last)))
    return result


def _one(path: TracedPath, results: list[tuple[Bool, Any]]) -> Any:
    """The results of several ways as one that serves all."""
    first = results[0][1]
    if any(type(r) is not type(first) for _, r in results):
        raise Apart
    if type(first) is SymbolicTensor:
        one = _one_tensor(path, [(w, r.spec) for w, r in results], first)
        if any(r is not one for _, r in results):
            found = {id(m): m for _, r in results for m in roots(path, r, path.trail)}
            one.shares = tuple(found.values())
        return one
    if isinstance(first, torch.SymInt):
        return sym_int(one_size(path, [(w, size_of(r)) for w, r in results]), path)
    if isinstance(first, torch.Tensor):
        if any(r is not first for _, r in results):
            raise Apart
        return first
    if type(first) in (tuple, list):
        if any(len(r) != len(first) for _, r in results):
            raise Apart
        parts = (_one(path, [(w, r[i]) for w, r in results]) for i in range(len(first)))
        return type(first)(parts)
    if isinstance(first, _PLAIN) and all(r == first for _, r in results):
        return first
    raise Apart


def _one_tensor(
    path: TracedPath, specs: list[tuple[Bool, TensorSpec]], main: SymbolicTensor
) -> SymbolicTensor:
    first = specs[0][1]
    for _, spec in specs:
        alike = (spec.ndim, spec.dtype, spec.values) == (first.ndim, first.dtype, first.values)
        if not alike or spec.loose != first.loose:
            raise Apart
    dims = tuple(one_size(path, [(w, s.dims[d]) for w, s in specs]) for d in range(first.ndim))
    if dims == first.dims and all(s.strides == first.strides for _, s in specs):
        first.origin = None  # another way may have made it otherwise
        return main
    if any(s.strides is not None for _, s in specs):
        raise Apart
    spec = first.like(dims, values=first.values)
    spec.loose = first.loose
    return symbolic_tensor(spec, main.made_by)
