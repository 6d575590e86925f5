"""Is there a size with this property, and which is the smallest? By classes of sizes, else Z3."""

from __future__ import annotations

import time
from collections.abc import Sequence

from archlint.symbolic.formula import Bool, conj
from archlint.symbolic.intervals import Box
from archlint.symbolic.solver.residues import NotSeparable, smallest_by_residues
from archlint.symbolic.solver.z3_backend import Unsolved, Z3Solver

_ENOUGH = 4
"""After so many questions that took Z3 the others are asked of it at once."""


class Solver:
    """Sizes that satisfy what was :meth:`add`-ed. ``names`` gives the order of the sizes.

    ``box`` bounds the sizes; they are integers. Every question has ``deadline`` (a
    ``time.monotonic()`` value) to be answered in, else :class:`Unsolved`. ``effort`` bounds a
    question too, in steps that are the same on any machine. Most questions are about one size at a
    time, and :mod:`archlint.symbolic.solver.residues` answers them; Z3 is loaded for the others.
    """

    def __init__(
        self, names: Sequence[str], box: Box, deadline: float, effort: int | None = None
    ) -> None:
        self.names = tuple(names)
        self.box = box
        self.deadline = deadline
        self._effort = effort
        self._given: Bool = True
        self._z3: Z3Solver | None = None
        self._entangled = 0  # questions in a row

    def add(self, formula: Bool) -> None:
        """Only sizes with this property, from now on."""
        self._given = conj(self._given, formula)
        if self._z3 is not None:
            self._z3.add(formula)

    def find(self, formula: Bool = True) -> dict[str, int] | None:
        """Some sizes with the property, or ``None`` if there are none at all."""
        try:
            return self._least(formula)
        except NotSeparable:
            return self._solver().find(formula)

    def smallest(self, formula: Bool = True) -> dict[str, int] | None:
        """The sizes of the smallest sum with the property; of those, the first in name order."""
        try:
            return self._least(formula)
        except NotSeparable:
            return self._solver().smallest(formula)

    def _least(self, formula: Bool) -> dict[str, int] | None:
        if formula is not False and time.monotonic() > self.deadline:
            raise Unsolved("no time left")
        if self._entangled == _ENOUGH:
            raise NotSeparable
        self._entangled += 1
        found = smallest_by_residues(self.names, self.box, conj(self._given, formula))
        self._entangled = 0
        return found

    def _solver(self) -> Z3Solver:
        if self._z3 is None:
            self._z3 = Z3Solver(self.names, self.box, self.deadline, self._effort)
            self._z3.add(self._given)
        self._z3.deadline = self.deadline
        return self._z3


__all__ = ["Solver", "Unsolved"]
