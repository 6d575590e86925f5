"""How many elements the masks of a run keep: the same number for the same mask, until masks change.

The numbers are unknown sizes; what matters is which masks have the same one.
"""

from __future__ import annotations

from collections.abc import Callable

from archlint.ops.registry import TensorSpec
from archlint.symbolic import Size

MASK_BYTES = 1
"""The bytes of an element of a mask."""


class MaskCounts:
    """The numbers of one run. Masks are known by their specs, which differ from tensor to tensor.

    ``followed``: whether masks change only by writes that the trace sees.
    """

    def __init__(self) -> None:
        self.followed = True
        self._counts: dict[int, tuple[TensorSpec, Size]] = {}  # by the id of the spec
        self._same: dict[int, tuple[TensorSpec, TensorSpec]] = {}  # the same, with another mask

    def of(self, mask: TensorSpec, make: Callable[[], Size]) -> Size:
        """The number of a mask; ``make`` makes a new one."""
        if mask.elements.ones is not None:
            return mask.elements.ones
        _, first = self._same.get(id(mask), (mask, mask))
        known = self._counts.get(id(first))
        if known is not None:
            return known[1]
        count = make()
        if self.followed and first.dtype.itemsize == MASK_BYTES:
            self._counts[id(first)] = first, count
        return count

    def unite(self, mask: TensorSpec, first: TensorSpec) -> None:
        """Note that two masks have the same elements for now."""
        if mask is not first:
            self._same[id(mask)] = mask, first

    def forget(self) -> None:
        """Masks may have changed, each in its own way."""
        self._counts.clear()
        self._same.clear()
