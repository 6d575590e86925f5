"""Overrides: changes to the severity or parameters of contracts for some models."""

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
    """One entry of ``overrides:``.

    ``contract`` and ``model`` are globs over ids and names. ``values`` are new values of pack
    parameters. ``matched`` becomes true when the entry applies to a contract and a model, so that
    entries without effect can be reported; ``known_parameters`` are those of the packs it applies
    to.
    """

    place: Place
    contract: str
    model: str
    severity: str | None
    values: Mapping[str, object]
    reason: str
    matched: bool = False
    known_parameters: dict[str, Parameter] = field(default_factory=dict)

    def matches(self, contract: str, model: str) -> bool:
        """Whether both globs match."""
        return fnmatchcase(contract, self.contract) and fnmatchcase(model, self.model)


@dataclass(frozen=True)
class OverrideResult:
    """The combined effect of all overrides on one contract and one model.

    ``severity``: ``None`` leaves the contract's own. ``values``: parameter, new value, and where
    the value is in the file.
    """

    severity: str | None
    reason: str
    values: tuple[tuple[str, object, Place], ...] = ()


def read_overrides(collector: MistakeCollector, place: Place, entries: object) -> list[Override]:
    """Parse the list of overrides at ``place``.

    Entries of a wrong type are skipped: the schema check reports them.
    """
    overrides = []
    for i, entry in enumerate(entries if isinstance(entries, list) else ()):
        if not isinstance(entry, dict):
            continue
        at: Place = (*place, i)
        if "severity" not in entry and not entry.get("with"):
            collector.add(at, "found an override that changes nothing", "severity or with")
        contract, model = entry.get("contract", "*"), entry.get("model", "*")
        if not (isinstance(contract, str) and contract and isinstance(model, str) and model):
            continue
        values = entry.get("with")
        values = values if isinstance(values, dict) else {}
        reason = str(entry.get("reason", ""))
        overrides.append(Override(at, contract, model, severity_of(entry), values, reason))
    return overrides


def severity_of(entry: Mapping[str, object]) -> str | None:
    """The severity of an entry, if it has a valid one. YAML 1.1 reads a bare ``off`` as false."""
    value = entry.get("severity")
    word = "off" if value is False else value
    return word if isinstance(word, str) and word in SEVERITIES else None


def combine_overrides(
    collector: MistakeCollector,
    overrides: Sequence[Override],
    contract: str,
    model: str,
    parameters: Mapping[str, Parameter],
) -> OverrideResult:
    """The effect of ``overrides`` on a contract and a model. The last match of each kind wins.

    ``parameters`` are those of the contract's pack; empty if it comes from no pack.
    """
    severity, reason = None, ""
    values: dict[str, tuple[object, Place]] = {}
    for override in overrides:
        if not override.matches(contract, model):
            continue
        override.matched = True
        override.known_parameters |= parameters
        if override.severity:
            severity, reason = override.severity, override.reason
        known = {k: v for k, v in override.values.items() if k in parameters}
        at: Place = (*override.place, "with")
        values |= {k: (v, (*at, k)) for k, v in bind(collector, at, known, parameters).items()}
    return OverrideResult(severity, reason, tuple((k, v, at) for k, (v, at) in values.items()))


def group_models(pairs: Iterable[tuple[ModelRef, T]]) -> list[tuple[T, tuple[ModelRef, ...]]]:
    """Models grouped by equal (``repr``) second items, in order of first occurrence."""
    groups: list[tuple[T, list[ModelRef]]] = []
    by_text: dict[str, list[ModelRef]] = {}
    for ref, what in pairs:
        group = by_text.get(repr(what))
        if group is None:
            group = by_text[repr(what)] = []
            groups.append((what, group))
        group.append(ref)
    return [(what, tuple(refs)) for what, refs in groups]


def apply_overrides(
    collector: MistakeCollector, contracts: Iterable[Contract], overrides: Sequence[Override]
) -> list[Contract]:
    """The file's own contracts with overrides applied.

    A contract whose models get different severities is split into one contract per severity.
    """
    applied = []
    for contract in contracts:
        groups = group_models(
            (ref, combine_overrides(collector, overrides, contract.id, ref.name, {}))
            for ref in contract.models
        )
        for result, refs in groups:
            applied.append(with_severity(replace(contract, models=refs), result))
        if not groups:
            applied.append(contract)
    return applied


def with_severity(contract: Contract, result: OverrideResult) -> Contract:
    """The contract with the severity of the overrides, or unchanged if they set none."""
    if result.severity is None:
        return contract
    return replace(contract, severity=result.severity, severity_reason=result.reason)


def check_overrides_match(
    collector: MistakeCollector, overrides: Iterable[Override], contracts: Iterable[Contract]
) -> None:
    """Report overrides that match no contract, and values for parameters that do not exist."""
    known = list(contracts)
    ids = sorted({c.id for c in known})
    models = sorted({ref.name for c in known for ref in c.models})
    for override in overrides:
        if override.matched:
            parameters = override.known_parameters
            unknown = {k: v for k, v in override.values.items() if k not in parameters}
            bind(collector, (*override.place, "with"), unknown, parameters)
            continue
        for key, glob, names in (
            ("contract", override.contract, ids),
            ("model", override.model, models),
        ):
            if not any(fnmatchcase(name, glob) for name in names):
                found = f"found {glob!r}, which matches no {key}{did_you_mean(glob, names)}"
                at: Place = (*override.place, key)
                at = at if at in collector.source.values else override.place
                collector.add(at, found, f"one of {', '.join(names[:20])}" if names else "")
                break
        else:
            found = (
                f"found an override for the contract {override.contract!r} and the model "
                f"{override.model!r}, but that contract is not checked for that model"
            )
            collector.add(override.place, found, "a contract and one of its models")
