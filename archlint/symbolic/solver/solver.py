"""Sizes that satisfy formulas, and the smallest: by residue classes, else by Z3."""

from __future__ import annotations

from collections.abc import Sequence

from archlint.runtime.effort_clock import passed
from archlint.symbolic.formula import Bool, conj
from archlint.symbolic.intervals import Box
from archlint.symbolic.solver.residues import NotSeparable, smallest_by_residues
from archlint.symbolic.solver.z3_backend import Unsolved, Z3Solver

_MAX_FAILURES = 4
"""After so many questions in a row that need Z3, residue classes are not tried any more."""


class Solver:
    """A solver for the integer sizes ``names`` inside ``box``, under the formulas that were added.

    ``deadline`` is a time of :mod:`.effort_clock`; a question that it interrupts raises
    :class:`Unsolved`. So does a question that takes more than ``effort`` steps of Z3, which are the
    same on every machine (``None``: no limit). Most questions are about one size at a time;
    :mod:`.residues` answers them. Z3 is loaded for the others.
    """

    def __init__(
        self, names: Sequence[str], box: Box, deadline: float, effort: int | None = None
    ) -> None:
        self.names = tuple(names)
        self.box = box
        self.deadline = deadline
        self._effort = effort
        self._assumption: Bool = True
        self._z3: Z3Solver | None = None
        self._failures = 0  # of residue classes, in a row

    def add(self, formula: Bool) -> None:
        """Restrict all later answers to sizes where the formula holds."""
        self._assumption = conj(self._assumption, formula)
        if self._z3 is not None:
            self._z3.add(formula)

    def find(self, formula: Bool = True) -> dict[str, int] | None:
        """Sizes where the formula holds too, or ``None`` if there are none at all."""
        try:
            return self._by_residues(formula)
        except NotSeparable:
            return self._z3_solver().find(formula)

    def smallest(self, formula: Bool = True) -> dict[str, int] | None:
        """The sizes with the smallest sum where the formula holds too; ``None`` if there are none.

        Of several, the one whose values, in the order of ``names``, come first.
        """
        try:
            return self._by_residues(formula)
        except NotSeparable:
            return self._z3_solver().smallest(formula)

    def smallest_or_any(self, formula: Bool = True) -> tuple[dict[str, int] | None, bool]:
        """As :meth:`smallest`, else as :meth:`find`; and whether no smaller sizes are left."""
        try:
            return self.smallest(formula), True
        except Unsolved:
            return self.find(formula), False

    def _by_residues(self, formula: Bool) -> dict[str, int] | None:
        if formula is not False and passed(self.deadline):
            raise Unsolved("no time left")
        if self._failures == _MAX_FAILURES:
            raise NotSeparable
        self._failures += 1
        point = smallest_by_residues(self.names, self.box, conj(self._assumption, formula))
        self._failures = 0
        return point

    def _z3_solver(self) -> Z3Solver:
        if self._z3 is None:
            self._z3 = Z3Solver(self.names, self.box, self.deadline, self._effort)
            self._z3.add(self._assumption)
        self._z3.deadline = self.deadline
        return self._z3


__all__ = ["Solver", "Unsolved"]
