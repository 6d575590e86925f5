"""The turn that stands for all turns of a loop, and what claims and branches mean in it."""

from __future__ import annotations

from math import gcd, lcm
from typing import TYPE_CHECKING, NoReturn

from archlint.ops.traits import ERRORS, traits_of
from archlint.symbolic import Expr, FloorDiv, Size, Unknown, atoms, evaluate
from archlint.symbolic.formula import Bool, Formula, comparisons, holds, negate
from archlint.symbolic.quantify_range import at_every_value, at_value, index_range
from archlint.symbolic.quantify_unknowns import unknowns_in, upper_bound
from archlint.tracing.events import Event
from archlint.tracing.exception_handling.exception_flow import is_caught
from archlint.tracing.loops.plans import MOST_FIRST, MOST_LAST, Plans
from archlint.tracing.loops.rewriting import Site

if TYPE_CHECKING:
    from archlint.tracing.path import TracedPath

_MOST_VALUES = 4096


class Retry(BaseException):
    """The trace is to start again, with other plans.

    Not an ``Exception``: a model that catches those must not swallow it.
    """


class Turn:
    """One turn of a loop with an index that takes every value of a range.

    What is recorded in it holds for all turns in the range, which is proved when the turn ends: it
    must leave the state that the next turn starts from. Until then a claim that fails in a later
    turn refuses nothing yet (``failed``, the first such claim).
    """

    def __init__(self, path: TracedPath, site: Site, index: Unknown, plans: Plans) -> None:
        self.path = path
        self.site = site
        self.index = index
        self.plans = plans
        self.failed: Event | None = None
        self._choices = len(path.choices)

    def every(self, formula: Bool) -> Bool:
        """Where the formula holds in every turn of the range."""
        found = at_every_value(formula, self.index, self.path.facts.narrow)
        if found is None:
            self.unroll(formula)
        return found

    def side(self, formula: Formula) -> bool:
        """The side that all turns take, which may branch on sizes."""
        for side, opposite in ((formula, negate(formula)), (negate(formula), formula)):
            whole = self.every(side)
            if self.path.known(whole) is True or holds(whole, self.path.env):
                if self.path.branch(whole):
                    return side is formula
            elif self.path.known(self.every(opposite)) is True:
                return side is not formula
        return self._split(formula)

    def claim(self, formula: Bool, text: str, sizes: tuple[Size, ...]) -> None:
        """Require the formula in every turn.

        What fails in a later turn refuses once that turn is known to be reached.
        """
        path, outer = self.path, self
        calls = path.calls_so_far
        raises = traits_of(calls[-1].func).raises if calls else ERRORS
        if is_caught(path.model_caller, raises) is not False:
            self.unroll()
        whole, each = formula, None
        while (turn := path.turn_of(whole)) is not None:
            each = formula if turn.chose() else each
            whole, outer = turn.every(whole), turn
        known = path.known(whole)
        if known is True:
            return
        if known is None:
            whole = path.facts.open_part(whole)
        held = holds(whole, path.env)
        sizes = tuple(map(upper_bound, sizes))
        event = Event("claim", whole, held, text, sizes, path.calls - 1, each)
        if held:
            path.events.append(event)
            if isinstance(whole, Formula):
                path.learn(whole, True)
        elif outer.failed is None:
            outer.failed = event

    def chose(self) -> bool:
        """Whether values decided something in this turn, and may decide otherwise in another."""
        return len(self.path.choices) > self._choices

    def _split(self, formula: Formula) -> NoReturn:
        """Start again; the turns at the ends that take the other side are followed one by one.

        Where the remainder of the index by a small number decides, with groups of turns.
        """
        self.group(formula)
        env = self.path.env
        others = [u for u in unknowns_in(formula) if u is not self.index]
        low, high = (evaluate(end, env) for end in index_range(self.index))
        if others or high - low > _MOST_VALUES:
            self.unroll()
        sides = [holds(at_value(formula, self.index, k), env) for k in range(low, high + 1)]
        middle = self._middle(formula, sides)
        first = next(k for k, s in enumerate(sides) if s is middle)
        last = next(k for k, s in enumerate(reversed(sides)) if s is middle)
        plan = self.plans.of(self.site)
        alike = all(s is middle for s in sides[first : len(sides) - last])
        few = plan.first + first <= MOST_FIRST and plan.last + last <= MOST_LAST
        few = few and (plan.period == 1 or not last)  # the index counts groups then
        if not (alike and few and first + last):
            self.unroll()
        self.plans.more(self.site, first, last)
        raise Retry

    def _middle(self, formula: Formula, sides: list[bool]) -> bool:
        """The side of all turns but those at the ends, whatever the number of turns.

        Where the sides change once, ``[False, True]`` of ``k == n - 1``, that may be either side.
        """
        changes = [k for k in range(1, len(sides)) if sides[k] is not sides[k - 1]]
        if len(changes) == 1:
            first, last = changes[0], len(sides) - changes[0]
            if self._known_between(formula, first, 0) is sides[-1]:
                return sides[-1]
            if self._known_between(formula, 0, last) is sides[0]:
                return sides[0]
        return sides[len(sides) // 2]

    def _known_between(self, formula: Formula, first: int, last: int) -> bool | None:
        """The side that all turns but a few take at all sizes of the path; only before a retry."""
        low, high = index_range(self.index)
        between = self.path.unknown("a loop", low + first, high - last)
        if between == low + first:  # one turn
            return None
        index = unknowns_in(between)[0]
        for side in (True, False):
            of_side = at_value(formula if side else negate(formula), self.index, between)
            whole = at_every_value(of_side, index, self.path.facts.narrow)
            if whole is not None and self.path.known(whole) is True:
                return side
        return None

    def group(self, about: Bool | Size) -> None:
        """Start again with groups of turns if the index is divided by small numbers in ``about``.

        ``i % 2`` and ``i // 3`` are plain in groups of 2 and of 3 turns.
        """
        sizes = [about] if isinstance(about, (int, Expr)) else [c.expr for c in comparisons(about)]
        divided = (a for size in sizes for a in atoms(size) if isinstance(a, FloorDiv))
        each = (_period(a, self.index) for a in divided)
        if self.plans.group(self.site, lcm(*each)):
            raise Retry

    def unroll(self, about: Bool | Size = True) -> NoReturn:
        """Start again, following each turn of the loop, or groups of turns by ``about``."""
        self.group(about)
        self.plans.unroll(self.site)
        raise Retry


def _period(quotient: FloorDiv, index: Unknown) -> int:
    """After how many turns the remainder of the quotient is the same again."""
    if not isinstance(quotient.den, int):
        return 1
    for monomial, coefficient in quotient.num.terms:
        if monomial == (index,):
            return abs(quotient.den) // gcd(quotient.den, coefficient)
    return 1
