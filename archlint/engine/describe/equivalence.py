"""Are two formulas the same set of sizes? Known sizes are tried first, then the solver proves."""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping, Sequence

from archlint.contracts.region import in_box
from archlint.engine.describe.guess import Stretch, stretches, true_at
from archlint.engine.describe.restrict import restrict
from archlint.symbolic.formula import Bool, Formula, Junction, conj, negate
from archlint.symbolic.intervals import Box
from archlint.symbolic.solver.solver import Solver, Unsolved

MAX_GRID = 160
ORDINARY = (224, 256, 32, 64, 1)

Point = dict[str, int]


class Prover:
    """Answers about formulas over ``names`` inside ``box``, until ``deadline``.

    ``seen``: sizes at which a claim is tried before the solver is asked. Each question has a part
    of the time that is left; :class:`.Unsolved` when that does not suffice.
    """

    def __init__(self, names: Sequence[str], box: Box, deadline: float) -> None:
        self.names = tuple(names)
        self.box = Box({n: box.ranges.get(n, (None, None)) for n in names})
        self.low = {n: self.box.ranges[n][0] or 0 for n in names}
        self.deadline = deadline
        self.seen: list[Point] = []
        self._solver: Solver | None = None

    def find(self, formula: Bool) -> Point | None:
        """Some sizes with the property; ``None`` is a proof that there are none."""
        if isinstance(formula, bool):
            return dict(self.low) if formula else None
        if self._solver is None:
            self._solver = Solver(self.names, self.box, self.deadline)
        now = time.monotonic()
        self._solver.deadline = now + (self.deadline - now) / 3
        point = self._solver.find(formula)
        if point is not None:
            self.seen.append(point)
        return point

    def within(self, inner: Bool, outer: Bool) -> bool:
        """Whether ``inner`` implies ``outer``; each part of an ``and`` is a question of its own."""
        if isinstance(outer, Junction) and outer.op == "and":
            return all(self.within(inner, part) for part in outer.args)
        outside = negate(outer)
        if any(true_at(inner, p) and true_at(outside, p) for p in self.seen):
            return False
        return self.find(conj(inner, outside)) is None

    def same(self, one: Bool, other: Bool) -> bool:
        """Whether two formulas hold at the same sizes."""
        if any(true_at(one, p) != true_at(other, p) for p in self.seen):
            return False
        return self.within(one, other) and self.within(other, one)

    def member(self, formula: Formula) -> Point | None:
        """Sizes with the property, ordinary ones if possible."""
        bounded = conj(formula, in_box(self.box))
        ordinary = [{n: max(v, self.low[n]) for n in self.names} for v in ORDINARY]
        for point in (*ordinary, *self.seen):
            if true_at(bounded, point):
                self.seen.append(point)
                return point
        return self.find(formula)

    def said(self, formula: Formula) -> list[str]:
        """The sizes that the formula speaks of, in order."""
        names = formula.symbols()
        return [n for n in self.names if n in names]

    def line(self, formula: Bool, point: Mapping[str, int], name: str) -> list[Stretch] | None:
        """The members on the line through the point along ``name`` (sampled, not proved)."""
        if time.monotonic() > self.deadline:
            raise Unsolved("no time left")
        others = {n: v for n, v in point.items() if n != name}
        high = self.box.ranges[name][1]
        return stretches(restrict(formula, others), name, self.low[name], high)

    def look_around(self, formula: Formula, point: Point) -> None:
        """Add a grid of sizes to ``seen``: where lines through the point and the corner change."""
        names = self.said(formula)
        corner = {**point, **{n: self.low[n] for n in names}}
        most = max(2, int(MAX_GRID ** (1 / len(names))))
        axes = []
        for name in names:
            low, high = self.low[name], self.box.ranges[name][1]
            found = {low, low + 1, point[name]}
            for base in (point, corner):
                for part in self.line(formula, base, name) or ():
                    found |= {part.low, part.low - 1, part.first() or part.low}
            axis = sorted(v for v in found if v >= low and (high is None or v <= high))
            axes.append(axis if len(axis) <= most else axis[: most // 2] + axis[-(most // 2) :])
        for numbers in itertools.product(*axes):
            self.seen.append({**point, **dict(zip(names, numbers, strict=True))})
