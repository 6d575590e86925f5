"""Claims and branches: what operators require of the sizes, and what code branched on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from archlint.symbolic import Size, evaluate
from archlint.symbolic.formula import Bool

_ONE = re.compile(r"(?<!\S)1 dimensions\b")


def with_sizes(text: str, sizes: Iterable[Size | str]) -> str:
    """The text of a requirement with sizes in it: ``a target of {} dimensions`` for 1 or more."""
    return _ONE.sub("1 dimension", text.format(*sizes))


@dataclass(frozen=True, eq=False)
class Event:
    """One claim or branch of a path.

    A *claim* is what an operator needs; where it ``held``, sizes that break it are refused here. A
    *branch* is what Python or a kernel branched on: ``formula`` is written so that it is true on
    this path; other sizes take another path. ``call`` is the index of the call that
    made it. ``each``: the claim in one turn of a loop, where values decide in each turn again what
    is claimed: a turn in which it fails may not claim it.
    """

    kind: str  # "claim" or "branch"
    formula: Bool
    held: bool
    text: str
    sizes: tuple[Size, ...]
    call: int
    each: Bool | None = None

    def needs(self) -> str:
        """The requirement with the sizes as formulas."""
        return with_sizes(self.text, self.sizes)

    def gets(self, env: Mapping[str, int]) -> str:
        """The requirement with the numbers at concrete sizes."""
        return with_sizes(self.text, (evaluate(s, env) for s in self.sizes))
