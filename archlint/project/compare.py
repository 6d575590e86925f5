"""Compares two accepted sets: the smallest sizes at which they differ, and the layer behind it.

Both sets are read from their text; the solver finds the sizes at which they differ.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from archlint.contracts import output_shape
from archlint.contracts.accepted_set import (
    AcceptedSet,
    OutputCase,
    Refusal,
    input_as_yaml,
    region,
    shown,
)
from archlint.contracts.recorded_costs import cost_changes
from archlint.contracts.region import input_constraints, input_symbols
from archlint.contracts.size_text import size_text
from archlint.errors import PhraseError
from archlint.runtime.effort_clock import now
from archlint.symbolic.formula import Bool, conj, disj, holds, negate
from archlint.symbolic.intervals import Box
from archlint.symbolic.solver.solver import Solver, Unsolved

SECONDS = 10.0


@dataclass(frozen=True)
class Example:
    """The smallest sizes at which two accepted sets differ.

    ``refusal``: the layer that refuses them in one of the models, if it is recorded.
    ``smallest``: whether no smaller sizes differ.
    """

    point: dict[str, int]
    refusal: Refusal | None = None
    smallest: bool = True

    def __str__(self) -> str:
        sizes = size_text(self.point) or "the only size"
        return sizes if self.smallest else f"{sizes} (there may be smaller ones)"


@dataclass(frozen=True)
class Change:
    """The difference between two accepted sets.

    ``shrunk``: sizes accepted before and refused now. ``grown``: the reverse. ``output``: sizes
    with another output. ``not_compared``: why some sizes could not be compared. ``costs``: what
    costs more or less than before, where both record it.
    """

    before: AcceptedSet
    after: AcceptedSet
    shrunk: Example | None = None
    grown: Example | None = None
    output: Example | None = None
    not_compared: str = ""
    costs: tuple[str, ...] = ()

    @property
    def same(self) -> bool:
        """Whether it is known that nothing differs, the costs included."""
        return self.word == "same" and not self.costs

    @property
    def word(self) -> str:
        """same, grown, shrunk, grown and shrunk, other output, or not compared."""
        words = [w for w, e in (("grown", self.grown), ("shrunk", self.shrunk)) if e]
        if words:
            return " and ".join(words)
        if self.output:
            return "other output"
        return "not compared" if self.not_compared else "same"

    def lines(self) -> dict[str, str]:
        """The change as labelled lines. Labels have at most 11 characters."""
        lines = {"before": _set(self.before), "now": _set(self.after)}
        for label, example, change in (
            ("shrunk", self.shrunk, "was accepted, is refused now"),
            ("grown", self.grown, "was refused, is accepted now"),
        ):
            if example is not None:
                why = f"\nrefused because {example.refusal}" if example.refusal else ""
                lines[label] = f"{example} {change}{why}"
        if self.output is not None:
            old, new = (_output_at(e, self.output.point) for e in (self.before, self.after))
            lines["output"] = f"{old} is now {new}"
            lines["differs at"] = str(self.output)
        if self.not_compared:
            lines["unknown"] = self.not_compared
        if self.costs:
            lines["costs"] = "\n".join(self.costs)
        return lines


def compare(before: AcceptedSet, after: AcceptedSet, seconds: float = SECONDS) -> Change:
    """Compare two accepted sets of the same input; ``seconds`` limits the solver."""
    change = _compare(before, after, seconds)
    return replace(change, costs=cost_changes(before.costs, after.costs))


def _compare(before: AcceptedSet, after: AcceptedSet, seconds: float) -> Change:
    if input_as_yaml(before.input) != input_as_yaml(after.input):
        return Change(before, after, not_compared="their inputs differ")
    try:
        return _compared(before, after, now() + seconds)
    except Unsolved as e:
        return Change(before, after, not_compared=f"the solver found no answer ({e})")
    except PhraseError as e:
        if before == after:
            return Change(before, after)
        return Change(
            before, after, not_compared=f"the text of a set is incomplete or does not parse ({e})"
        )


def _compared(before: AcceptedSet, after: AcceptedSet, deadline: float) -> Change:
    names = input_symbols(after.input)
    solver = Solver(names, Box(dict.fromkeys(names, (1, None))), deadline)
    solver.add(input_constraints(after.input))
    if (before.accepts, before.exact) == (after.accepts, after.exact):
        same = after.accepted()
        output = _other_output(before, after, same, solver)
        return Change(
            before, after, output=output, not_compared=_unclear(before, after, same, solver)
        )
    old, new = before.accepted(), after.accepted()
    shrunk = _example(conj(old, after.refused()), after, solver)
    grown = _example(conj(before.refused(), new), before, solver)
    output = _other_output(before, after, conj(old, new), solver)
    not_compared = []
    if not (before.exact and after.exact):
        which = [w for w, e in (("before", before), ("now", after)) if not e.exact]
        unknown = disj(
            conj(old, negate(new), negate(after.refused())),
            conj(new, negate(old), negate(before.refused())),
        )
        point = solver.find(unknown)
        if point is not None:
            at = size_text(point)
            not_compared.append(f"for example {at}: the set {' and '.join(which)} is not exact")
    if unclear := _unclear(before, after, conj(old, new), solver):
        not_compared.append(unclear)
    return Change(before, after, shrunk, grown, output, "; ".join(not_compared))


def _example(where: Bool, refuser: AcceptedSet, solver: Solver) -> Example | None:
    point, smallest = solver.smallest_or_any(where)
    return None if point is None else Example(point, refuser.refusal_of(point), smallest)


def _other_output(
    before: AcceptedSet, after: AcceptedSet, where: Bool, solver: Solver
) -> Example | None:
    """The smallest sizes in ``where`` at which the outputs differ."""
    if before.outputs == after.outputs:
        return None
    both: list[Bool] = []
    for one in before.outputs:
        for other in after.outputs:
            shapes = map(output_shape.parse_whole, (one.output, other.output))
            same = output_shape.equal(*shapes)
            both.append(conj(region(one.where), region(other.where), negate(same)))
    point, smallest = solver.smallest_or_any(conj(where, disj(*both)))
    return None if point is None else Example(point, None, smallest)


def _unclear(before: AcceptedSet, after: AcceptedSet, where: Bool, solver: Solver) -> str:
    """Why the output was not compared at all sizes of ``where``; empty if it was."""
    for side, entry in (("before", before), ("now", after)):
        recorded = disj(*(region(c.where) for c in entry.outputs))
        point = None if recorded is True else solver.find(conj(where, negate(recorded)))
        if point is not None:
            at = size_text(point) or "the only size"
            return f"the output {side} is not recorded, for example at {at}"
    return ""


def _output_at(entry: AcceptedSet, point: dict[str, int]) -> str:
    def there(case: OutputCase) -> bool:
        return holds(region(case.where), point)

    return next((shown(c.output) for c in entry.outputs if there(c)), "not recorded")


def _set(entry: AcceptedSet) -> str:
    return f"accepts {entry.accepts}" + ("" if entry.exact else "   (at least; not exact)")
