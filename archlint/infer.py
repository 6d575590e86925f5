"""What does a model accept? The exact set of sizes, in words, and the output as formulas."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from archlint.contract import Budget, Contract, Input, Promise
from archlint.describe import Description, describe
from archlint.dims import Size, evaluate
from archlint.explore import Acceptance as Explored
from archlint.formula import conj, eq, negate
from archlint.judge import Question
from archlint.world import keep_world
from archlint.model import ModelSource
from archlint.pipeline import accepted_sizes
from archlint.solve import Solver, Unsolved
from archlint.subject import Subject
from archlint.trace import dims_of


@dataclass(frozen=True)
class Acceptance:
    """The sizes that a model accepts.

    ``exact``: accepted if and only if, proved for all sizes. Otherwise ``reasons`` say what could
    not be decided, and ``text`` describes the part that is known to be accepted.
    """

    model: str
    mode: str
    input: Input
    explored: Explored
    description: Description
    deadline: float

    @property
    def exact(self) -> bool:
        return self.explored.covered and self.description.exact

    @property
    def text(self) -> str:
        """In the words of a rule file, as they can stand after ``accepts: only``."""
        return self.description.text

    @property
    def reasons(self) -> tuple[str, ...]:
        return tuple(self.explored.reasons)

    def accepts(self, **sizes: int) -> bool | None:
        """Whether these sizes are accepted; ``None`` where that was not decided."""
        return self.explored.accepts(self._checked(sizes))

    def output(self, **sizes: int) -> Any:
        """The output's shape at these sizes, nested as the output is; ``None`` if refused."""
        point = self._checked(sizes)
        way = self.explored.way_of(point)
        if way is None or not self.explored.accepts(point):
            return None
        return _nested(dims_of(way.trace.output), lambda size: evaluate(size, point))

    def minimum(self) -> dict[str, int] | None:
        """The smallest accepted sizes: of the least sum, the first in the order of their names."""
        solver = Solver(self.explored.names, self.explored.box, time.monotonic() + 10)
        solver.add(self.explored.region)
        try:
            return solver.smallest(self.explored.accepted)
        except Unsolved:
            return None

    @cached_property
    def output_formulas(self) -> Any:
        """The output's shape as formulas, where one formula serves all accepted sizes.

        Nested as the output is, each tensor a tuple of sizes; ``None`` if ways differ.
        """
        ways = [w for w in self.explored.ways if w.trace.outcome == "accepted"]
        shapes = list(dict.fromkeys(map(_frozen, (dims_of(w.trace.output) for w in ways))))
        if not shapes:
            return None
        first = dims_of(ways[0].trace.output)
        if len(shapes) == 1:
            return first
        for candidate in sorted(ways, key=lambda w: len(str(dims_of(w.trace.output)))):
            shape = dims_of(candidate.trace.output)
            if all(self._same(shape, w) for w in ways):
                return shape
        return None

    def _same(self, shape: Any, way: Any) -> bool:
        mine, theirs = _flat(shape), _flat(dims_of(way.trace.output))
        if len(mine) != len(theirs):
            return False
        pairs = zip(mine, theirs, strict=True)
        if any((a is None) != (b is None) or isinstance(a, str) != isinstance(b, str) for a, b in pairs):
            return False
        equal = conj(*(eq(a, b) for a, b in zip(mine, theirs, strict=True) if not isinstance(a, str)))
        if equal is True:
            return True
        solver = Solver(self.explored.names, self.explored.box, time.monotonic() + 2)
        solver.add(conj(self.explored.region, way.accepted))
        try:
            return solver.find(negate(equal)) is None
        except Unsolved:
            return False

    def _checked(self, sizes: Mapping[str, int]) -> dict[str, int]:
        names = self.explored.names
        if set(sizes) != set(names):
            raise TypeError(f"expected the sizes {', '.join(names)}, got {', '.join(sizes) or 'none'}")
        return dict(sizes)


def infer_source(
    source: ModelSource, input: Input, mode: str = "eval", budget: Budget | None = None
) -> Acceptance:
    """Explore a model over all sizes (each at least 1) and say what it accepts."""
    budget = budget or Budget(paths=128)
    contract = Contract("infer", input, Promise("any", True, "any size"), mode=mode, budget=budget)
    question = Question.of(contract)
    deadline = time.monotonic() + budget.seconds
    with keep_world():
        found = accepted_sizes(Subject(contract, source), question, deadline)
        words = describe(
            question.names, question.box, found.accepted, solver_deadline=min(deadline, time.monotonic() + 10)
        )
    return Acceptance(source.name, mode, input, found, words, deadline)


def _nested(shape: Any, change: Any) -> Any:
    if isinstance(shape, tuple):
        return tuple(change(s) for s in shape)
    if isinstance(shape, list):
        return [_nested(s, change) for s in shape]
    return {k: _nested(v, change) for k, v in shape.items()} if isinstance(shape, dict) else shape


def _frozen(shape: Any) -> Any:
    if isinstance(shape, list):
        return ("list", *map(_frozen, shape))
    if isinstance(shape, dict):
        return ("dict", *((k, _frozen(v)) for k, v in shape.items()))
    return shape


def _flat(shape: Any) -> list[Size | str]:
    if isinstance(shape, (list, tuple)):
        return [str(len(shape)), *(x for s in shape for x in _flat(s))]
    if isinstance(shape, dict):
        return [x for k, v in shape.items() for x in (k, *_flat(v))]
    return [str(shape)] if shape is None or isinstance(shape, str) else [shape]
