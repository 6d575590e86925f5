"""A contract as sets of sizes: which sizes it is about, and which must be explored to check it."""

from __future__ import annotations

from dataclasses import dataclass

from archlint.contracts.contract import Contract
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
        names, batch = input_symbols(contract.input), batch_symbols(contract.input)
        clause = contract.clause.region
        real = input_constraints(contract.input)
        if contract.clause.kind == "only":
            # Sizes start at 1, except where the clause itself names 0.
            zero = {n: (0, None) for n, (low, _) in bounds_of(clause).items() if low == 0}
            box = Box({n: zero.get(n, (1, None)) for n in names})
            return cls(names, box, conj(in_box(box), clause, real), conj(in_box(box), real), batch)
        box = box_of(names, clause)
        premise = conj(in_box(box), clause, real)
        return cls(names, box, premise, premise, batch)
