"""The result of ``infer``: the sizes that a model accepts, and the output's shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from archlint.contracts.accepted_set import AcceptedSet, input_as_yaml
from archlint.contracts.contract import Contract, Input
from archlint.contracts.output_shape import at as shape_at
from archlint.contracts.output_shape import words as shape_words
from archlint.contracts.size_map import size_map
from archlint.contracts.size_map_svg import notebook_html
from archlint.contracts.size_text import size_text
from archlint.engine.cost.lock_file_costs import recorded_costs
from archlint.engine.describe.describe import Description, describe
from archlint.engine.describe.restrict import simplified
from archlint.engine.exploration import Exploration
from archlint.engine.infer.output_formulas import output_cases, output_formulas
from archlint.engine.infer.refusals import refusals
from archlint.runtime.effort_clock import now
from archlint.symbolic.formula import Bool, conj, holds, negate
from archlint.symbolic.solver.solver import Solver, Unsolved
from archlint.tracing.trace import dims_of

SECONDS = 5.0  # for one query after the exploration
LONGEST = 200  # characters of the description of unknown sizes


@dataclass(frozen=True, repr=False)
class Acceptance:
    """The sizes that a model accepts.

    ``exact``: it is proved that the model accepts these and refuses all others. Otherwise ``text``
    describes the sizes known to be accepted, ``undecided`` the unknown ones, and ``reasons`` why.
    ``ran``: sizes at which the real model ran, and what it did there, as proved. ``mismatch``: what
    is probably wrong with the input, if no size is accepted or its channels are not fixed.
    ``parameters``: how many the model has, where that is known.
    """

    model: str
    mode: str
    input: Input
    explored: Exploration
    description: Description
    seconds: float
    ran: tuple[str, ...] = ()
    mismatch: str = ""
    parameters: int | None = None

    def __repr__(self) -> str:
        how = "exact" if self.exact else f"not exact: {'; '.join(self.reasons)}"
        return f"<{self.model} in {self.mode} mode accepts {self.text}; {how}>"

    def _repr_html_(self) -> str:
        """For notebooks: a map of the accepted sizes, and the result in words."""
        return notebook_html(repr(self)[1:-1], size_map(self.entry()))

    @property
    def exact(self) -> bool:
        return self.explored.covered and self.description.exact

    @property
    def text(self) -> str:
        """As a phrase of the rule file, to be used after ``accepts: only``."""
        return self.description.text

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it is not exact; empty if it is."""
        if self.explored.covered and not self.description.exact:
            return ("the set is too complex to be described in full",)
        return tuple(self.explored.reasons)

    def accepts(self, **sizes: int) -> bool | None:
        """Whether these sizes are accepted; ``None`` if not known, as below 1."""
        point = self._checked(sizes)
        return self.explored.accepts(point) if holds(self.explored.region, point) else None

    def output(self, **sizes: int) -> Any:
        """The output's shape at these sizes, nested as the output is.

        ``None`` where they are refused, or where that is not known.
        """
        point = self._checked(sizes)
        path = self.explored.path_at(point)
        if path is None or not self.accepts(**point):
            return None
        return shape_at(dims_of(path.trace.output), point)

    @cached_property
    def output_formulas(self) -> Any:
        """The output's shape as formulas, each tensor a tuple of sizes.

        ``None`` if no single formula holds for all accepted sizes.
        """
        return output_formulas(self.explored, now() + SECONDS)

    def minimum(self) -> dict[str, int] | None:
        """The accepted sizes of the smallest sum; of those, the first in the order of the names.

        ``None`` if none is known to be accepted. If it is not exact, the smallest known one.
        """
        solver = Solver(self.explored.names, self.explored.box, now() + SECONDS)
        solver.add(self.explored.region)
        try:
            return solver.smallest(self.explored.accepted)
        except Unsolved:
            return None

    @cached_property
    def undecided(self) -> str:
        """The unknown sizes in words, or one example if the words are long."""
        explored = self.explored
        if explored.covered:
            return ""
        left: Bool = simplified(conj(explored.region, negate(explored.known)), explored.box)
        deadline = now() + SECONDS
        words = describe(explored.names, explored.box, left, solver_deadline=deadline)
        if words.exact and len(words.text) <= LONGEST:
            return words.text
        solver = Solver(explored.names, explored.box, now() + SECONDS)
        try:
            point = solver.find(left)
        except Unsolved:
            point = None
        if point is None:
            return "some sizes"
        return f"some sizes, for example {size_text(point)}"

    def entry(self) -> AcceptedSet:
        """All of it in words, as reports and lock files print it."""
        explored, count = self.explored, self.parameters
        return replace(
            self._core(),
            costs=None if count is None else recorded_costs(explored, count, now() + SECONDS),
            refusals=refusals(explored, now() + SECONDS),
            reasons=self.reasons,
            undecided=self.undecided,
            outputs=output_cases(explored, now() + SECONDS),
            minimum=self.minimum(),
            paths=len(explored.paths),
            claims=len(set().union(*(p.trace.path.claims for p in explored.paths))),
            seconds=round(self.seconds, 3),
            ran=self.ran,
            mismatch=self.mismatch,
        )

    def _core(self) -> AcceptedSet:
        output = shape_words(self.output_formulas)
        return AcceptedSet(self.model, self.mode, self.input, self.text, self.exact, output)

    def contract(self) -> Contract:
        """The contract of these sizes: ``only`` if they are exact, else ``any``.

        ``ArchlintError`` if no size is known to be accepted.
        """
        from archlint.engine.python_contracts import contract_of
        from archlint.errors import ArchlintError

        entry = self._core()
        kind, clause = entry.clause
        if not clause or not self.description.exact:
            raise ArchlintError(f"too little is known about {self.model} to write a contract")
        words: dict[str, object] = {"input": input_as_yaml(self.input), kind: clause}
        if kind == "accepts" and entry.output is not None:
            words["output"] = entry.output
        return contract_of(**words, mode=self.mode)

    def _checked(self, sizes: Mapping[str, int]) -> dict[str, int]:
        names = self.explored.names
        if set(sizes) != set(names):
            names_passed = ", ".join(sizes) or "none"
            raise TypeError(f"expected the sizes {', '.join(names) or 'none'}, got {names_passed}")
        return {name: sizes[name] for name in names}
