"""A question that branches, answered for all its branches at once.

How elements lie in memory depends on which sizes are 0 or 1, but seldom matters. Where it does (a
view that needs a certain order), the question is asked on every branch, and what the operator needs
is said of all of them in one claim: the path itself need not branch.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, NoReturn

from archlint.ops.registry import Path, TensorSpec
from archlint.symbolic import Size
from archlint.symbolic.formula import Bool, Formula, conj, known_truth, negate

MOST = 12  # outcomes


class Outcome(NamedTuple):
    """What comes out at the sizes where ``when`` holds."""

    when: Bool
    result: Any


class Unanswered(Exception):
    """The question does more than branch."""


class Fork:
    """A path that goes the ways that ``turns`` say (then the first way) and records nothing.

    ``settled`` remembers what was found out on it, by the ``id`` of what it was asked of.
    """

    def __init__(self, path: Path, turns: tuple[bool, ...]) -> None:
        self.path = path
        self.turns = turns
        self.taken: list[tuple[Formula, bool]] = []
        self.settled: dict[int, Any] = {}
        self._truth: dict[Formula, bool] = {}

    def known(self, formula: Bool) -> bool | None:
        known = self.path.known(formula)
        return known_truth(formula, self._part) if known is None else known

    def _part(self, formula: Formula) -> bool | None:
        truth = self._truth.get(formula)
        return self.path.known(formula) if truth is None else truth

    def branch(self, formula: Bool) -> bool:
        known = self.known(formula)
        if known is not None:
            return known
        assert isinstance(formula, Formula)
        turn = self.turns[len(self.taken)] if len(self.taken) < len(self.turns) else True
        self.taken.append((formula, turn))
        self._learn(formula, turn)
        return turn

    def _learn(self, formula: Bool, truth: bool) -> None:
        for said, so in ((formula, truth), (negate(formula), not truth)):
            if isinstance(said, Formula):
                self._truth[said] = so

    def claim(self, formula: Bool, text: str, *sizes: Size) -> None:
        if self.known(formula) is not True:
            raise Unanswered

    def unknown(self, made_by: str, low: Size | None, *most: Size) -> Size:
        raise Unanswered

    def count(self, made_by: str, tensor: TensorSpec) -> Size:
        raise Unanswered

    def stop(self, text: str) -> NoReturn:
        raise Unanswered

    def unproved(self, text: str) -> None:
        raise Unanswered


def paths(path: Path, ask: Callable[[Fork], Any]) -> Iterator[Outcome]:
    """What ``ask`` answers on each way that it can go.

    :class:`Unanswered` if it also claims, or goes too many ways.
    """
    todo: list[tuple[bool, ...]] = [()]
    gone = 0
    while todo:
        turns = todo.pop()
        gone += 1
        if gone + len(todo) > 2 * MOST:
            raise Unanswered
        fork = Fork(path, turns)
        result = ask(fork)
        when = conj(*(f if turn else negate(f) for f, turn in fork.taken))
        taken = [turn for _, turn in fork.taken]
        todo += [(*taken[:i], False) for i in range(len(turns), len(taken))]
        if path.known(when) is not False:
            yield Outcome(when, result)


def outcomes(path: Path, ask: Callable[[Path], Any]) -> list[Outcome] | None:
    """What ``ask`` answers on each way that it can go; ``None`` if there are too many."""
    try:
        found = list(itertools.islice(paths(path, ask), MOST + 1))
    except Unanswered:
        return None
    return found if len(found) <= MOST else None
