"""Loads a rule file: YAML in, contracts out, or an error that lists every mistake.

:mod:`.yaml_source` parses the YAML and records positions. :mod:`.schema` checks keys and types.
:mod:`.contract_reader` parses shapes, conditions and targets. Reading continues after a mistake;
values of a wrong type are skipped there, because the schema has reported them.
"""

from __future__ import annotations

from pathlib import Path

from archlint.contracts.contract import RuleFile
from archlint.contracts.rulefile.contract_reader import ContractReader
from archlint.contracts.rulefile.mistake_collector import MistakeCollector
from archlint.contracts.rulefile.overrides import check_overrides_match, overridden, read_overrides
from archlint.contracts.rulefile.pack_use import UsedPacks, check_unique
from archlint.contracts.rulefile.schema_errors import is_pack, structure_mistakes
from archlint.contracts.rulefile.waiver_reader import read_waivers
from archlint.contracts.rulefile.yaml_source import Source, parse, read
from archlint.errors import Mistake, RuleFileError


def load(path: str | Path) -> RuleFile:
    """Read a rule file. Raises :class:`RuleFileError` with all mistakes, in their order."""
    return _understood(*read(Path(path)))


def loads(text: str, file: str = "<text>") -> RuleFile:
    """As :func:`load`, of a text; ``file`` is its name in messages."""
    return _understood(*parse(text, file))


def _understood(source: Source, mistakes: list[Mistake]) -> RuleFile:
    notes = MistakeCollector(source, mistakes)
    if is_pack(source):
        notes.add(("pack",), "found a pack", "a rule file, which says use: and the pack", key=True)
        raise RuleFileError(mistakes)
    mistakes += structure_mistakes(source)
    reader = ContractReader(notes)
    models = reader.models()
    own = list(reader.contracts(models))
    overrides = read_overrides(notes, ("overrides",), reader.section("overrides", list))
    uses = UsedPacks(notes, Path(source.file).parent)
    uses.read(reader.section("use", list), models, overrides)
    if isinstance(source.data, dict) and not {"contracts", "use"} & source.data.keys():
        notes.add((), "the key 'contracts' is missing", "contracts: and a list of them, or use:")
    contracts = (*overridden(notes, own, overrides), *uses.contracts)
    if uses.whole:
        check_overrides_match(notes, [*overrides, *uses.overrides], contracts)
        check_unique(notes, contracts)
    waivers = tuple(read_waivers(notes, reader.section("waivers", list)))
    if mistakes:
        mistakes.sort(key=lambda m: _place(m, source.file))
        raise RuleFileError(list(dict.fromkeys(mistakes)))
    return RuleFile(Path(source.file), models, contracts, uses.files, waivers)


def _place(mistake: Mistake, file: str) -> tuple[bool, str, int, int]:
    """For sorting: the file's own mistakes first, then those of the packs that it uses."""
    where = mistake.where
    return where.file != file, where.file, where.line, where.column
