"""A contract as sets of sizes: which sizes it is about, and which must be explored to check it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from archlint.contracts.contract import Contract, Input, SizeClause
from archlint.contracts.region import (
    batch_symbols,
    bounds_of,
    box_of,
    in_box,
    input_constraints,
    input_symbols,
)
from archlint.symbolic.formula import Bool, conj
from archlint.symbolic.intervals import Box


@dataclass(frozen=True)
class Question:
    """The sizes that a contract is about.

    ``premise``: the sizes that the contract's clause names. ``domain``: the sizes to explore; for
    ``only`` these include the sizes outside of the clause. Both lie inside ``box``. ``names`` are
    the names of the input's sizes, in their order; ``batch`` are those that are probably batches.
    """

    names: tuple[str, ...]
    box: Box
    premise: Bool
    domain: Bool
    batch: frozenset[str] = frozenset()

    @classmethod
    def of(cls, contract: Contract) -> Question:
        """The question that a contract poses."""
        input: Any = contract.input
        try:
            found = _question(input, contract.clause)
        except TypeError:  # several tensors, in a mapping or a list
            found = _question.__wrapped__(input, contract.clause)
        return replace(found, box=Box(found.box.ranges))  # a box remembers what it was asked


@lru_cache(maxsize=64)
def _question(input: Input, clause: SizeClause) -> Question:
    names, batch = input_symbols(input), batch_symbols(input)
    region, real = clause.region, input_constraints(input)
    if clause.kind == "only":
        # Sizes start at 1, except where the clause itself names 0.
        zero = {n: (0, None) for n, (low, _) in bounds_of(region).items() if low == 0}
        box = Box({n: zero.get(n, (1, None)) for n in names})
        domain = conj(in_box(box), real)
        return Question(names, box, conj(in_box(box), region, real), domain, batch)
    box = box_of(names, region)
    premise = conj(in_box(box), region, real)
    return Question(names, box, premise, premise, batch)
