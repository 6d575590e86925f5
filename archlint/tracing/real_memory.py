"""Which memory of real tensors calls on weights alone made, and which they wrote to.

A part of a run can be made again, or along another branch, if it wrote only to memory that it made.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


UNKNOWN = 1
"""The address of memory that is not known: it may be any."""


class RealMemory:
    """The memory of one run, by its address."""

    def __init__(self) -> None:
        self._made: dict[int, int] = {}  # the number of the call that made it
        self._calls = 0
        self._written: list[tuple[int, torch.Tensor]] = []  # when it was made, -1 for earlier

    def note(
        self, given: Mapping[int, torch.Tensor], results: Collection[int], writes: bool
    ) -> None:
        """Note a call: the memory of its arguments, that of its results, and whether it writes."""
        self._calls += 1
        for place in results:
            if place not in given and place != UNKNOWN:
                self._made[place] = self._calls
        if writes:
            self._written += [(self._made.get(p, -1), tensor) for p, tensor in given.items()]

    def mark(self) -> tuple[int, int]:
        """The current point of the run, for :meth:`written_since`."""
        return self._calls, len(self._written)

    def written_since(self, mark: tuple[int, int]) -> list[torch.Tensor]:
        """Tensors in memory from before ``mark`` that were written to since."""
        calls, written = mark
        return [tensor for made, tensor in self._written[written:] if made <= calls]
