"""Before and after: by which sizes did an accepted set grow or shrink, and which layer did it?

Both sides are words; the solver says where the sets that they stand for differ.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from archlint.contracts import output_shape as outputshape
from archlint.contracts.accepted_set import AcceptedSet, Refusal, input_as_yaml, shown
from archlint.contracts.points import point_text
from archlint.contracts.region import input_constraints, input_symbols
from archlint.errors import PhraseError
from archlint.symbolic.formula import Bool, conj, disj, negate
from archlint.symbolic.intervals import Box
from archlint.symbolic.solver.solver import Solver, Unsolved

SECONDS = 10.0


@dataclass(frozen=True)
class Example:
    """The smallest sizes at which before and after differ.

    ``refusal``: what refuses them on the side that does, where that is on record. ``smallest`` is
    false if there may be smaller ones.
    """

    point: dict[str, int]
    refusal: Refusal | None = None
    smallest: bool = True

    def __str__(self) -> str:
        sizes = point_text(self.point) or "the one size there is"
        return sizes if self.smallest else f"{sizes} (there may be smaller ones)"


@dataclass(frozen=True)
class Change:
    """``shrunk``: accepted before, refused now; ``grown``: the reverse; ``output``: another shape.

    ``undecided`` says what could not be compared, and why.
    """

    before: AcceptedSet
    after: AcceptedSet
    shrunk: Example | None = None
    grown: Example | None = None
    output: Example | None = None
    undecided: str = ""

    @property
    def word(self) -> str:
        """same, grown, shrunk, grown and shrunk, other output, undecided."""
        words = [w for w, e in (("grown", self.grown), ("shrunk", self.shrunk)) if e]
        if words:
            return " and ".join(words)
        return "other output" if self.output else "undecided" if self.undecided else "same"

    def told(self) -> dict[str, str]:
        """What there is to say, as labelled lines; the labels are at most 11 characters long."""
        lines = {"before": _set(self.before), "now": _set(self.after)}
        for label, example, was in (
            ("shrunk", self.shrunk, "was accepted, is refused"),
            ("grown", self.grown, "was refused, is accepted"),
        ):
            if example is not None:
                lines[label] = f"{example} {was}{_by(example.refusal)}"
        if self.output is not None and self.before.output and self.after.output:
            lines["output"] = f"{shown(self.before.output)} is now {shown(self.after.output)}"
            lines["differs at"] = str(self.output)
        if self.undecided:
            lines["undecided"] = self.undecided
        return lines


def compare(before: AcceptedSet, after: AcceptedSet, seconds: float = SECONDS) -> Change:
    """How ``after`` differs from ``before``; both speak of the same input."""
    if input_as_yaml(before.input) != input_as_yaml(after.input):
        return Change(before, after, undecided="their inputs differ")
    try:
        return _compared(before, after, time.monotonic() + seconds)
    except Unsolved as e:
        return Change(before, after, undecided=f"the solver gave no answer ({e})")
    except PhraseError as e:
        if before == after:
            return Change(before, after)
        return Change(before, after, undecided=f"the words are incomplete or do not parse ({e})")


def _compared(before: AcceptedSet, after: AcceptedSet, deadline: float) -> Change:
    names = input_symbols(after.input)
    solver = Solver(names, Box(dict.fromkeys(names, (1, None))), deadline)
    solver.add(input_constraints(after.input))
    if (before.accepts, before.exact) == (after.accepts, after.exact):
        same = after.accepted()
        output = _other_output(before, after, same, solver)
        return Change(before, after, output=output, undecided=_unclear(before, after, output))
    old, new = before.accepted(), after.accepted()
    shrunk = _example(conj(old, after.refused()), after, solver)
    grown = _example(conj(before.refused(), new), before, solver)
    output = _other_output(before, after, conj(old, new), solver)
    undecided = []
    if not (before.exact and after.exact):
        which = [w for w, e in (("before", before), ("now", after)) if not e.exact]
        open_ = disj(
            conj(old, negate(new), negate(after.refused())),
            conj(new, negate(old), negate(before.refused())),
        )
        point = solver.find(open_)
        if point is not None:
            at = point_text(point)
            undecided.append(f"{at}, for one: the set {' and '.join(which)} is not exact")
    if unclear := _unclear(before, after, output):
        undecided.append(unclear)
    return Change(before, after, shrunk, grown, output, "; ".join(undecided))


def _example(where: Bool, refuser: AcceptedSet, solver: Solver) -> Example | None:
    point, smallest = _smallest(where, solver)
    return None if point is None else Example(point, refuser.refusal_of(point), smallest)


def _smallest(where: Bool, solver: Solver) -> tuple[dict[str, int] | None, bool]:
    try:
        return solver.smallest(where), True
    except Unsolved:
        return solver.find(where), False


def _other_output(
    before: AcceptedSet, after: AcceptedSet, where: Bool, solver: Solver
) -> Example | None:
    """The smallest sizes with another output, of those that both accept."""
    if before.output is None or after.output is None or before.output == after.output:
        return None
    one, other = outputshape.parse(before.output), outputshape.parse(after.output)
    differ = negate(outputshape.equal(one, other))
    point, smallest = _smallest(conj(where, differ), solver)
    return None if point is None else Example(point, None, smallest)


def _unclear(before: AcceptedSet, after: AcceptedSet, output: Example | None) -> str:
    if output is None and (before.output is None) != (after.output is None):
        side = "before" if before.output is None else "now"
        return f"the output {side} has no one formula"
    return ""


def _set(entry: AcceptedSet) -> str:
    return f"accepts {entry.accepts}" + ("" if entry.exact else "   (at least; not exact)")


def _by(refusal: Refusal | None) -> str:
    return f"\nby {refusal}" if refusal else ""
