"""Calls that the list of a trace leaves out: merged branches, turns of loops, calls on weights.

A trace lists one run. Where branches of a module were merged, the other branches make other calls;
where one turn stands for all turns of a loop, its calls are made once for each of them; and calls
on weights alone ran for real and are not in the list. The cost of a model needs all three.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, Union

from archlint.symbolic import Size, Unknown
from archlint.symbolic.formula import Bool

if TYPE_CHECKING:
    from archlint.tracing.trace import Call

MOST_CALLS = 50_000  # of operators in one run: a second is 1,000 calls or more, and 20 MB


@dataclass(frozen=True)
class Branch:
    """The calls of one branch at the sizes ``when``; ``log`` is theirs, counted from ``start``."""

    when: Bool
    start: int
    calls: tuple[Call, ...]
    log: CallLog


@dataclass(frozen=True)
class MergedCalls:
    """The calls from ``first`` up to ``end``, made where ``when`` holds; else those of others.

    ``weights``: which of the log's calls on weights were made among them.
    """

    first: int
    end: int
    weights: range
    when: Bool
    others: tuple[Branch, ...]


@dataclass(frozen=True)
class RepeatedCalls:
    """The calls from ``first`` up to ``end``: one turn, for ``index`` from ``low`` to ``last``.

    ``calls``: these calls with specs in place of tensors, as of the end of the turn; ``weights``
    as in :class:`MergedCalls`. ``at_once``: whether all turns are made at once, by ``vmap``.
    """

    first: int
    end: int
    weights: range
    calls: tuple[Call, ...]
    index: Unknown
    low: Size
    last: Size
    at_once: bool = False


class CalledModule(NamedTuple):
    """A call of a ``module`` with ``args``: it lasts from the call ``first`` up to ``end``."""

    module: str
    first: int
    end: int
    args: tuple[Any, ...]


Span = Union[MergedCalls, RepeatedCalls]
LogMark = tuple[int, int, int, int]


@dataclass
class CallLog:
    """Notes about a list of calls, each list in the order of the run.

    ``on_weights``: calls on weights alone. A span inside another was noted before it.
    ``branched``: the class of the module, for each call of one whose own code branched.
    ``parted``: the branches of calls prepared for merging, by the module's class and first call.
    ``read``: by ``id``, the weights that calls without sizes read where training records gradients.
    ``reads_floats``: whether code read the values of weights; ``loses_floats``: whether it computed
    integers from weights without values.
    """

    on_weights: list[Call] = field(default_factory=list)
    merged: list[MergedCalls] = field(default_factory=list)
    repeated: list[RepeatedCalls] = field(default_factory=list)
    modules: list[CalledModule] = field(default_factory=list)
    branched: list[str] = field(default_factory=list)
    parted: dict[tuple[str, int], list[Bool]] = field(default_factory=dict)
    read: set[int] = field(default_factory=set)
    reads_floats: bool = False
    loses_floats: bool = False

    def mark(self) -> LogMark:
        """The current end of the log, for :meth:`cut`."""
        return len(self.on_weights), len(self.merged), len(self.repeated), len(self.modules)

    def cut(self, mark: LogMark) -> CallLog:
        """Remove what came after ``mark`` and return it, but for the calls of modules."""
        weights, merged, repeated, modules = mark
        del self.modules[modules:]
        rest = self._part(
            self.on_weights[weights:], self.merged[merged:], self.repeated[repeated:], weights
        )
        del self.on_weights[weights:], self.merged[merged:], self.repeated[repeated:]
        return rest

    def spans(self) -> list[Span]:
        """The spans, an outer one before those inside it."""
        every: list[Span] = [*self.merged[::-1], *self.repeated[::-1]]
        return sorted(every, key=lambda s: (s.first, -s.end))

    def within(self, span: Span) -> CallLog:
        """The notes about calls inside a span, itself left out."""
        start, end = span.weights.start, span.weights.stop
        merged, repeated = _before(self.merged, span), _before(self.repeated, span)
        return self._part(self.on_weights[start:end], merged, repeated, start)

    def _part(
        self,
        on_weights: list[Call],
        merged: list[MergedCalls],
        repeated: list[RepeatedCalls],
        start: int,
    ) -> CallLog:
        """A part of the log, whose first call on weights is here number ``start``."""
        return CallLog(
            on_weights,
            [replace(m, weights=_moved(m.weights, -start)) for m in merged],
            [replace(r, weights=_moved(r.weights, -start)) for r in repeated],
        )


S = TypeVar("S", MergedCalls, RepeatedCalls)


def _before(spans: Sequence[S], outer: Span) -> list[S]:
    """The spans inside ``outer``, which were noted before it."""
    earlier = takewhile(lambda s: s is not outer, spans)
    return [s for s in earlier if outer.first <= s.first and s.end <= outer.end]


def _moved(numbers: range, by: int) -> range:
    return range(numbers.start + by, numbers.stop + by)
