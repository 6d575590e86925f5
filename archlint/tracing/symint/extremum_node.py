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
    """The larger or the smaller of two sizes; its ``value`` is one of them, by a branch.

    ``objects``: the two as user code has them, of which Python's function returns one.
    """

    __slots__ = ("_chosen", "_objects", "_of")

    def __init__(
        self, items: tuple[Size, Size], objects: tuple[Any, Any], larger: bool, path: SizePath
    ) -> None:
        self.path = path
        self.pytype = int
        self._of = FloatExtremum(items, larger)
        self._objects = objects
        self._chosen: int | None = None

    def _choose(self) -> int:
        if self._chosen is None:
            better = gt if self._of.larger else lt
            first, second = self._of.items
            self._chosen = int(self.path.branch(better(second, first)))
        return self._chosen

    @property
    def value(self) -> Any:
        return self._of.items[self._choose()]

    def chosen(self) -> Any:
        """The object that Python's ``max`` or ``min`` returns."""
        return self._objects[self._choose()]

    @property
    def compared(self) -> Any:
        return self._of if self._chosen is None else self.value

    def hinted(self) -> Any:
        return value_at(self.compared, self.path.env)

    def sizes(self) -> tuple[Size, ...]:
        return sizes_in(self.compared)
