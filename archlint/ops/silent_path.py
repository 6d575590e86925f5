"""Rules and strides computed on a path without a trace: nothing is claimed, no branch recorded.

How elements lie in memory depends on which sizes are 0 or 1, but seldom matters. Where it does (a
view that needs a certain order), it is computed for each outcome of the branches, and one claim
covers them all, so that the path itself need not branch.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, NoReturn

from archlint.ops.registry import Path, TensorSpec
from archlint.symbolic import Size
from archlint.symbolic.formula import Bool, Formula, conj, known_truth, negate

MOST = 12  # outcomes


class Unanswered(Exception):
    """A silent path cannot go on: the answer is unknown, or it would have to be recorded."""


class SilentPath:
    """A path that knows what ``path`` knows and records nothing.

    Without ``turns``, a branch on a formula that is not known raises :class:`Unanswered`. With
    them, such branches take these sides in order, and the true side after the last. A claim that is
    not known, and anything that depends on values, raises :class:`Unanswered`.

    ``settled`` has the deferred strides that were computed on this path, and their result, by
    ``id``: no other object can get that ``id`` while they are in there.
    """

    def __init__(self, path: Path, turns: tuple[bool, ...] | None = None) -> None:
        self.path = path
        self.turns = turns
        self.taken: list[tuple[Formula, bool]] = []
        self.settled: dict[int, tuple[object, Any]] = {}
        self._truth: dict[Formula, bool] = {}

    def known(self, formula: Bool) -> bool | None:
        known = self.path.known(formula)
        if known is None and self._truth:
            known = known_truth(formula, self._part)
        return known

    def _part(self, formula: Formula) -> bool | None:
        truth = self._truth.get(formula)
        return self.path.known(formula) if truth is None else truth

    def branch(self, formula: Bool) -> bool:
        known = self.known(formula)
        if known is not None:
            return known
        if self.turns is None:
            raise Unanswered
        assert isinstance(formula, Formula)
        turn = self.turns[len(self.taken)] if len(self.taken) < len(self.turns) else True
        self.taken.append((formula, turn))
        for part, truth in ((formula, turn), (negate(formula), not turn)):
            if isinstance(part, Formula):
                self._truth[part] = truth
        return turn

    def claim(
        self, formula: Bool, text: str, *sizes: Size, error: type[Exception] | None = None
    ) -> None:
        if self.known(formula) is not True:
            raise Unanswered

    def unknown(self, made_by: str, low: Size | None, *most: Size) -> Size:
        raise Unanswered

    def count(self, made_by: str, tensor: TensorSpec) -> Size:
        raise Unanswered

    def unknown_outcome(self, text: str) -> NoReturn:
        raise Unanswered

    def unproved(self, text: str) -> None:
        raise Unanswered


class Outcome(NamedTuple):
    """The result at the sizes where ``when`` holds."""

    when: Bool
    result: Any


def each_outcome(path: Path, compute: Callable[[SilentPath], Any]) -> Iterator[Outcome]:
    """What ``compute`` returns for each combination of branches that is possible on ``path``.

    Raises :class:`Unanswered` if ``compute`` does more than branch, or branches too often.
    """
    todo: list[tuple[bool, ...]] = [()]
    runs = 0
    while todo:
        turns = todo.pop()
        runs += 1
        if runs + len(todo) > 2 * MOST:
            raise Unanswered
        silent = SilentPath(path, turns)
        result = compute(silent)
        when = conj(*(f if turn else negate(f) for f, turn in silent.taken))
        taken = [turn for _, turn in silent.taken]
        todo += [(*taken[:i], False) for i in range(len(turns), len(taken))]
        if path.known(when) is not False:
            yield Outcome(when, result)


def outcomes(path: Path, compute: Callable[[Path], Any]) -> list[Outcome] | None:
    """As :func:`each_outcome`; ``None`` if there are too many, or ``compute`` does more."""
    try:
        found = list(itertools.islice(each_outcome(path, compute), MOST + 1))
    except Unanswered:
        return None
    return found if len(found) <= MOST else None
