"""``use:`` in a rule file: adds the contracts of a pack for models of the file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from archlint.contracts.contract import Contract, ModelRef
from archlint.contracts.rulefile.contract_reader import NAME, NAME_WORDS, ContractReader
from archlint.contracts.rulefile.mistake_collector import MistakeCollector
from archlint.contracts.rulefile.overrides import (
    Override,
    OverrideResult,
    combine_overrides,
    group_models,
    read_overrides,
    with_severity,
)
from archlint.contracts.rulefile.pack_location import PackNotFoundError
from archlint.contracts.rulefile.pack_parameters import FilledTemplate, bind, fill
from archlint.contracts.rulefile.pack_reader import (
    ContractTemplate,
    Pack,
    check_complete,
    defaults,
    read_pack,
)
from archlint.contracts.rulefile.schema import ContractEntry
from archlint.contracts.rulefile.schema_errors import structure_mistakes
from archlint.contracts.rulefile.yaml_source import Place
from archlint.errors import Mistake, RuleFileError

MAX_CONTRACTS = 2000  # that packs may add to one rule file
MAX_LENGTH = 4_000_000  # characters of them, with parameters filled in


@dataclass
class UsedPacks:
    """The packs of a rule file and the contracts that they add to it.

    ``base`` is the rule file's folder. ``packs`` has ``None`` for a pack that could not be read.
    ``overrides`` are those inside ``use:`` entries.
    """

    collector: MistakeCollector
    base: Path
    packs: dict[str, Pack | None] = field(default_factory=dict)
    contracts: list[Contract] = field(default_factory=list)
    overrides: list[Override] = field(default_factory=list)
    length: int = 0

    @property
    def complete(self) -> bool:
        """Whether every pack could be read."""
        return None not in self.packs.values()

    @property
    def files(self) -> tuple[Path, ...]:
        """Every pack file that was read."""
        return tuple(dict.fromkeys(f for p in self.packs.values() if p for f in p.files))

    def read(
        self, entries: object, models: Mapping[str, ModelRef], file_overrides: Sequence[Override]
    ) -> None:
        """Add the contracts of the ``use:`` entries.

        ``file_overrides`` apply to the whole file, after those of the entry.
        """
        reader = ContractReader(self.collector)
        for i, entry in enumerate(entries if isinstance(entries, list) else ()):
            if not isinstance(entry, dict):
                continue
            place: Place = ("use", i)
            refs = reader.select_models((*place, "models"), entry.get("models"), dict(models))
            own = read_overrides(self.collector, (*place, "overrides"), entry.get("overrides"))
            prefix = entry.get("as", "")
            if not isinstance(prefix, str) or (prefix and not NAME.fullmatch(prefix)):
                self.collector.add((*place, "as"), f"found the name {prefix!r}", NAME_WORDS)
                prefix = ""
            pack = self._open((*place, "pack"), entry.get("pack"))
            if pack is not None:
                self.overrides += own
                self._add_contracts(pack, entry, place, refs, prefix, [*own, *file_overrides])

    def _open(self, place: Place, name: object) -> Pack | None:
        if not isinstance(name, str) or not name:
            return None
        if name not in self.packs:
            self.packs[name] = None
            try:
                self.packs[name] = read_pack(name, self.base)
            except PackNotFoundError as error:
                self.collector.add(place, error.found, error.expected)
            except RuleFileError as error:
                self.collector.add(place, f"found {name!r}, a pack with mistakes")
                self.collector.mistakes += error.mistakes
        return self.packs[name]

    def _add_contracts(
        self,
        pack: Pack,
        entry: Mapping[str, object],
        place: Place,
        refs: Sequence[ModelRef],
        prefix: str,
        overrides: Sequence[Override],
    ) -> None:
        collector = self.collector
        bound = bind(collector, (*place, "with"), entry.get("with"), pack.parameters)
        where = {name: (*place, "with", name) for name in bound}
        if not check_complete(collector, place, entry.get("with"), set(bound), pack):
            return
        values = {**defaults(pack), **bound}
        for template in pack.templates.values():
            id = f"{prefix}.{template.id}" if prefix else template.id
            groups = group_models(
                (ref, combine_overrides(collector, overrides, id, ref.name, pack.parameters))
                for ref in refs
            )
            for result, models in groups:
                if len(self.contracts) >= MAX_CONTRACTS or self.length > MAX_LENGTH:
                    expected = (
                        f"at most {MAX_CONTRACTS} contracts with {MAX_LENGTH:,} characters in all"
                    )
                    collector.add(place, "found packs with too many contracts", expected)
                    return
                contract, length = self._contract(pack, template, values, where, result)
                self.length += length
                if contract is not None:
                    at = collector.source.where(place)
                    contract = replace(contract, id=id, models=models, where=at)
                    self.contracts.append(with_severity(contract, result))

    def _contract(
        self,
        pack: Pack,
        template: ContractTemplate,
        values: Mapping[str, object],
        where: Mapping[str, Place],
        result: OverrideResult,
    ) -> tuple[Contract | None, int]:
        """The contract, or ``None`` if it has mistakes, and its length in characters."""
        values = {**values, **{name: value for name, value, _ in result.values}}
        places = {**where, **{name: at for name, _, at in result.values}}
        contract, mistakes, length = instantiate(pack, template, values, self.collector, places)
        self.collector.mistakes += mistakes
        return (None if mistakes else contract), length


def instantiate(
    pack: Pack,
    template: ContractTemplate,
    values: Mapping[str, object],
    collector: MistakeCollector,
    places: Mapping[str, Place],
) -> tuple[Contract, list[Mistake], int]:
    """A contract of a pack with parameter values filled in, its mistakes, and its length.

    ``places`` says where in the file of ``collector`` the values are that are not defaults. A
    mistake in a text that uses such a value is reported there, unless the pack's author's own
    values lead to the same mistake: then it is reported in the pack.
    """
    contract, in_contract, filled = _read(template, values)
    pack_faults = _own_faults(pack, template) if in_contract else set()
    mistakes = []
    for mistake in in_contract:
        at = mistake.where.line, mistake.where.column
        text, names = filled.texts.get(at, ("", ()))
        causes = [places[name] for name in names if name in places and at not in pack_faults]
        found = f"{mistake.found} in {text!r}" if isinstance(text, str) and text else mistake.found
        if causes:
            found += f", a text of the pack {pack.name} ({mistake.where})"
            mistakes.append(collector.source.mistake(causes[0], found, mistake.expected))
        else:
            mistakes.append(replace(mistake, found=found))
    return replace(contract, pack=pack.name), mistakes, filled.length


def _read(
    template: ContractTemplate, values: Mapping[str, object]
) -> tuple[Contract, list[Mistake], FilledTemplate]:
    """The contract, read like one of a rule file, and its mistakes."""
    filled = fill(template.source, template.place, values)
    section, index = template.place
    entries = filled.source.data[section]  # type: ignore[index]
    entry = {k: v for k, v in entries[index].items() if k != "models"}
    entries[index] = {**entry, "models": "*"}  # the schema requires the key; the value is not used
    at: Place = (*template.place, "models")
    filled.source.values[at] = filled.source.values[template.place]
    mistakes = structure_mistakes(filled.source, ContractEntry, template.place)
    reader = ContractReader(MistakeCollector(filled.source, mistakes))
    contract = reader.contract(template.place, entry, {})
    return contract, list(dict.fromkeys(mistakes)), filled


def _own_faults(pack: Pack, template: ContractTemplate) -> set[tuple[int, int]]:
    """Lines and columns of mistakes that remain with the values of the pack's own example."""
    values = {**defaults(pack), **pack.first_values}
    if values.keys() != pack.parameters.keys():
        return set()
    return {(m.where.line, m.where.column) for m in _read(template, values)[1]}


def check_unique(collector: MistakeCollector, contracts: Iterable[Contract]) -> None:
    """Report two contracts with the same id for one model, where a pack adds the second."""
    seen: dict[tuple[str, str], Contract] = {}
    for contract in contracts:
        for ref in contract.models:
            first = seen.setdefault((contract.id, ref.name), contract)
            if first is not contract and contract.pack and contract.where and first.where:
                found = (
                    f"found the contract {contract.id!r} for {ref.name!r} again; "
                    f"the first is on line {first.where.line}"
                )
                expected = "as: with a prefix for one of them"
                collector.mistakes.append(collector.source.at(contract.where, found, expected))
