"""One way through a model: the sizes it was walked with, and what was asked of them on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from archlint.bounds import Box
from archlint.dims import Size, evaluate
from archlint.formula import Bool, Formula, eq, holds, negate
from archlint.ops.registry import Refused


class Undecided(BaseException):
    """The path cannot go on without a value that no size determines.

    Not an ``Exception``: a model that catches those must not swallow it.
    """


@dataclass(frozen=True, eq=False)
class Event:
    """A question that the path answered.

    A *claim* is what an operator needs; where it ``held``, sizes that break it are refused here. A
    *branch* is what Python or a kernel branched on: ``formula`` is written so that it is true on
    this path; other sizes go another way. ``call`` is the index of the call that asked.
    """

    kind: str  # "claim" or "branch"
    formula: Bool
    held: bool
    text: str
    sizes: tuple[Size, ...]
    call: int

    def needs(self) -> str:
        """The need with formulas in it."""
        return self.text.format(*self.sizes)

    def gets(self, env: Mapping[str, int]) -> str:
        """The need with the numbers of concrete sizes."""
        return self.text.format(*(evaluate(s, env) for s in self.sizes))


class WalkedPath:
    """The path a trace walks: answers from the hint ``env``, records every open question once.

    ``box`` is what is known of the sizes beforehand; whatever it settles is no question.
    """

    def __init__(self, env: Mapping[str, int], box: Box) -> None:
        self.env = dict(env)
        self.box = box
        self.events: list[Event] = []
        self.caveats: list[str] = []
        self.calls = 0
        self.claims: set[Bool] = set()  # all that was claimed, also what the box settled
        self.trail: Sequence[Any] = ()  # the tracer's calls so far
        self._truth: dict[Formula, bool] = {}

    def known(self, formula: Bool) -> bool | None:
        if isinstance(formula, bool):
            return formula
        truth = self._truth.get(formula)
        return self.box.decide(formula) if truth is None else truth

    def branch(self, formula: Bool) -> bool:
        known = self.known(formula)
        if known is None:
            assert isinstance(formula, Formula)
            known = formula.evaluate(self.env)
            self._record("branch", formula if known else negate(formula), True, "", ())
            self._learn(formula, known)
        return known

    def claim(self, formula: Bool, text: str, *sizes: Size) -> None:
        if formula is True:
            return
        self.claims.add(formula)
        known = self.known(formula)
        if known is True:
            return
        held = holds(formula, self.env)
        if known is False and not held:
            formula = False
        self._record("claim", formula, held, text, sizes)
        if isinstance(formula, Formula):
            self._learn(formula, held)
        if not held:
            raise Refused(text.format(*sizes))

    def check(self, formula: Bool) -> bool:
        """A claim that a PyTorch kernel makes itself: it raises, with its own message."""
        try:
            self.claim(formula, "the operator's own check: " + str(formula).replace("{", "{{"))
        except Refused:
            return False
        return True

    def pin(self, size: Size) -> int:
        """The size as a number: a branch that leaves every other value to other paths."""
        if isinstance(size, int):
            return size
        low, high = self.box.interval(size)
        if low is not None and low == high:
            return low
        value = size.evaluate(self.env)
        self.branch(eq(size, value))
        return value

    def unproved(self, text: str) -> None:
        if text not in self.caveats:
            self.caveats.append(text)

    def _learn(self, formula: Formula, truth: bool) -> None:
        self._truth[formula] = truth
        opposite = negate(formula)
        if isinstance(opposite, Formula):
            self._truth[opposite] = not truth

    def _record(
        self, kind: str, formula: Bool, held: bool, text: str, sizes: tuple[Size, ...]
    ) -> None:
        self.events.append(Event(kind, formula, held, text, sizes, self.calls - 1))
