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
from archlint.contracts.rulefile.overrides import (
    apply_overrides,
    check_overrides_match,
    read_overrides,
)
from archlint.contracts.rulefile.pack_use import UsedPacks, check_unique
from archlint.contracts.rulefile.schema_errors import is_pack, structure_mistakes
from archlint.contracts.rulefile.waiver_reader import read_waivers
from archlint.contracts.rulefile.yaml_source import Source, parse, read
from archlint.errors import Mistake, RuleFileError


def load(path: str | Path) -> RuleFile:
    """Read the rule file ``path``, with the packs that it uses. No code of the user's runs.

    Raises:
        RuleFileError: the file has mistakes; it lists all of them in the order of lines.
    """
    return _contracts_of(*read(Path(path)))


def loads(text: str, file: str = "<text>") -> RuleFile:
    """Like :func:`load`, from a text. ``file`` is its name in messages."""
    return _contracts_of(*parse(text, file))


def _contracts_of(source: Source, mistakes: list[Mistake]) -> RuleFile:
    collector = MistakeCollector(source, mistakes)
    if is_pack(source):
        collector.add(
            ("pack",), "found a pack", "a rule file, which lists the pack under use:", key=True
        )
        raise RuleFileError(mistakes)
    mistakes += structure_mistakes(source)
    reader = ContractReader(collector)
    models = reader.models()
    own = list(reader.contracts(models))
    overrides = read_overrides(collector, ("overrides",), reader.section("overrides", list))
    used = UsedPacks(collector, Path(source.file).parent)
    used.read(reader.section("use", list), models, overrides)
    if isinstance(source.data, dict) and not {"contracts", "use"} & source.data.keys():
        collector.add(
            (),
            "the key 'contracts' is missing",
            "contracts: with a list of contracts, or use: with packs",
        )
    contracts = (*apply_overrides(collector, own, overrides), *used.contracts)
    if used.complete:
        check_overrides_match(collector, [*overrides, *used.overrides], contracts)
        check_unique(collector, contracts)
    waivers = tuple(read_waivers(collector, reader.section("waivers", list)))
    if mistakes:
        mistakes.sort(key=lambda m: _place(m, source.file))
        raise RuleFileError(list(dict.fromkeys(mistakes)))
    return RuleFile(Path(source.file), models, contracts, used.files, waivers)


def _place(mistake: Mistake, file: str) -> tuple[bool, str, int, int]:
    """The sort key of a mistake: the file's own come first, then those of its packs."""
    where = mistake.where
    return where.file != file, where.file, where.line, where.column
