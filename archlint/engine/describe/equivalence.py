"""Proves that two formulas are the same set of sizes; sample sizes are tried before the solver."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

from archlint.contracts.region import in_box
from archlint.engine.describe.guess import Stretch, stretches, true_at
from archlint.engine.describe.restrict import restrict
from archlint.runtime.effort_clock import now, passed
from archlint.symbolic.formula import Bool, Formula, Junction, conj, negate
from archlint.symbolic.intervals import Box
from archlint.symbolic.solver.solver import Solver, Unsolved

MAX_GRID = 160
ORDINARY = (224, 256, 32, 64, 1)

Point = dict[str, int]


class Prover:
    """Queries about formulas over ``names`` inside ``box``, until ``deadline``.

    ``samples``: sizes at which a statement is tried before the solver. Each query has a part of
    the time left; :class:`.Unsolved` if that is not enough.
    """

    def __init__(self, names: Sequence[str], box: Box, deadline: float) -> None:
        self.names = tuple(names)
        self.box = Box({n: box.ranges.get(n, (None, None)) for n in names})
        self.low = {n: self.box.ranges[n][0] or 0 for n in names}
        self.deadline = deadline
        self.samples: list[Point] = []
        self._solver: Solver | None = None

    def find(self, formula: Bool) -> Point | None:
        """Some sizes with the property; ``None`` is a proof that there are none."""
        if isinstance(formula, bool):
            return dict(self.low) if formula else None
        if self._solver is None:
            self._solver = Solver(self.names, self.box, self.deadline)
        start = now()
        self._solver.deadline = start + (self.deadline - start) / 3
        point = self._solver.find(formula)
        if point is not None:
            self.samples.append(point)
        return point

    def within(self, inner: Bool, outer: Bool) -> bool:
        """Whether ``inner`` implies ``outer``; each part of an ``and`` is a separate query."""
        if isinstance(outer, Junction) and outer.op == "and":
            return all(self.within(inner, part) for part in outer.args)
        outside = negate(outer)
        if any(true_at(inner, p) and true_at(outside, p) for p in self.samples):
            return False
        return self.find(conj(inner, outside)) is None

    def same(self, one: Bool, other: Bool) -> bool:
        """Whether two formulas hold at the same sizes."""
        if any(true_at(one, p) != true_at(other, p) for p in self.samples):
            return False
        return self.within(one, other) and self.within(other, one)

    def member(self, formula: Formula) -> Point | None:
        """Sizes with the property, ordinary ones if possible."""
        bounded = conj(formula, in_box(self.box))
        ordinary = [{n: max(v, self.low[n]) for n in self.names} for v in ORDINARY]
        for point in (*ordinary, *self.samples):
            if true_at(bounded, point):
                self.samples.append(point)
                return point
        return self.find(formula)

    def symbols_of(self, formula: Formula) -> list[str]:
        """The names of the sizes in the formula, in order."""
        names = formula.symbols()
        return [n for n in self.names if n in names]

    def line(self, formula: Bool, point: Mapping[str, int], name: str) -> list[Stretch] | None:
        """The members on the line through the point along ``name`` (sampled, not proved)."""
        if passed(self.deadline):
            raise Unsolved("no time left")
        others = {n: v for n, v in point.items() if n != name}
        high = self.box.ranges[name][1]
        return stretches(restrict(formula, others), name, self.low[name], high)

    def add_grid(self, formula: Formula, point: Point) -> None:
        """Add a grid to ``samples``: where lines through the point and the corner change."""
        names = self.symbols_of(formula)
        corner = {**point, **{n: self.low[n] for n in names}}
        most = max(2, int(MAX_GRID ** (1 / len(names))))
        axes = []
        for name in names:
            low, high = self.low[name], self.box.ranges[name][1]
            values = {low, low + 1, point[name]}
            for base in (point, corner):
                for part in self.line(formula, base, name) or ():
                    values |= {part.low, part.low - 1, part.first() or part.low}
            axis = sorted(v for v in values if v >= low and (high is None or v <= high))
            axes.append(axis if len(axis) <= most else axis[: most // 2] + axis[-(most // 2) :])
        for numbers in itertools.product(*axes):
            self.samples.append({**point, **dict(zip(names, numbers, strict=True))})
