"""One contract for one model, by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from archlint.contracts.contract import Contract
from archlint.contracts.verdict import Verdict
from archlint.errors import Location

Case = tuple[Location | None, str, str]
"""Where the contract stands, its id, the model's name."""

Decided = Mapping[Case, Verdict]
"""The verdicts of a run, before adoption."""


def case(contract: Contract, model: str) -> Case:
    """The case of a contract for a model."""
    return contract.where, contract.id, model


def wanted(contracts: Sequence[Contract]) -> list[Case]:
    """The cases that a run of everything decides."""
    return _cases(c for c in contracts if c.enabled)


def every(contracts: Sequence[Contract]) -> list[Case]:
    """All cases, those that are skipped or switched off too."""
    return _cases(contracts)


def _cases(contracts: Iterable[Contract]) -> list[Case]:
    return [case(contract, ref.name) for contract in contracts for ref in contract.models]
