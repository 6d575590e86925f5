"""What a path was asked, and what it answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from archlint.symbolic import Size, evaluate
from archlint.symbolic.formula import Bool


@dataclass(frozen=True, eq=False)
class Event:
    """A question that the path answered.

    A *claim* is what an operator needs; where it ``held``, sizes that break it are refused here. A
    *branch* is what Python or a kernel branched on: ``formula`` is written so that it is true on
    this path; other sizes go another way. ``call`` is the index of the call that asked.
    """

    kind: str  # "claim" or "branch"
    formula: Bool
    held: bool
    text: str
    sizes: tuple[Size, ...]
    call: int

    def needs(self) -> str:
        """The need with formulas in it."""
        return self.text.format(*self.sizes)

    def gets(self, env: Mapping[str, int]) -> str:
        """The need with the numbers of concrete sizes."""
        return self.text.format(*(evaluate(s, env) for s in self.sizes))
