"""``max(h, w)`` and ``min(h, w)`` of sizes, of which Python needs to know no more than it asks.

``min(h, w) > 8`` is ``h > 8 and w > 8``: one condition, not a branch on which is smaller and then
one on that. What a comparison does not answer takes the branch.
"""

from __future__ import annotations

from typing import Any

from archlint.symbolic import Size
from archlint.symbolic.formula import gt, lt
from archlint.tracing.symint.float_kinds import FloatExtremum
from archlint.tracing.symint.node import SizeNode
from archlint.tracing.symint.numbers import SizePath, sizes_in, value_at


class ExtremumNode(SizeNode):
    """The largest or the smallest of some sizes; its ``value`` is one of them, by branches."""

    __slots__ = ("_chosen", "_of")

    def __init__(self, items: tuple[Size, ...], larger: bool, path: SizePath) -> None:
        self.path = path
        self.pytype = int
        self._of = FloatExtremum(items, larger)
        self._chosen: Size | None = None

    @property
    def value(self) -> Any:
        if self._chosen is None:
            better = gt if self._of.larger else lt
            best, *others = self._of.items
            for size in others:
                if self.path.branch(better(size, best)):
                    best = size
            self._chosen = best
        return self._chosen

    @property
    def compared(self) -> Any:
        return self._of if self._chosen is None else self._chosen

    def hinted(self) -> Any:
        return value_at(self.compared, self.path.env)

    def sizes(self) -> tuple[Size, ...]:
        return sizes_in(self.compared)
