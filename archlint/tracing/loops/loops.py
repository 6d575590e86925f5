"""The loops of one run: what rewritten functions call in the place of Python's own."""

from __future__ import annotations

import builtins
import dis
import functools
import itertools
import math
import sys
from collections.abc import Callable, Iterable
from functools import partial
from types import CodeType, FrameType, GeneratorType
from typing import TYPE_CHECKING, Any

import torch

from archlint.ops.shapes.strides import settled
from archlint.runtime.code_owner import is_user_code
from archlint.symbolic import Size
from archlint.symbolic.formula import eq, ge, gt
from archlint.tracing.identity.identity_questions import Questions
from archlint.tracing.keys.look_ups import LookUps
from archlint.tracing.loops.consumers import Consumer, Consumers, is_suspended
from archlint.tracing.loops.falling import Falling
from archlint.tracing.loops.lists import GrowingList
from archlint.tracing.loops.loop_iterator import Loop
from archlint.tracing.loops.names import BodyNames
from archlint.tracing.loops.plans import Plans
from archlint.tracing.loops.rewriting import Site, counts_at
from archlint.tracing.loops.segments import SymbolicTuple, has_symbolic_length, segments_of
from archlint.tracing.loops.sequence_functions import accumulated, listed, numbered, reduced
from archlint.tracing.loops.symbolic_ranges import (
    Sections,
    counted_turns,
    make_enumerate,
    make_iter,
    make_len,
    make_range,
    make_reversed,
    make_tuple,
    make_zip,
    sections_of,
    unbound,
)
from archlint.tracing.loops.torch_calls import torch_call
from archlint.tracing.loops.turn import Retry
from archlint.tracing.python.builtins import SEEN_AS, SHADOWS
from archlint.tracing.symint.python_types import NUMBER_TYPES
from archlint.tracing.tensors.symbolic_tensor import SymbolicTensor

if TYPE_CHECKING:
    from archlint.tracing.tracer import Tracer

SEEN_AS[GrowingList] = list
SEEN_AS[SymbolicTuple] = tuple

_OURS = frozenset({GrowingList, SymbolicTuple})
_NUMBERS = (int, float, *NUMBER_TYPES)
_COUNTS = -5  # what stands for the loops of :mod:`.counted_while` in their sites
_FALLS = -6  # and for those of :mod:`.measured_while`


class Loops:
    """The object behind the name ``HELPER`` of rewritten functions.

    ``sites``: the loops in rewritten functions. ``rebound``: values that the body of the loop that
    is about to run a turn gives to its variables first. ``builders``: lists that comprehensions are
    making. ``can_follow`` says of a code object whether its function could be rewritten.
    """

    def __init__(
        self,
        plans: Plans,
        sites: dict[Site, BodyNames],
        can_follow: Callable[[CodeType], bool],
        look_ups: LookUps,
        questions: Questions,
    ) -> None:
        self.plans = plans
        self.sites = sites
        self.can_follow = can_follow
        self.look_ups = look_ups
        self.questions = questions
        self.rebound: dict[tuple[str, Site], Any] = {}
        self.consumers = Consumers()
        self.builders: list[GrowingList] = []
        self.tracer: Any = None

    def begin(self, tracer: Tracer) -> None:
        """Follow the loops of this run."""
        self.tracer = tracer
        self.path = tracer.path
        self.run = tracer.run
        self._distances = Falling()
        self.look_ups.begin(tracer.path, tracer.run)
        self.questions.begin(tracer.path, tracer.run)

    # -- called by rewritten functions ---------------------------------------------------------

    def loop(self, items: Any, site: Site) -> Any:
        """What a loop iterates over."""
        if self.tracer is None or not self.run.in_thread():
            return items
        if isinstance(items, GrowingList):
            items.read = True
        if type(items) is GeneratorType:
            return Consumer(self, items, site)
        sections = sections_of(self, items)
        return items if sections is None else Loop(self, sections, site)

    def turns(self, start: Any, offset: Any, end: Any, step: Any, up: bool, closed: bool) -> Any:
        """The turns of a loop that counts, as of :mod:`.counted_while`.

        ``None`` without end where they are not sizes, or not always these.
        """
        site = _site_of_caller(_COUNTS)
        if self.tracer is None or not self.run.in_thread() or self.plans.changes(site):
            return itertools.repeat(None)
        found = counted_turns(self, start, offset, end, step, up, closed)
        return itertools.repeat(None) if found is None else found

    def still(self, turn: Any, *numbers: Any) -> None:
        """Start again, without counting, if the numbers are not those that ``turn`` was made of."""
        if turn is not None and not turn.same(self.path, numbers):
            self.plans.note_change(_site_of_caller(_COUNTS))
            raise Retry

    def falling(self, kind: str, one: Any, other: Any) -> Any:
        """The turns of a loop of :mod:`.measured_while`."""
        if self.tracer is None or not self.run.in_thread():
            return itertools.repeat(None)
        return self._distances.turns(self, _site_of_caller(_FALLS), kind, one, other)

    def at_turn(self, turn: Any, kind: str, one: Any, other: Any) -> None:
        """Check at the start of a turn that it is one."""
        if self.tracer is not None and self.run.in_thread():
            self._distances.at_turn(self, _site_of_caller(_FALLS), turn, kind, one, other)

    def at_end(self, kind: str, one: Any, other: Any) -> None:
        """Check after the last turn that it is the last."""
        self._distances.at_end(self, _site_of_caller(_FALLS), kind, one, other)

    def list_of(self, items: Iterable[Any] = ()) -> Any:
        """``list(items)``, or a comprehension's list."""
        made, items = self.new_list([]), unbound(items)
        if isinstance(items, Sections):
            return listed(self, items, _site_of_caller(-3))
        if has_symbolic_length(items):
            made.extend(items)
            return made
        self.builders.append(made)
        try:
            for item in self.consumers.all_of(items):
                made.append(item)
        finally:
            self.builders.pop()
        return made

    def _tuple(self, *items: Any) -> Any:
        if items and type(items[0]) is GeneratorType:
            items = (self.list_of(items[0]), *items[1:])
        if items and isinstance(items[0], Sections):
            items = (listed(self, items[0], _site_of_caller(-4)), *items[1:])
        return make_tuple(self, *items)

    def new_list(self, items: list[Any]) -> GrowingList:
        """A list that a loop may lengthen."""
        made = GrowingList(items)
        made.host = self
        return made

    def replacement(self, function: Any) -> Any:
        """The function that replaces a builtin one and takes sizes as well."""
        if self.tracer is None or not self.run.in_thread():
            return function
        try:
            method = _REPLACEMENTS.get(function)
        except TypeError:  # not hashable
            return function
        return function if method is None else partial(method, self)

    def counting(self, method: Any) -> Any:
        """A method ``numel``, which of a ``torch.Size`` takes sizes as well."""
        owner = getattr(method, "__self__", None)
        return partial(math.prod, owner) if type(owner) is torch.Size else method

    def _sum(self, items: Any, *start: Any, **named: Any) -> Any:
        items = self.list_of(items) if type(items) is GeneratorType else unbound(items)
        if not has_symbolic_length(items):
            return builtins.sum(items, *start, **named)
        result = start[0] if start else named.get("start", 0)
        if isinstance(items, GrowingList):
            items.read = True
        for value, count in segments_of(items):
            if not self.path.branch(ge(count, 1)):
                continue
            result = result + value
            if not (isinstance(count, int) and count == 1):
                again = result + value
                if not self._same(result, again) or not self._same(again, again + value):
                    return builtins.sum(items, *start, **named)
                result = again
        return result

    def _reduce(self, *args: Any) -> Any:
        return reduced(self, _site_of_caller(-1), *args)

    def _enumerate(self, items: Any, start: Any = 0) -> Any:
        if type(items) is GeneratorType:
            return numbered(self, _site_of_caller(-7), items, start)
        return make_enumerate(self, items, start)

    def _accumulate(self, *args: Any, **named: Any) -> Any:
        return accumulated(self, _site_of_caller(-2), *args, **named)

    def extreme(self, function: Any, *items: Any, **named: Any) -> Any:
        """``max`` or ``min``; of equal numbers, however many, it is one of them."""
        if len(items) == 1 and type(items[0]) is GeneratorType:
            items = (self.list_of(items[0]),)
        only = items[0] if len(items) == 1 else ()
        if not has_symbolic_length(only) or not isinstance(only, GrowingList):
            return function(*items, **named)
        runs = segments_of(only)
        if "key" in named or not all(
            type(value) in (int, float, *NUMBER_TYPES) for value, _ in runs
        ):
            return function(*items, **named)
        only.read = True
        return function([v for v, n in runs if self.path.branch(ge(n, 1))], **named)

    def _same(self, one: Any, other: Any) -> bool:
        if type(one) is not SymbolicTensor or type(other) is not SymbolicTensor:
            return False
        a, b = settled(self.path, one.spec), settled(self.path, other.spec)
        same = (a.dims, a.dtype, a.strides, a.values) == (b.dims, b.dtype, b.strides, b.values)
        return same and a.elements.grid == b.elements.grid

    # -- numbers that a Python protocol needs --------------------------------------------------

    def unrolled(self, count: Size) -> int:
        """The count as a Python number, unless the calling code can be rewritten.

        Raises :class:`Retry` then. Where the code gives the elements to a fixed number of names,
        one element more stands for every larger count: Python refuses both alike.
        """
        if isinstance(count, int):
            return count
        names = _unpacked_into(_user_frame())
        if names is None:
            self.follow_caller()
        elif self.path.branch(eq(count, names)):
            return names
        elif self.path.branch(gt(count, names)):
            return names + 1
        return self.path.pin(count)

    def fixed(self, count: Size) -> int:
        """The count as a Python number, which the path fixes."""
        return self.path.pin(count)

    def follow_caller(self, name: str = "") -> None:
        """Start again with the loops of the user's function that runs now, if it has any.

        ``name``: only if the function calls something, and uses this name. Raises :class:`Retry`
        then.
        """
        frame = _user_frame()
        if frame is None:
            return
        code = frame.f_code
        if name:  # Python 3.11 has a PRECALL too
            calls = "CALL" in dis.opname[code.co_code[frame.f_lasti]]
            if not calls or name not in code.co_names:
                return
        if self.can_follow(code):
            self.plans.changed = True
            raise Retry

    def follow_consumers(self, generator: FrameType) -> None:
        """Start again with the loops of the user's functions that take a generator's items."""
        frame: FrameType | None = generator
        while frame is not None and is_suspended(frame):
            frame = _users(frame.f_back)
            if frame is not None and self.can_follow(frame.f_code):
                self.plans.changed = True
                raise Retry

    def follow_while(self) -> None:
        """As :meth:`follow_caller`, if the test of a loop that counts runs now."""
        frame = _user_frame()
        if frame is not None and counts_at(frame.f_code, frame.f_lineno):
            self.follow_caller()

    def arguments(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A call of torch with lists of ours as plain ones: ``(func, args, kwargs)``."""
        if _OURS.isdisjoint(map(type, args)) and _OURS.isdisjoint(map(type, kwargs.values())):
            return func, args, kwargs
        return torch_call(self.path, func, args, kwargs)


def _extreme(function: Any) -> Callable[..., Any]:
    return lambda loops, *items, **named: loops.extreme(function, *items, **named)


_REPLACEMENTS: dict[Any, Callable[..., Any]] = {  # in a Loops they would make it a cycle
    builtins.range: make_range,
    builtins.enumerate: Loops._enumerate,
    builtins.zip: make_zip,
    builtins.reversed: make_reversed,
    builtins.iter: make_iter,
    builtins.len: make_len,
    SHADOWS["len"]: make_len,
    builtins.tuple: Loops._tuple,
    builtins.list: Loops.list_of,
    builtins.sum: Loops._sum,
    functools.reduce: Loops._reduce,
    itertools.accumulate: Loops._accumulate,
    **{function: _extreme(function) for function in (builtins.max, builtins.min)},
    **{SHADOWS[name]: _extreme(SHADOWS[name]) for name in ("max", "min")},
}


def _user_frame() -> FrameType | None:
    """The frame of the user's function that runs now."""
    return _users(sys._getframe(2))


def _users(frame: FrameType | None) -> FrameType | None:
    """The first frame of the user's code, from this one outwards."""
    while frame is not None and not is_user_code(frame.f_code.co_filename):
        frame = frame.f_back
    return frame


def _site_of_caller(which: int) -> Site:
    """A loop that a call on the line of the user's function stands for; ``which``: its kind."""
    frame = _user_frame()
    return ("", 0, which) if frame is None else (frame.f_code.co_filename, frame.f_lineno, which)


def _unpacked_into(frame: FrameType | None) -> int | None:
    """How many names ``a, b = items`` has, if that is what the frame does now."""
    if frame is None:
        return None
    code, at = frame.f_code.co_code, frame.f_lasti
    return code[at + 1] if dis.opname[code[at]] == "UNPACK_SEQUENCE" else None
