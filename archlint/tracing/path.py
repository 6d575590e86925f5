"""One way through a model: the sizes it was walked with, and what was asked of them on the way."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import CodeType
from typing import Any, NoReturn

from archlint.contracts.region import bounds_of
from archlint.ops.registry import Refused, TensorSpec
from archlint.symbolic import Size, Unknown, unknown
from archlint.symbolic.case_split import divisors
from archlint.symbolic.equalities import Equalities
from archlint.symbolic.formula import (
    Bool,
    Comparison,
    Formula,
    Junction,
    comparisons,
    eq,
    holds,
    known_truth,
    map_comparisons,
    negate,
    simplify,
)
from archlint.symbolic.intervals import Box
from archlint.symbolic.products import factored
from archlint.symbolic.quantify import MAX_UNKNOWNS, for_all, unknowns_in, upper_bound
from archlint.tracing.events import Event
from archlint.tracing.python.exception_flow import is_caught
from archlint.tracing.signals import Apart, Undecided

ROUNDING = "the rounding of"  # how the makers of some unknowns are named
MASK_BYTES = 1  # of an element of a mask
ASKED = "the value of a tensor is asked for (.item(), bool(), tolist() or an `if` on it)"


@dataclass(frozen=True)
class Mark:
    """How far a path had come."""

    events: int
    caveats: int
    answered: int
    unknowns: int
    truth: dict[Formula, bool]
    equalities: Equalities
    narrow: Box


class TracedPath:
    """The path a trace walks: answers from the hint ``env``, records every open question once.

    ``box`` is what is known of the sizes beforehand; whatever it settles is no question. With
    ``eager``, what compares sizes is a plain ``bool`` at once, and a size that is hashed is pinned.
    ``answers`` are given in turn where Python branches on a value that no size determines (then
    ``True``); with ``None`` such a branch is :class:`Undecided`. While ``turns`` are given, the
    path tries another way than that of the hint: it takes these branches in turn, and what is
    claimed is taken to hold.

    A number that values decide is an unknown within bounds (:meth:`unknown`). What is asked of it
    is settled where the answer is the same for all that it may be. A branch that is not goes both
    ways, as one on a value; a claim that is not is :class:`Undecided`. No event names an unknown.
    """

    def __init__(
        self,
        env: Mapping[str, int],
        box: Box,
        *,
        eager: bool = False,
        answers: Sequence[bool] | None = None,
    ) -> None:
        self.env = dict(env)
        self.box = box
        self.eager = eager
        self.answers = answers
        self.answered: list[bool] = []
        self.unknowns: list[str] = []  # by which operator each was made, in their order
        self.counts: dict[int, tuple[TensorSpec, Size]] = {}  # of masks, by the id of the spec
        self._short: dict[Size, Size] = {}  # unknowns that stand for sums of unknowns
        self.counting = True  # whether memory of masks is only written as such
        self.events: list[Event] = []
        self.caveats: list[str] = []
        self.calls = 0
        self.claims: set[Bool] = set()  # all that was claimed, also what the box settled
        self.trail: Sequence[Any] = ()  # the tracer's calls so far
        self.on_ask: Callable[[], None] | None = None  # when Python wants to know a size
        self.model_caller: CodeType | None = None  # whose callees may catch what is refused
        self.refused = False  # whether a claim did not hold, and nothing is seen that goes on
        self.turns: Sequence[Bool] | None = None
        self._turned = 0
        self._truth: dict[Formula, bool] = {}
        self._equalities = Equalities()
        self._factored: tuple[Box, dict[Comparison, Bool]] = (box, {})
        self._narrow = box  # what is left of it where the bounds learned so far hold

    def suppose(self, given: Bool) -> None:
        """Take as known what holds of all sizes that this path is about: no question, no event."""
        if isinstance(given, Junction) and given.word == "and":
            for part in given.args:
                self.suppose(part)
        elif isinstance(given, Formula) and self.known(given) is None:
            self._learn(given, True)

    def known(self, formula: Bool) -> bool | None:
        if isinstance(formula, bool):
            return formula
        known = self._part(formula)
        if known is not None:
            return known
        plain = self._plain(formula)
        known = known_truth(plain, self._part)
        if known is None and self.unknowns and unknowns_in(plain):
            for said, truth in zip(self._for_all_values(plain), (True, False), strict=True):
                if known_truth(self._plain(said), self._part):
                    return truth
        return known

    def _part(self, formula: Formula) -> bool | None:
        truth = self._truth.get(formula)
        return self._narrow.decide(formula) if truth is None else truth

    def _plain(self, formula: Bool) -> Bool:
        """The formula in simpler terms, as far as this path allows them."""
        return map_comparisons(self._equalities.simplify_formula(formula), self._of_factors)

    def _of_factors(self, comparison: Comparison) -> Bool:
        box, known = self._factored
        if box is not self._narrow:
            box, known = self._factored = self._narrow, {}
        if comparison not in known:
            found = factored(comparison, box)
            known[comparison] = (
                found if found is comparison else map_comparisons(found, self._of_factors)
            )
        return known[comparison]

    def _open(self, formula: Bool) -> Bool:
        """What of the formula is not known yet."""
        return simplify(self._plain(formula), self._part)

    def given(self, size: Size) -> Size:
        """The same size, written more simply where an equation of this path allows that."""
        found = self._equalities.simplify_size(size)
        return self._in_short(found) if self.unknowns else found

    def simplest(self, spec: TensorSpec) -> TensorSpec:
        """The same tensor, its sizes written as :meth:`given`."""
        if not self._equalities and not self.unknowns:
            return spec
        dims = tuple(map(self.given, spec.dims))
        if dims == spec.dims:
            return spec
        strides = spec.strides
        if type(strides) is tuple:
            strides = tuple(map(self.given, strides))
        return spec.like(dims, strides=strides, values=spec.values)

    def branch(self, formula: Bool) -> bool:
        known = self.known(formula)
        if known is None:
            formula = self._open(formula)
            if isinstance(formula, bool):  # its open parts together leave no question
                return formula
            if self.unknowns and unknowns_in(formula):
                return self._by_values(formula)
            known = formula.evaluate(self.env) if self.turns is None else self._turn(formula)
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
        formula = self._open(formula)
        if formula is True:
            return
        held = holds(formula, self.env) if self.turns is None else formula is not False
        if self.unknowns and isinstance(formula, Formula) and unknowns_in(formula):
            sure = self._for_sure(formula) if known is None else known
            if sure is None:
                known_sizes = ("_" if unknowns_in(s) else s for s in sizes)
                raise Undecided(f"{self._made_by(formula)} whether {text.format(*known_sizes)}")
            if sure:
                return
            known = held = False
            sizes = tuple(map(upper_bound, sizes))  # even at their most, it does not hold
        if known is False and (not held or self.turns is not None):
            formula, held = False, False
        op = self.trail[-1].op if self.trail else ""
        kind, caught = "claim", is_caught(self.model_caller, op)
        if caught is not False:
            self._must_follow_hint()
            if held:
                kind = "branch"  # other sizes are not refused: they go another way
            elif caught is None:
                raise Undecided("an operator refuses in a `try` or `with` that may catch its error")
        self._record(kind, formula, held, text, sizes)
        if isinstance(formula, Formula):
            self._learn(formula, held)
        if not held:
            self.refused = self.refused or not caught
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
        size = self.given(size)
        if isinstance(size, int):
            return size
        low, high = self.box.interval(size)
        if low is not None and low == high:
            return low
        if self.unknowns and unknowns_in(size):
            raise Undecided(f"{self._made_by(size)} a number that the model computes with")
        self._must_follow_hint()
        value = size.evaluate(self.env)
        self.branch(eq(size, value))
        return value

    def guess(self, what: str = ASKED) -> bool:
        """Which way to go where a value decides; the other way is another trace's.

        ``what`` says what is asked for.
        """
        self._must_follow_hint()
        if self.answers is None:
            raise Undecided(what)
        at = len(self.answered)
        self.answered.append(self.answers[at] if at < len(self.answers) else True)
        return self.answered[at]

    def unknown(self, made_by: str, low: Size | None, *most: Size) -> Size:
        """A number that values decide: at least ``low``, at most each of ``most``.

        ``made_by`` names the operator that made it.
        """
        self._must_follow_hint()
        if any(m == low for m in most):
            assert low is not None
            return low
        self.unknowns.append(made_by)
        return unknown(len(self.unknowns), low, tuple(dict.fromkeys(most)))

    def count(self, made_by: str, tensor: TensorSpec) -> Size:
        """How many elements of the tensor are not 0: the same for one mask until masks change."""
        known = self.counts.get(id(tensor))
        if known is not None:
            return known[1]
        found = self.unknown(made_by, 0, tensor.numel())
        if self.counting and tensor.dtype.itemsize == MASK_BYTES:
            self.counts[id(tensor)] = tensor, found
        return found

    def undecided(self, text: str) -> NoReturn:
        """Nothing can be said of what comes after."""
        if self.on_ask is not None:
            self.on_ask()
        raise Undecided(text)

    def unproved(self, text: str) -> None:
        self._must_follow_hint()
        if text not in self.caveats:
            self.caveats.append(text)

    # -- other ways than that of the hint ---------------------------------------------------------

    def mark(self) -> Mark:
        """Where the path is now."""
        known = dict(self._truth), self._equalities.copy(), self._narrow
        counts = len(self.events), len(self.caveats), len(self.answered), len(self.unknowns)
        return Mark(*counts, *known)

    def rewind(self, mark: Mark) -> None:
        """Back to where it was; what came after is forgotten. Not for answers to values."""
        del self.events[mark.events :]
        self._truth, self._equalities = dict(mark.truth), mark.equalities.copy()
        self._narrow = mark.narrow
        self._turned = 0

    def only_asked(self, mark: Mark) -> bool:
        """Whether nothing but sizes was asked since, and no value decided a number."""
        now = len(self.caveats), len(self.answered), len(self.unknowns)
        return (mark.caveats, mark.answered, mark.unknowns) == now

    def claimed(self, event: Event) -> None:
        """Claim what was claimed on one way, for all ways."""
        if self.known(event.formula) is True:
            return
        formula = self._open(event.formula)
        if not isinstance(formula, Formula) or not holds(formula, self.env):
            raise Apart
        self.claims.add(formula)
        self.events.append(replace(event, formula=formula, held=True))
        self._learn(formula, True)

    def same(self, when: Bool, one: Size, other: Size) -> bool:
        """Whether the sizes are known to be the same where ``when`` holds."""
        mark = self.mark()
        if isinstance(when, Formula):
            self._learn(when, True)
        try:
            return self.known(eq(one, other)) is True
        finally:
            self.rewind(mark)

    def _turn(self, formula: Formula) -> bool:
        """The next turn, which must be about this formula; beyond the last, that of the hint."""
        assert self.turns is not None
        at, self._turned = self._turned, self._turned + 1
        if at >= len(self.turns):
            try:
                return formula.evaluate(self.env)
            except ZeroDivisionError:  # the hint's sizes do not come this way
                raise Apart from None
        opposite = negate(formula)
        if self.turns[at] is opposite:
            return False
        if self.turns[at] is formula or self.turns[at] is negate(opposite):
            return True
        raise Apart

    # -- numbers that values decide ---------------------------------------------------------------

    def _for_all_values(self, formula: Bool) -> tuple[Bool, Bool]:
        """Where the formula holds, and where it fails, whatever its unknowns are."""
        return for_all(formula, self._narrow), for_all(negate(formula), self._narrow)

    def _for_sure(self, formula: Formula) -> bool | None:
        """Whether it holds for all values, which branches on sizes; ``None`` if values decide.

        What divides sizes by sizes would make all that follows hard to solve: it is no branch.
        """
        for said, truth in zip(self._for_all_values(formula), (True, False), strict=True):
            plain = not any(True for c in comparisons(said) for _ in divisors(c.expr))
            if self.branch(said) if plain else self.known(said):
                self._learn(formula, truth)
                return truth
        return None

    def _by_values(self, formula: Formula) -> bool:
        """Which way to go: by sizes as far as they settle it, and then by a guess."""
        known = self._for_sure(formula)
        if known is None:
            known = self.guess(f"{self._made_by(formula)} the way that the model takes")
            self._learn(formula, known)
        return known

    def _in_short(self, size: Size) -> Size:
        """The size, or one unknown in the place of a sum of many."""
        if len(unknowns_in(size)) <= MAX_UNKNOWNS:
            return size
        if size not in self._short:
            self._must_follow_hint()  # what bounds another way does not bound this one
            low, high = self._narrow.interval(size)
            self.unknowns.append(self._makers(size))
            most = () if high is None else (high,)
            self._short[size] = unknown(len(self.unknowns), low, most)
        return self._short[size]

    def _makers(self, what: Bool | Size) -> str:
        made = (self.unknowns[u.number - 1] for u in reversed(unknowns_in(what)))
        return ", ".join(dict.fromkeys(name for names in made for name in names.split(", ")))

    def _made_by(self, what: Bool | Size) -> str:
        names = self._makers(what)
        return f"{names} decides" if names.startswith(ROUNDING) else f"values ({names}) decide"

    def _must_follow_hint(self) -> None:
        if self.turns is not None:
            raise Apart

    def _learn(self, formula: Formula, truth: bool) -> None:
        self._truth[formula] = truth
        opposite = negate(formula)
        if isinstance(opposite, Formula):
            self._truth[opposite] = not truth
        learned = formula if truth else opposite
        if isinstance(learned, Junction) and learned.word == "and":
            for part in learned.args:
                self._learn(part, True)
            return
        if self.unknowns and unknowns_in(learned):
            written = self._equalities.simplify_formula(learned)
            if unknowns_in(written) and not _tells_unknown(written):
                return
        if isinstance(learned, Comparison) and learned.op == ">=":
            if self.box.interval(learned.expr)[1] == 0:
                learned = eq(learned.expr, 0)  # it is at least 0, and never more
            self._narrow = self._narrow.within(bounds_of(learned))
        self._equalities.add(learned)

    def _record(
        self, kind: str, formula: Bool, held: bool, text: str, sizes: tuple[Size, ...]
    ) -> None:
        self.events.append(Event(kind, formula, held, text, sizes, self.calls - 1))


def _tells_unknown(formula: Bool) -> bool:
    """Whether it bounds an unknown, or says what one is: no size is written with unknowns."""
    if not isinstance(formula, Comparison):
        return False
    terms = formula.expr.terms
    if formula.op == "==":
        return any(len(m) == 1 and abs(c) == 1 and isinstance(m[0], Unknown) for m, c in terms)
    return len(terms) == 1
