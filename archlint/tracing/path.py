"""One path through a model: the sizes it follows, and the branches and claims on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import CodeType
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from archlint.ops.registry import Refused, TensorSpec, refusal
from archlint.ops.traits import ERRORS, traits_of
from archlint.symbolic import Size, evaluate, unknown
from archlint.symbolic.case_split import divisors
from archlint.symbolic.formula import Bool, Formula, Junction, comparisons, eq, holds, negate
from archlint.symbolic.intervals import Box
from archlint.symbolic.quantify_unknowns import MAX_UNKNOWNS, unknowns_in, upper_bound
from archlint.tracing.events import Event, with_sizes
from archlint.tracing.exception_handling.exception_flow import is_caught
from archlint.tracing.facts import Facts, SavedFacts
from archlint.tracing.mask_counts import MaskCounts
from archlint.tracing.signals import CannotMerge, UnknownOutcome
from archlint.tracing.symint.size_keys import SizeKeys

if TYPE_CHECKING:
    from archlint.tracing.loops.turn import Turn

MOST_MERGED = 16  # branches of one module call
_FEW = 8  # values of a number, each of which is a path
ROUNDING = "the rounding of"  # how the makers of some unknowns are named
VALUE_NEEDED = "the value of a tensor is needed (.item(), bool(), tolist() or an `if` on it)"


class Mark(NamedTuple):
    """A point on the path, for :meth:`TracedPath.rewind`."""

    events: int
    caveats: int
    choices: int
    unknowns: int
    facts: SavedFacts


class TracedPath:
    """The path that a trace follows; it records each branch and claim once.

    ``env``: the concrete sizes that choose the side of each branch. ``box``: bounds of all sizes
    the caller is interested in; what they settle is neither branch nor claim. With ``eager``, a
    comparison of sizes is a plain ``bool`` at once, and a size that is hashed becomes a number.
    ``value_choices``: the sides to take, in turn, where Python branches on a value that no size
    determines (after the last: ``True``); with ``None`` such a branch ends the trace with
    :class:`UnknownOutcome`. While ``forced`` is set, the path takes these branches in turn instead
    of those of ``env``, and every claim is taken to hold.

    A number that values of tensors determine is an unknown within bounds (:meth:`unknown`). A
    comparison with it is settled if the answer is always the same; otherwise a branch takes both
    sides, as one on a value, and a claim is an :class:`UnknownOutcome`. No event names an unknown.
    """

    def __init__(
        self,
        env: Mapping[str, int],
        box: Box,
        *,
        eager: bool = False,
        value_choices: Sequence[bool] | None = None,
    ) -> None:
        self.env = dict(env)
        self.box = box
        self.eager = eager
        self.value_choices = value_choices
        self.choices: list[bool] = []  # the sides taken so far where values decide
        self.unknowns: list[str] = []  # by which operator each was made, in their order
        self.facts = Facts(box, self.unknowns)
        self.masks = MaskCounts()
        self.keys = SizeKeys()
        self._sums: dict[Size, Size] = {}  # unknowns that stand for sums of unknowns
        self.events: list[Event] = []
        self.caveats: list[str] = []
        self.calls = 0
        self.claims: set[Bool] = set()  # all claims, also those that the box settled
        self.calls_so_far: Sequence[Any] = ()  # the tracer's list of calls
        self.before_number: Callable[[], None] | None = None  # called when Python needs a number
        self.model_caller: CodeType | None = None  # code below it may catch an operator's error
        self.refused = False  # whether a claim failed in code that is not known to continue
        self.turns: list[Turn] = []  # that stand for all turns of loops, outermost first
        self.varies = False  # whether a turn started from one of several states
        self.follows_loops = False  # whether a number of pieces may stay a size
        self.forced: Sequence[Bool] | None = None
        self.forced_taken = 0

    def suppose(self, known: Bool) -> None:
        """Take as known what holds for all sizes that this path is about; records no event."""
        if isinstance(known, Junction) and known.op == "and":
            for part in known.args:
                self.suppose(part)
        elif isinstance(known, Formula) and self.known(known) is None:
            self.learn(known, True)

    def known(self, formula: Bool) -> bool | None:
        """Whether the formula holds for all sizes of the path; ``None`` if that is not known."""
        return self.facts.known(formula)

    def simplified(self, size: Size) -> Size:
        """The same size, written more simply where an equation of this path allows that."""
        found = self.facts.simplified(size)
        return self._with_few_unknowns(found) if self.unknowns else found

    def simplest(self, spec: TensorSpec) -> TensorSpec:
        """The same tensor with :meth:`simplified` sizes."""
        if not self.facts.equalities and not self.unknowns:
            return spec
        dims = tuple(map(self.simplified, spec.dims))
        if dims == spec.dims:
            return spec
        strides = spec.strides
        if type(strides) is tuple:
            strides = tuple(map(self.simplified, strides))
        return spec.rewritten(dims, strides)

    def branch(self, formula: Bool) -> bool:
        """The side that the path takes; recorded unless it is known for all sizes."""
        known = self.known(formula)
        if known is None:
            formula = self.facts.open_part(formula)
            if isinstance(formula, bool):  # its open parts together leave nothing open
                return formula
            if self.unknowns and unknowns_in(formula):
                turn = self.turn_of(formula)
                if turn is not None:
                    return turn.side(formula)
                return self._branch_on_unknown(formula)
            known = formula.evaluate(self.env) if self.forced is None else self._next(formula)
            self.record("branch", formula if known else negate(formula), True, "", ())
            self.learn(formula, known)
        return known

    def claim(
        self, formula: Bool, text: str, *sizes: Size, error: type[Exception] | None = None
    ) -> None:
        """Require ``formula``: the operator raises unless it holds.

        ``text`` states the requirement, with ``{}`` for each of ``sizes``. Raises :class:`Refused`
        if it does not hold at the sizes of the path, :class:`UnknownOutcome` if values decide.
        """
        if formula is True:
            return
        self.claims.add(formula)
        if (known := self.known(formula)) is True:
            return
        if (formula := self.facts.open_part(formula)) is True:
            return
        turn = self.turn_of(formula)
        if turn is not None:
            turn.claim(formula, text, sizes)
            return
        held = holds(formula, self.env) if self.forced is None else formula is not False
        if self.unknowns and isinstance(formula, Formula) and unknowns_in(formula):
            sure = self._for_sure(formula) if known is None else known
            if sure is None:
                claim = with_sizes(text, ("_" if unknowns_in(s) else s for s in sizes))
                raise UnknownOutcome(f"{self._made_by(formula)} whether this holds: {claim}")
            if sure:
                return
            known = held = False
            sizes = tuple(map(upper_bound, sizes))  # even at their most, it does not hold
        if known is False and (not held or self.forced is not None):
            formula, held = False, False
        raises = traits_of(self.calls_so_far[-1].func).raises if self.calls_so_far else ERRORS
        kind, caught = "claim", is_caught(self.model_caller, (error,) if error else raises)
        if caught is not False:
            self._must_follow_env()
            if held:
                kind = "branch"  # other sizes are not refused: they take another path
            elif caught is None:
                raise UnknownOutcome(
                    "an operator raises inside a `try` or `with` that may catch its error"
                )
        self.record(kind, formula, held, text, sizes)
        if isinstance(formula, Formula):
            self.learn(formula, held)
        if not held:
            self.refused = self.refused or not caught
            raise refusal(error)(with_sizes(text, sizes))

    def check(self, formula: Bool) -> bool:
        """A claim that a PyTorch kernel makes itself: it raises, with its own message."""
        try:
            self.claim(formula, "the operator's own check: " + str(formula).replace("{", "{{"))
        except Refused:
            return False
        return True

    def pin(self, size: Size) -> int:
        """The size as a number: a branch that leaves every other value to other paths."""
        written, size = size, self.simplified(size)
        if isinstance(size, int):
            if size != evaluate(written, self.env):
                self._must_follow_env()  # the caller reads what it computes with from ``env``
            return size
        low, high = self.box.interval(size)
        if low is not None and low == high:
            return low
        turn = self.turn_of(eq(size, 0))
        if turn is not None:
            turn.unroll(size)
        if self.unknowns and unknowns_in(size):
            if low is None or high is None or high - low >= _FEW:
                raise UnknownOutcome(f"{self._made_by(size)} a number that the model computes with")
            return next((n for n in range(low, high) if self.branch(eq(size, n))), high)
        self._must_follow_env()
        value = size.evaluate(self.env)
        self.branch(eq(size, value))
        return value

    def choose(self, what: str = VALUE_NEEDED) -> bool:
        """The side to take where a value decides; another trace takes the other side.

        ``what`` says what the value is needed for. Raises :class:`UnknownOutcome` without
        ``value_choices``.
        """
        self._must_follow_env()
        if self.value_choices is None:
            raise UnknownOutcome(what)
        at = len(self.choices)
        self.choices.append(self.value_choices[at] if at < len(self.value_choices) else True)
        return self.choices[at]

    def unknown(self, made_by: str, low: Size | None, *most: Size) -> Size:
        """A number that values decide: at least ``low``, at most each of ``most``.

        ``made_by`` names the operator that made it.
        """
        self._must_follow_env()
        if any(m == low for m in most):
            assert low is not None
            return low
        self.unknowns.append(made_by)
        return unknown(len(self.unknowns), low, tuple(dict.fromkeys(most)))

    def count(self, made_by: str, tensor: TensorSpec) -> Size:
        """How many elements of the tensor are not 0: the same for one mask until masks change."""
        return self.masks.of(tensor, lambda: self.unknown(made_by, 0, tensor.numel()))

    def unknown_outcome(self, text: str) -> NoReturn:
        """End the trace: nothing can be known about what follows, because of ``text``."""
        if self.before_number is not None:
            self.before_number()
        raise UnknownOutcome(text)

    def forget_claims(self) -> None:
        """Drop all claims: something that the trace did not see may decide what is claimed."""
        self.events[:] = [event for event in self.events if event.kind == "branch"]

    def unproved(self, text: str) -> None:
        """Note that the verdict cannot be ``proved``, because of ``text``."""
        self._must_follow_env()
        if text not in self.caveats:
            self.caveats.append(text)

    # -- other branches than those of ``env`` -----------------------------------------------------

    def mark(self) -> Mark:
        """The current point of the path."""
        counts = len(self.events), len(self.caveats), len(self.choices), len(self.unknowns)
        return Mark(*counts, self.facts.save())

    def rewind(self, mark: Mark) -> None:
        """Return to ``mark`` and forget what came after; choices about values stay."""
        del self.events[mark.events :]
        self.facts.restore(mark.facts)
        self.forced_taken = 0

    def only_sizes_since(self, mark: Mark) -> bool:
        """Whether everything since ``mark`` depended on sizes only, not on values."""
        now = len(self.caveats), len(self.choices), len(self.unknowns)
        return (mark.caveats, mark.choices, mark.unknowns) == now

    def claim_for_all(self, event: Event) -> None:
        """Claim on this path what was claimed on one of its merged branches.

        Raises :class:`CannotMerge` if it does not hold at the sizes of the path.
        """
        if self.known(event.formula) is True:
            return
        formula = self.facts.open_part(event.formula)
        if not isinstance(formula, Formula) or not holds(formula, self.env):
            raise CannotMerge
        self.claims.add(formula)
        self.events.append(replace(event, formula=formula, held=True))
        self.learn(formula, True)

    def same(self, when: Bool, one: Size, other: Size) -> bool:
        """Whether the sizes are known to be equal where ``when`` holds."""
        mark = self.mark()
        if isinstance(when, Formula):
            self.learn(when, True)
        try:
            return self.known(eq(one, other)) is True
        finally:
            self.rewind(mark)

    def _next(self, formula: Formula) -> bool:
        """The next forced branch, which must be about this formula; after the last, as ``env``."""
        assert self.forced is not None
        at, self.forced_taken = self.forced_taken, self.forced_taken + 1
        if at >= len(self.forced) + MOST_MERGED:
            raise CannotMerge  # a loop may branch without end where ``env`` does not come
        if at >= len(self.forced):
            try:
                return formula.evaluate(self.env)
            except ZeroDivisionError:  # the sizes of ``env`` do not take this branch
                raise CannotMerge from None
        opposite = negate(formula)
        if self.forced[at] is opposite:
            return False
        if self.forced[at] is formula or self.forced[at] is negate(opposite):
            return True
        raise CannotMerge

    def _must_follow_env(self) -> None:
        if self.forced is not None:
            raise CannotMerge

    # -- turns that stand for all turns of a loop -------------------------------------------------

    def turn_of(self, formula: Bool) -> Turn | None:
        """The innermost turn whose index the formula names."""
        if not self.turns or isinstance(formula, bool):
            return None
        unknowns = unknowns_in(formula)
        turns = [t for t in self.turns if t.index in unknowns]
        if not turns:
            return None
        self._must_follow_env()
        if len(turns) < len(unknowns):
            turns[-1].unroll()  # values decide too
        return turns[-1]

    def refuse(self, event: Event) -> NoReturn:
        """Refuse what failed in a turn that is now known to be reached."""
        self.events.append(event)
        if isinstance(event.formula, Formula):
            self.learn(event.formula, False)
        self.refused = True
        raise Refused(event.needs())

    # -- numbers that values decide ---------------------------------------------------------------

    def _for_sure(self, formula: Formula) -> bool | None:
        """Whether it holds for all values, which branches on sizes; ``None`` if values decide.

        A division of sizes by sizes would make all that follows hard to solve: it is no branch.
        """
        each = self.facts.for_all_values(formula)
        for sufficient, truth in zip(each, (True, False), strict=True):
            plain = not any(True for c in comparisons(sufficient) for _ in divisors(c.expr))
            if self.branch(sufficient) if plain else self.known(sufficient):
                self.learn(formula, truth)
                return truth
        return None

    def _branch_on_unknown(self, formula: Formula) -> bool:
        """The side to take: by sizes as far as they settle it, else by a choice."""
        known = self._for_sure(formula)
        if known is None:
            known = self.choose(f"{self._made_by(formula)} the path that the model takes")
            self.learn(formula, known)
        return known

    def _with_few_unknowns(self, size: Size) -> Size:
        """The size, or one unknown in the place of a sum of many."""
        if len(unknowns_in(size)) <= MAX_UNKNOWNS:
            return size
        if size not in self._sums:
            self._must_follow_env()  # the bounds of one branch do not bound another
            low, high = self.facts.narrow.interval(size)
            self.unknowns.append(self._makers(size))
            self._sums[size] = unknown(len(self.unknowns), low, () if high is None else (high,))
        return self._sums[size]

    def _makers(self, what: Bool | Size) -> str:
        made = (self.unknowns[u.number - 1] for u in reversed(unknowns_in(what)))
        return ", ".join(dict.fromkeys(name for names in made for name in names.split(", ")))

    def _made_by(self, what: Bool | Size) -> str:
        if (names := self._makers(what)).startswith(ROUNDING):
            return f"{names} determines"
        return f"values ({names}) determine"

    # -- what is recorded -------------------------------------------------------------------------

    def learn(self, formula: Formula, truth: bool) -> None:
        for part in self.facts.learn(formula, truth):
            self.learn(part, True)

    def record(
        self, kind: str, formula: Bool, held: bool, text: str, sizes: tuple[Size, ...]
    ) -> None:
        self.events.append(Event(kind, formula, held, text, sizes, self.calls - 1))
