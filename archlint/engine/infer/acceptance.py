"""The answer of ``infer``: the sizes that a model accepts, and what comes out."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from archlint.contracts import output_shape as outputshape
from archlint.contracts.accepted_set import AcceptedSet, input_as_yaml
from archlint.contracts.contract import Contract, Input
from archlint.contracts.points import point_text
from archlint.engine.describe.describe import Description, describe
from archlint.engine.describe.restrict import simplified
from archlint.engine.explore import Exploration
from archlint.engine.infer import output_formulas
from archlint.engine.infer.refusals import refusals
from archlint.symbolic.formula import Bool, conj, disj, holds, negate
from archlint.symbolic.solver.solver import Solver, Unsolved
from archlint.tracing.trace import dims_of

SECONDS = 5.0  # for one question that is asked after the exploration
LONGEST = 200  # characters of the words for what is not decided


@dataclass(frozen=True, repr=False)
class Acceptance:
    """The sizes that a model accepts.

    ``exact``: it accepts these and refuses all others, proved. Otherwise ``text`` describes the
    part that is known to be accepted, ``undecided`` what is not known, and ``reasons`` say why.
    """

    model: str
    mode: str
    input: Input
    explored: Exploration
    description: Description
    seconds: float

    def __repr__(self) -> str:
        how = "exact" if self.exact else f"not exact: {'; '.join(self.reasons)}"
        return f"<{self.model} in {self.mode} mode accepts {self.text}; {how}>"

    @property
    def exact(self) -> bool:
        return self.explored.covered and self.description.exact

    @property
    def text(self) -> str:
        """In the words of a rule file, as they can stand after ``accepts: only``."""
        return self.description.text

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it is not exact; empty if it is."""
        if self.explored.covered and not self.description.exact:
            return ("no words were found that are short enough to be complete",)
        return tuple(self.explored.reasons)

    def accepts(self, **sizes: int) -> bool | None:
        """Whether these sizes are accepted; ``None`` where that was not decided, as below 1."""
        point = self._checked(sizes)
        return self.explored.accepts(point) if holds(self.explored.region, point) else None

    def output(self, **sizes: int) -> Any:
        """The output's shape at these sizes, nested as the output is.

        ``None`` where they are refused, or where that was not decided.
        """
        point = self._checked(sizes)
        path = self.explored.path_at(point)
        if path is None or not self.accepts(**point):
            return None
        return outputshape.at(dims_of(path.trace.output), point)

    @cached_property
    def output_formulas(self) -> Any:
        """The output's shape as formulas, each tensor a tuple of sizes.

        ``None`` where no one formula serves all accepted sizes.
        """
        return output_formulas.formulas(self.explored, time.monotonic() + SECONDS)

    def minimum(self) -> dict[str, int] | None:
        """The accepted sizes of the smallest sum; of those, the first in the order of the names.

        ``None`` where none is known to be accepted. Of all known ones if it is not exact.
        """
        solver = Solver(self.explored.names, self.explored.box, time.monotonic() + SECONDS)
        solver.add(self.explored.region)
        try:
            return solver.smallest(self.explored.accepted)
        except Unsolved:
            return None

    @cached_property
    def undecided(self) -> str:
        """The sizes of which nothing is known, in words, or one example where words are long."""
        found = self.explored
        if found.covered:
            return ""
        known = disj(*(w.decided for w in found.paths))
        left: Bool = simplified(conj(found.region, negate(known)), found.box)
        deadline = time.monotonic() + SECONDS
        said = describe(found.names, found.box, left, solver_deadline=deadline)
        if said.exact and len(said.text) <= LONGEST:
            return said.text
        solver = Solver(found.names, found.box, time.monotonic() + SECONDS)
        try:
            point = solver.find(left)
        except Unsolved:
            point = None
        if point is None:
            return "sizes that could not be named"
        return point_text(point) + ", for one"

    def entry(self) -> AcceptedSet:
        """All of it in words."""
        found = self.explored
        return replace(
            self._core(),
            refusals=refusals(found, time.monotonic() + SECONDS),
            reasons=self.reasons,
            undecided=self.undecided,
            minimum=self.minimum(),
            paths=len(found.paths),
            claims=len(set().union(*(w.trace.path.claims for w in found.paths))),
            seconds=round(self.seconds, 3),
        )

    def _core(self) -> AcceptedSet:
        output = outputshape.words(self.output_formulas)
        return AcceptedSet(self.model, self.mode, self.input, self.text, self.exact, output)

    def contract(self) -> Contract:
        """The contract that says what was found: ``only`` where it is exact, else ``any``.

        ``ArchlintError`` where no size is known to be accepted.
        """
        from archlint.engine.python_contracts import contract_of
        from archlint.errors import ArchlintError

        entry = self._core()
        kind, clause = entry.clause
        if not clause or not self.description.exact:
            raise ArchlintError(f"of {self.model} too little is known for a contract")
        words: dict[str, object] = {"input": input_as_yaml(self.input), kind: clause}
        if kind == "accepts" and entry.output is not None:
            words["output"] = entry.output
        return contract_of(**words, mode=self.mode)

    def _checked(self, sizes: Mapping[str, int]) -> dict[str, int]:
        names = self.explored.names
        if set(sizes) != set(names):
            given = ", ".join(sizes) or "none"
            raise TypeError(f"expected the sizes {', '.join(names) or 'none'}, got {given}")
        return {name: sizes[name] for name in names}
