"""The iterator of a loop: a few turns one by one, and one for all others.

The proof is by induction over the turns. Base: the turns before are followed as they are. Step: one
turn runs with an index that stands for every turn of the range, on the state that the turn before
left, or on that state with its sizes as linear formulas of the index; it must leave that state for
the next index. Exit: the state after the last turn. What is not proved so is followed turn by turn.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NoReturn

import torch

from archlint.ops.shapes.strides import DeferredStrides
from archlint.symbolic import Expr, Size, Unknown, from_atom, substitute
from archlint.symbolic.formula import eq, ge
from archlint.tracing.call_log import RepeatedCalls
from archlint.tracing.loops.before_turn import Before
from archlint.tracing.loops.consumers import Running
from archlint.tracing.loops.generalise import generalised, of_all_turns
from archlint.tracing.loops.lists import GrowingList
from archlint.tracing.loops.rewriting import Site
from archlint.tracing.loops.segments import Segment, segments_of
from archlint.tracing.loops.state import (
    Unfollowed,
    alike,
    canonical,
    is_element,
    names_index,
    names_unknown,
    same_size,
)
from archlint.tracing.loops.turn import Retry, Turn
from archlint.tracing.loops.turn_lists import appended, same_lists
from archlint.tracing.loops.turn_starts import TurnStarts
from archlint.tracing.symint.node import SizeNode, size_of
from archlint.tracing.symint.python_types import sym_int
from archlint.tracing.tensors.specs import with_specs
from archlint.tracing.tensors.symbolic_tensor import SymbolicTensor, learn
from archlint.tracing.trees import leaves

if TYPE_CHECKING:
    from archlint.tracing.loops.loops import Loops
    from archlint.tracing.tracer import Tracer

Section = tuple[Size, Callable[[Any], Any]]
"""A number of turns, and what the turn of an index takes."""


_Lists = list[tuple[GrowingList, list[Segment]]]


class Loop:
    """Iterates over ``sections`` for the loop at ``site``."""

    def __init__(self, host: Loops, sections: list[Section], site: Site) -> None:
        self.host = host
        self.site = site
        self._sections = sections
        self._running: list[Running] | None = None
        self._turns = self._all()

    def __iter__(self) -> Loop:
        return self

    def __next__(self) -> Any:
        frame = sys._getframe(1)
        self._running = self.host.consumers.running(frame, self.site)
        if self._running is None:
            self.host.follow_consumers(frame)
        try:
            return next(self._turns)
        finally:
            self._running = None

    def _all(self) -> Iterator[Any]:
        for count, get in self._sections:
            if isinstance(count, int):
                yield from map(get, range(count))
            else:
                yield from self._section(count, get)

    def _section(self, count: Size, get: Callable[[Any], Any]) -> Iterator[Any]:
        path, plan = self.host.path, self.host.plans.of(self.site)
        if plan.unrolled or self._running is None:
            yield from map(get, range(self.host.fixed(count)))
            return
        period = plan.period
        few = plan.first * period + plan.last
        if not path.branch(ge(count, few + period)):
            most = few + period - 1
            turns = next((n for n in range(most) if path.branch(eq(count, n))), most)
            yield from map(get, range(turns))
            return
        history: list[Before] = []
        for k in range(plan.first):
            if k >= plan.first - 1:
                history.append(self._before())
            yield from map(get, range(k * period, (k + 1) * period))
        first: Size = plan.first
        groups = (count - plan.last) // period
        index = path.unknown("a loop", first, groups - 1)
        atom = index.terms[0][0][0] if isinstance(index, Expr) and index.terms else None
        if isinstance(atom, Unknown) and path.known(eq(groups - 1, first)) is not True:
            history.append(self._before())
            yield from self._generic(history, index, atom, groups, get)
        else:
            yield from map(get, range(plan.first * period, (plan.first + 1) * period))
        rest = count - plan.last - groups * period
        for k in range(period - 1):
            if not path.branch(ge(rest, k + 1)):
                break
            yield get(sym_int(groups * period + k, path))
        for k in range(plan.last):
            at = count - plan.last + k
            yield get(sym_int(at, path))

    def _generic(
        self,
        history: list[Before],
        index: Size,
        atom: Unknown,
        end: Size,
        get: Callable[[Any], Any],
    ) -> Iterator[Any]:
        """The turn or group that stands for those from the index's lowest value to ``end - 1``."""
        host, path, now = self.host, self.host.path, history[-1]
        turn = Turn(path, self.site, atom, host.plans)
        host.tracer.elements.forget_masks()
        grown = generalised(path, history, index, now.carried)
        if grown is None:
            self._more()
        choices, tracer = len(path.choices), host.tracer
        starts = None
        if host.plans.of(self.site).chooses:
            starts = TurnStarts(path, host.plans, self.site, now.start, tracer.elements.made)
        for lst, segments in grown.lists:
            lst.become(segments if starts is None else starts.of_every_turn(segments))
        read_before = [lst for lst, _ in now.lists.values() if lst.read]
        for lst, _ in now.lists.values():
            lst.read = False
        started = {key: segments_of(lst) for key, (lst, _) in now.lists.items()}
        chosen = {} if starts is None else starts.variables
        host.rebound.clear()
        host.rebound.update({now.names[n]: v for n, v in (chosen | grown.variables).items()})
        start = len(tracer.calls), len(tracer.log.on_weights)
        path.turns.append(turn)
        period = host.plans.of(self.site).period
        for k in range(period):
            yield get(sym_int(index * period + k, path))
            if not path.turns or path.turns[-1] is not turn:
                self._more()  # an inner loop was left before its end
        if host.rebound:
            turn.unroll()
        if len(path.choices) != choices and starts is None:
            host.plans.choose(self.site)
            raise Retry
        after = self._before()
        if after.running != now.running:
            self._more()
        if starts is not None and not self._chose_alike(starts, now, after, atom, start[0]):
            self._more()
        if not self._settled(now, after, grown.variables, atom, index + 1):
            for value in after.locals.values():
                if isinstance(value, torch.SymInt):
                    turn.group(size_of(value))
            self._more()
        final = self._lists_after(now, after, started, grown.lists, atom, end)
        if starts is not None:
            final = self._for_all_choices(starts, now, final)
        path.turns.pop()
        _note_turn(tracer, *start, atom, end - 1)
        for lst in read_before:  # by the turn of an outer loop
            lst.read = True
        host.tracer.elements.forget_masks()
        for lst, segments in final:
            lst.become(segments)
        self._to_last(after, atom, end - 1)
        if turn.failed is not None:
            path.refuse(turn.failed)

    # -- the step -----------------------------------------------------------------------------

    def _chose_alike(
        self, starts: TurnStarts, now: Before, after: Before, atom: Unknown, first: int
    ) -> bool:
        """Whether a turn whose choices others may take otherwise left what they may start from.

        ``first``: its first call.
        """
        tracer = self.host.tracer
        made = (t for call in tracer.calls[first:] for t in leaves(call.result))
        if tracer.run.grad_seen or any(
            names_index(t.spec.dims, atom.name) for t in made if type(t) is SymbolicTensor
        ):
            self._unroll()
        same = len(now.objects) == len(after.objects) and all(
            a is b for a, b in zip(now.objects, after.objects, strict=True)
        )
        if not same:
            return False
        version = self.host.plans.version
        if starts.reaches(after.start):
            return True
        if self.host.plans.version != version:
            raise Retry
        return False

    def _for_all_choices(self, starts: TurnStarts, now: Before, final: _Lists) -> _Lists:
        """The contents of lists as they are whatever the turns chose."""
        numbers = {id(lst): n for n, (lst, _) in enumerate(now.lists.values())}
        if not starts.lengthen_alike([(numbers.get(id(lst), -1), s) for lst, s in final]):
            self._unroll()
        return [(lst, starts.of_every_turn(segments)) for lst, segments in final]

    def _settled(
        self, now: Before, after: Before, variables: dict[str, Any], atom: Unknown, next_: Size
    ) -> bool:
        """Whether the turn left the state that it started from, for the next index."""
        path = self.host.path
        if now.state.keys() != after.state.keys():
            return False
        for name, tokens in now.state.items():
            if name in variables:
                value = after.locals.get(name)
                if not _follows(self, variables[name], value, {atom.name: next_}):
                    return False
            elif not alike(path, tokens, after.state[name]):
                return False
        return True

    def _lists_after(
        self,
        now: Before,
        after: Before,
        started: dict[int, list[Segment]],
        grown: _Lists,
        atom: Unknown,
        end: Size,
    ) -> _Lists:
        """The contents of lists after the last turn; starts again where they are not known.

        A turn may have made a new list in the place of one that was there.
        """
        path = self.host.path
        final: _Lists = []
        conjectured = {id(lst) for lst, _ in grown}
        if len(now.lists) != len(after.lists):
            self._more()
        pairs = zip(now.lists.items(), after.lists.values(), strict=True)
        for (key, (before, _)), (lst, new) in pairs:
            old = started[key]
            if key in conjectured:
                step = {atom.name: from_atom(atom) + 1}
                one = [Segment(v, substitute(c, step)) for v, c in old]
                if not same_lists(path, canonical(path, one), canonical(path, new)):
                    self._more()
                final.append((lst, [Segment(v, substitute(c, {atom.name: end})) for v, c in old]))
            elif not same_lists(path, old, new):
                final.append((lst, self._lengthened(old, new, before.read, atom, end)))
                if any(names_unknown(s.value, now.unknowns) for s in final[-1][1]):
                    self._unroll()  # it depends on values, which differ in each turn
        return final

    def _lengthened(
        self, old: list[Segment], new: list[Segment], read: bool, atom: Unknown, end: Size
    ) -> list[Segment]:
        """A list that no turn reads, and that each turn lengthens by elements that are alike."""
        more = appended(self.host.path, old, new)
        if read or more is None:
            self._more()
        at_front, segment = more
        value = of_all_turns(self.host.path, segment.value, atom)
        segment = Segment(value, segment.repeats)
        if names_index(tuple(segment), atom.name) and not self.host.plans.of(self.site).last:
            self._unroll()
        if not is_element(segment.value) or names_index(tuple(segment), atom.name):
            self._more()
        assert atom.low is not None
        run = Segment(segment.value, segment.repeats * (end - atom.low))
        return [run, *old] if at_front else [*old, run]

    def _more(self) -> NoReturn:
        """Start again with one more turn before the turn that stands for all."""
        self.host.plans.more(self.site, first=1)
        raise Retry

    def _unroll(self) -> NoReturn:
        """Start again, following each turn."""
        self.host.plans.unroll(self.site)
        raise Retry

    def _before(self) -> Before:
        if self._running is None:
            self._unroll()
        try:
            return Before(self, self._running)
        except Unfollowed:
            self._unroll()

    # -- the exit -----------------------------------------------------------------------------

    def _to_last(self, after: Before, atom: Unknown, last: Size) -> None:
        """Let what the turn left in the variables be what the last turn leaves there."""
        seen: set[int] = set()
        for name, value in after.locals.items():
            if name != ".0":
                self._last_of(value, atom, last, seen)

    def _last_of(self, value: Any, atom: Unknown, last: Size, seen: set[int]) -> None:
        if id(value) in seen:
            return
        seen.add(id(value))
        path = self.host.path
        if isinstance(value, (torch.SymInt, torch.SymFloat, torch.SymBool)):
            known = size_of(value)
            if names_index(known, atom.name):
                if not isinstance(known, Expr):
                    self._unroll()
                value.node = SizeNode(substitute(known, {atom.name: last}), path)  # type: ignore[assignment]
        elif type(value) is SymbolicTensor:
            spec = value.spec
            if names_index(spec, atom.name):
                if isinstance(spec.strides, DeferredStrides):
                    self._unroll()
                dims = tuple(substitute(d, {atom.name: last}) for d in spec.dims)
                strides = spec.strides
                if strides is not None:
                    strides = tuple(substitute(s, {atom.name: last}) for s in strides)
                learn(value, spec=spec.like(dims, strides=strides))
        elif isinstance(value, GrowingList):
            for segment in segments_of(value):
                self._last_of(segment.value, atom, last, seen)
        elif isinstance(value, (list, tuple)):
            for part in list(value):
                self._last_of(part, atom, last, seen)
        elif isinstance(value, dict):
            for part in dict.values(value):
                self._last_of(part, atom, last, seen)


def _follows(loop: Loop, old: Any, new: Any, step: dict[str, Size]) -> bool:
    """Whether ``new`` is the generalised ``old`` of the next index."""
    path = loop.host.path
    if isinstance(old, (int, torch.SymInt)) and isinstance(new, (int, torch.SymInt)):
        return same_size(path, substitute(size_of(old), step), size_of(new))
    if type(old) is SymbolicTensor and type(new) is SymbolicTensor:
        one, two = old.spec, new.spec
        same = (one.dtype, one.device, one.values, one.strides, one.elements.grid) == (
            two.dtype, two.device, two.values, two.strides, two.elements.grid,
        )  # fmt: skip
        return (
            same
            and len(one.dims) == len(two.dims)
            and all(
                same_size(path, substitute(a, step), b)
                for a, b in zip(one.dims, two.dims, strict=True)
            )
        )
    if type(old) is tuple and type(new) is tuple and len(old) == len(new):
        return all(_follows(loop, a, b, step) for a, b in zip(old, new, strict=True))
    return old is new or (type(old) is type(new) and isinstance(old, (str, bool)) and old == new)


def _note_turn(tracer: Tracer, first: int, weights: int, index: Unknown, last: Size) -> None:
    """Note that calls of ``tracer`` stand for the turns of a loop, up to ``last``.

    They begin with the call ``first`` and the call on weights ``weights``.
    """
    calls, log = tracer.calls, tracer.log
    turn, low = tuple(map(with_specs, calls[first:])), index.low
    on_weights = range(weights, len(log.on_weights))
    if low is not None:
        log.repeated.append(RepeatedCalls(first, len(calls), on_weights, turn, index, low, last))
