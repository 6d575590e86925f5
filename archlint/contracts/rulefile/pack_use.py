"""``use:`` in a rule file: a pack's contracts, its parameters filled in, for models of the file."""

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
    grouped,
    read_overrides,
    setting,
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
MAX_LENGTH = 4_000_000  # characters of them, parameters filled in


@dataclass
class UsedPacks:
    """The packs that a rule file uses, as they are read."""

    notes: MistakeCollector
    base: Path
    packs: dict[str, Pack | None] = field(default_factory=dict)
    contracts: list[Contract] = field(default_factory=list)
    overrides: list[Override] = field(default_factory=list)  # those inside ``use:``
    length: int = 0

    @property
    def whole(self) -> bool:
        """Whether every pack could be read."""
        return None not in self.packs.values()

    @property
    def files(self) -> tuple[Path, ...]:
        """Every pack file that was read."""
        return tuple(dict.fromkeys(f for p in self.packs.values() if p for f in p.files))

    def read(
        self, entries: object, models: Mapping[str, ModelRef], common: Sequence[Override]
    ) -> None:
        """Add the contracts of ``use:``; ``common`` are the overrides of the whole file."""
        reader = ContractReader(self.notes)
        for i, entry in enumerate(entries if isinstance(entries, list) else ()):
            if not isinstance(entry, dict):
                continue
            place: Place = ("use", i)
            refs = reader.chosen((*place, "models"), entry.get("models"), dict(models))
            overrides = read_overrides(self.notes, (*place, "overrides"), entry.get("overrides"))
            prefix = entry.get("as", "")
            if not isinstance(prefix, str) or (prefix and not NAME.fullmatch(prefix)):
                self.notes.add((*place, "as"), f"found the name {prefix!r}", NAME_WORDS)
                prefix = ""
            pack = self._open((*place, "pack"), entry.get("pack"))
            if pack is not None:
                self.overrides += overrides
                self._use(pack, entry, place, refs, prefix, [*overrides, *common])

    def _open(self, place: Place, word: object) -> Pack | None:
        if not isinstance(word, str) or not word:
            return None
        if word not in self.packs:
            self.packs[word] = None
            try:
                self.packs[word] = read_pack(word, self.base)
            except PackNotFoundError as error:
                self.notes.add(place, error.found, error.expected)
            except RuleFileError as error:
                self.notes.add(place, f"found {word!r}, a pack with mistakes")
                self.notes.mistakes += error.mistakes
        return self.packs[word]

    def _use(
        self,
        pack: Pack,
        entry: Mapping[str, object],
        place: Place,
        refs: Sequence[ModelRef],
        prefix: str,
        overrides: Sequence[Override],
    ) -> None:
        notes = self.notes
        given = bind(notes, (*place, "with"), entry.get("with"), pack.parameters)
        where = {name: (*place, "with", name) for name in given}
        if not check_complete(notes, place, entry.get("with"), set(given), pack):
            return
        values = {**defaults(pack), **given}
        for template in pack.templates.values():
            word = f"{prefix}.{template.id}" if prefix else template.id
            pairs = [(ref, setting(notes, overrides, word, ref.name, pack.parameters))
                     for ref in refs]  # fmt: skip
            for what, chosen in grouped(pairs):
                if len(self.contracts) >= MAX_CONTRACTS or self.length > MAX_LENGTH:
                    found = "found packs that unfold to too many contracts"
                    notes.add(place, found, f"at most {MAX_CONTRACTS} contracts, of at most "
                              f"{MAX_LENGTH:,} characters")  # fmt: skip
                    return
                contract, length = self._contract(pack, template, values, where, what)
                self.length += length
                if contract is not None:
                    contract = replace(
                        contract, id=word, models=chosen, where=notes.source.where(place)
                    )
                    self.contracts.append(with_severity(contract, what))

    def _contract(
        self,
        pack: Pack,
        template: ContractTemplate,
        values: Mapping[str, object],
        where: Mapping[str, Place],
        what: OverrideResult,
    ) -> tuple[Contract | None, int]:
        """The contract, or ``None`` if it has mistakes, and how long it is."""
        values = {**values, **{name: value for name, value, _ in what.given}}
        places = {**where, **{name: at for name, _, at in what.given}}
        contract, mistakes, length = instantiate(pack, template, values, self.notes, places)
        self.notes.mistakes += mistakes
        return (None if mistakes else contract), length


def instantiate(
    pack: Pack,
    template: ContractTemplate,
    values: Mapping[str, object],
    notes: MistakeCollector,
    places: Mapping[str, Place],
) -> tuple[Contract, list[Mistake], int]:
    """A contract of a pack with these values, its mistakes, and its length.

    A mistake in a text that names a parameter is one of whoever gave the value: ``places`` says
    where in the file of ``notes`` those stand that are no defaults.
    """
    contract, found, filled = _read(template, values)
    faults = _own_faults(pack, template) if found else set()
    mistakes = []
    for mistake in found:
        at = mistake.where.line, mistake.where.column
        text, names = filled.texts.get(at, ("", ()))
        by = [places[name] for name in names if name in places and at not in faults]
        told = f"{mistake.found} in {text!r}" if isinstance(text, str) and text else mistake.found
        if by:
            told += f", which {pack.name} makes of it ({mistake.where})"
            mistakes.append(notes.source.mistake(by[0], told, mistake.expected))
        else:
            mistakes.append(replace(mistake, found=told))
    return replace(contract, pack=pack.name), mistakes, filled.length


def _read(
    template: ContractTemplate, values: Mapping[str, object]
) -> tuple[Contract, list[Mistake], FilledTemplate]:
    """The contract as if it stood in a rule file, with what is wrong with it."""
    filled = fill(template.source, template.place, values)
    section, index = template.place
    entries = filled.source.data[section]  # type: ignore[index]
    entry = {k: v for k, v in entries[index].items() if k != "models"}
    entries[index] = {**entry, "models": "*"}  # whichever: the structure asks for some
    at: Place = (*template.place, "models")
    filled.source.values[at] = filled.source.values[template.place]
    mistakes = structure_mistakes(filled.source, ContractEntry, template.place)
    contract = ContractReader(MistakeCollector(filled.source, mistakes)).contract(
        template.place, entry, {}
    )
    return contract, list(dict.fromkeys(mistakes)), filled


def _own_faults(pack: Pack, template: ContractTemplate) -> set[tuple[int, int]]:
    """Where the contract has mistakes even with the values that the pack's author gives."""
    values = {**defaults(pack), **next((e.given for e in pack.examples if e.keeps), {})}
    if values.keys() != pack.parameters.keys():
        return set()
    return {(m.where.line, m.where.column) for m in _read(template, values)[1]}


def check_unique(notes: MistakeCollector, contracts: Iterable[Contract]) -> None:
    """Refuse two contracts of one id for one model, which the ids of one file alone cannot have."""
    seen: dict[tuple[str, str], Contract] = {}
    for contract in contracts:
        for ref in contract.models:
            before = seen.setdefault((contract.id, ref.name), contract)
            if before is not contract and contract.pack and contract.where and before.where:
                found = f"found the contract {contract.id!r} for {ref.name!r} again, first on line "
                at = notes.source.at(
                    contract.where, found + str(before.where.line), "as: and a name for one of them"
                )
                notes.mistakes.append(at)
