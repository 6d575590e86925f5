"""A case: one contract and one model, by name. Waivers and the baseline refer to cases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from archlint.contracts.contract import Contract
from archlint.contracts.verdict import Verdict
from archlint.errors import Location

Case = tuple[Location | None, str, str]
"""The location of the contract, its id, and the name of the model."""

CaseVerdicts = Mapping[Case, Verdict]
"""The verdicts of a run before waivers and the baseline are applied."""


def case_of(contract: Contract, model: str) -> Case:
    """The case of a contract and the model of this name."""
    return contract.where, contract.id, model


def checked_cases(contracts: Sequence[Contract]) -> list[Case]:
    """The cases that a complete run checks."""
    return _cases(c for c in contracts if c.enabled)


def all_cases(contracts: Sequence[Contract]) -> list[Case]:
    """All cases, including those that are skipped or switched off."""
    return _cases(contracts)


def _cases(contracts: Iterable[Contract]) -> list[Case]:
    return [case_of(contract, ref.name) for contract in contracts for ref in contract.models]
