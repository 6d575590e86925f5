"""The rules of a SARIF log: contracts, and what archlint itself asks of rule files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archlint.contracts.contract import Contract
from archlint.contracts.rulefile.structure_reader import structure_as_yaml
from archlint.contracts.verdict import Verdict

RULE_FILE = "rule-file"

_OWN = {
    RULE_FILE: (
        "A rule file must be readable.",
        "Correct the line; docs/rule-file.md has all keys.",
    ),
    "waiver": (
        "A waiver must be needed.",
        "Remove the waiver: what it waives holds, or is not there. The setting unneeded_waivers "
        "in [tool.archlint] says how much this weighs.",
    ),
    "baseline": (
        "The baseline must say what is true.",
        "Run archlint check --write-baseline and commit the file.",
    ),
    "locked": (
        "A model must accept what archlint.lock says.",
        "If the change is meant, run archlint lock --update and commit the file.",
    ),
}


class Rules:
    """The descriptors, each made when it is first asked for."""

    def __init__(self, contracts: Sequence[Contract]) -> None:
        self.descriptors: list[dict[str, Any]] = []
        self._places: dict[object, int] = {}
        self._contracts = {_key(c): c for c in contracts}
        for key, contract in self._contracts.items():
            self._add(key, _of_contract(contract))

    def index(self, verdict: Verdict) -> int:
        """The place of the rule that a verdict is about."""
        key = (verdict.contract, verdict.file, verdict.line)
        return self._places[key] if key in self._places else self.named(verdict.contract)

    def named(self, id: str) -> int:
        """The place of a rule of archlint's own."""
        if id not in self._places:
            title, help = _OWN.get(id, (id, "See the message."))
            self._add(id, _descriptor(id, title, help, "error"))
        return self._places[id]

    def _add(self, key: object, descriptor: dict[str, Any]) -> None:
        self._places[key] = len(self.descriptors)
        self.descriptors.append(descriptor)


def _key(contract: Contract) -> tuple[str, str | None, int | None]:
    where = contract.where
    return contract.id, where.file if where else None, where.line if where else None


def _of_contract(contract: Contract) -> dict[str, Any]:
    kind = "rejects" if contract.clause.kind == "rejects" else "accepts"
    title = f"{kind} {contract.clause.text}"
    structure = f"has the structure {structure_as_yaml(contract.structure)}"
    if contract.clause.kind == "none":
        title = structure
    elif contract.structure:
        title += f" and {structure}"
    help = "\n".join(filter(None, (f"The model {title}.", contract.why and f"Why: {contract.why}")))
    level = "warning" if contract.severity == "warning" else "error"
    return _descriptor(contract.id, title, help, level)


def _descriptor(id: str, title: str, help: str, level: str) -> dict[str, Any]:
    return {
        "id": id,
        "shortDescription": {"text": title},
        "fullDescription": {"text": help},
        "help": {"text": help},
        "defaultConfiguration": {"level": level},
        "properties": {"tags": ["archlint"], "problem.severity": level},
    }
