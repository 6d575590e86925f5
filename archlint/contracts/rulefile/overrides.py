"""Overrides: what a rule file changes about contracts for some models, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import TypeVar

from archlint.contracts.contract import Contract, ModelRef
from archlint.contracts.rulefile.mistake_collector import MistakeCollector
from archlint.contracts.rulefile.pack_parameters import Parameter, bind
from archlint.contracts.rulefile.schema import SEVERITIES
from archlint.contracts.rulefile.yaml_source import Place
from archlint.contracts.suggestions import did_you_mean

T = TypeVar("T")


@dataclass
class Override:
    """One entry of ``overrides:``. It notes whom it met, so that none is there for nothing."""

    place: Place
    contract: str
    model: str
    severity: str | None
    given: Mapping[str, object]
    reason: str
    met: bool = False
    parameters: dict[str, Parameter] = field(default_factory=dict)  # of the packs that it met

    def matches(self, contract: str, model: str) -> bool:
        return fnmatchcase(contract, self.contract) and fnmatchcase(model, self.model)


@dataclass(frozen=True)
class OverrideResult:
    """What holds for one contract and one model once all overrides are read."""

    severity: str | None  # None: as the contract says
    reason: str
    given: tuple[tuple[str, object, Place], ...] = ()  # parameters, each with where it stands


def read_overrides(notes: MistakeCollector, place: Place, entries: object) -> list[Override]:
    """The overrides at ``place``. What has the wrong structure is told of elsewhere."""
    found = []
    for i, entry in enumerate(entries if isinstance(entries, list) else ()):
        if not isinstance(entry, dict):
            continue
        at: Place = (*place, i)
        if "severity" not in entry and not entry.get("with"):
            notes.add(at, "found an override that changes nothing", "severity or with")
        contract, model = entry.get("contract", "*"), entry.get("model", "*")
        if not (isinstance(contract, str) and contract and isinstance(model, str) and model):
            continue
        given = entry.get("with")
        given = given if isinstance(given, dict) else {}
        reason = str(entry.get("reason", ""))
        found.append(Override(at, contract, model, severity_of(entry), given, reason))
    return found


def severity_of(entry: Mapping[str, object]) -> str | None:
    """The severity that an entry names; YAML reads a bare ``off`` as false."""
    value = entry.get("severity")
    word = "off" if value is False else value
    return word if isinstance(word, str) and word in SEVERITIES else None


def setting(
    notes: MistakeCollector,
    overrides: Sequence[Override],
    contract: str,
    model: str,
    parameters: Mapping[str, Parameter],
) -> OverrideResult:
    """What the overrides say of a contract and a model: for each setting the last match."""
    severity, reason = None, ""
    given: dict[str, tuple[object, Place]] = {}
    for override in overrides:
        if not override.matches(contract, model):
            continue
        override.met = True
        override.parameters |= parameters
        if override.severity:
            severity, reason = override.severity, override.reason
        known = {k: v for k, v in override.given.items() if k in parameters}
        at: Place = (*override.place, "with")
        given |= {k: (v, (*at, k)) for k, v in bind(notes, at, known, parameters).items()}
    return OverrideResult(severity, reason, tuple((k, v, at) for k, (v, at) in given.items()))


def grouped(pairs: Iterable[tuple[ModelRef, T]]) -> list[tuple[T, tuple[ModelRef, ...]]]:
    """Models for which the same holds, together; in their order."""
    groups: list[tuple[T, list[ModelRef]]] = []
    by_text: dict[str, list[ModelRef]] = {}
    for ref, what in pairs:
        group = by_text.get(repr(what))
        if group is None:
            group = by_text[repr(what)] = []
            groups.append((what, group))
        group.append(ref)
    return [(what, tuple(refs)) for what, refs in groups]


def overridden(
    notes: MistakeCollector, contracts: Iterable[Contract], overrides: Sequence[Override]
) -> list[Contract]:
    """The contracts of the file itself; one whose models differ in severity becomes several."""
    result = []
    for contract in contracts:
        pairs = ((ref, setting(notes, overrides, contract.id, ref.name, {}))
                 for ref in contract.models)  # fmt: skip
        groups = grouped(pairs)
        for what, refs in groups:
            result.append(with_severity(replace(contract, models=refs), what))
        if not groups:
            result.append(contract)
    return result


def with_severity(contract: Contract, what: OverrideResult) -> Contract:
    """The contract with the severity that an override gives it, if one does."""
    if what.severity is None:
        return contract
    return replace(contract, severity=what.severity, severity_reason=what.reason)


def check_overrides_match(
    notes: MistakeCollector, overrides: Iterable[Override], contracts: Iterable[Contract]
) -> None:
    """Refuse an override that meets no contract, and parameters that none it meets has."""
    known = list(contracts)
    ids = sorted({c.id for c in known})
    models = sorted({ref.name for c in known for ref in c.models})
    for override in overrides:
        if override.met:
            unknown = {k: v for k, v in override.given.items() if k not in override.parameters}
            bind(notes, (*override.place, "with"), unknown, override.parameters)
            continue
        for key, word, names in (
            ("contract", override.contract, ids), ("model", override.model, models)
        ):  # fmt: skip
            if not any(fnmatchcase(name, word) for name in names):
                found = f"found {word!r}, which matches no {key}{did_you_mean(word, names)}"
                at: Place = (*override.place, key)
                at = at if at in notes.source.values else override.place
                notes.add(at, found, f"one of {', '.join(names[:20])}" if names else "")
                break
        else:
            found = f"found an override for {override.contract!r} and {override.model!r}"
            notes.add(override.place, found + ", which no contract has together", "a contract")
