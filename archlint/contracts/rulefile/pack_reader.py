"""Reads packs: files of contracts with parameters and without models, for use in rule files."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from archlint.contracts.contract import ModelRef
from archlint.contracts.rulefile.contract_reader import NAME, NAME_WORDS
from archlint.contracts.rulefile.mistake_collector import MistakeCollector
from archlint.contracts.rulefile.pack_location import PackNotFoundError, locate_pack
from archlint.contracts.rulefile.pack_parameters import (
    Parameter,
    bind,
    check_placeholders,
    read_parameters,
)
from archlint.contracts.rulefile.pack_schema import PackEntry
from archlint.contracts.rulefile.schema_errors import structure_mistakes
from archlint.contracts.rulefile.yaml_source import Place, Source, read
from archlint.errors import RuleFileError

MAX_EXTENDED = 8  # length of a chain of packs that extend one another


@dataclass(frozen=True)
class ContractTemplate:
    """A contract of a pack whose parameters have no values yet."""

    id: str
    source: Source
    place: Place


@dataclass(frozen=True)
class Example:
    """A model that satisfies the pack's contracts (``passes``), or one that breaks one of them.

    ``values`` are those of parameters. For a model that breaks a contract: ``contract`` is that
    contract's id, ``at`` the smallest failing sizes, ``layer`` the failing layer's module path.
    """

    ref: ModelRef
    passes: bool
    values: dict[str, object]
    place: Place
    contract: str = ""
    at: dict[str, int] | None = None
    layer: str = ""


@dataclass(frozen=True)
class Pack:
    """A pack, merged with the packs that it extends.

    ``name`` is the name that rule files use. ``own`` are the ids of the contracts in its own file,
    without those of the packs it extends. ``files`` are all the files that it was read from.
    """

    name: str
    about: str
    source: Source
    parameters: dict[str, Parameter]
    templates: dict[str, ContractTemplate]
    own: tuple[str, ...]
    examples: tuple[Example, ...]
    files: tuple[Path, ...]
    extends: str = ""

    @property
    def first_values(self) -> dict[str, object]:
        """The parameters of the first example that passes; empty if there is none."""
        return next((e.values for e in self.examples if e.passes), {})


def read_pack(word: str, base: Path) -> Pack:
    """The pack ``word`` (owner/name or a path) as used in a file of the folder ``base``.

    Raises:
        PackNotFoundError: there is no such pack.
        RuleFileError: the pack has mistakes.
    """
    return _read(*locate_pack(word, base), ())


def _read(name: str, path: Path, before: tuple[Path, ...]) -> Pack:
    source, mistakes = read(path)
    mistakes += structure_mistakes(source, PackEntry)
    collector = MistakeCollector(source, mistakes)
    data: dict[str, Any] = source.data if isinstance(source.data, dict) else {}
    declared = data.get("pack")
    if isinstance(declared, str) and declared:
        expected = name.rpartition("/")[2]
        if not NAME.fullmatch(declared):
            collector.add(("pack",), f"found the name {declared!r}", NAME_WORDS)
        elif expected and declared != expected:
            collector.add(
                ("pack",), f"found the name {declared!r}", f"{expected!r}, the name of the file"
            )
    parent = _parent(collector, data.get("extends"), path, (*before, path.resolve()))
    stated = data.get("parameters")
    own = read_parameters(collector, stated if isinstance(stated, dict) else {})
    parameters = {**(parent.parameters if parent else {}), **own}
    templates = _templates(collector, data, parameters)
    together = {**(parent.templates if parent else {}), **templates}
    if not data.get("contracts") and not data.get("extends") and "contracts" not in data:
        expected = "contracts: with a list of contracts, or extends: with a pack"
        collector.add((), "the key 'contracts' is missing", expected)
    files = (path, *(parent.files if parent else ()))
    pack = Pack(
        name or str(declared), str(data.get("about", "")), source, parameters, together,
        tuple(templates), (), files, parent.name if parent else "",
    )  # fmt: skip
    examples = tuple(_examples(collector, data, pack))
    if mistakes:
        mistakes.sort(key=lambda m: (m.where.file != str(path), m.where.line, m.where.column))
        raise RuleFileError(list(dict.fromkeys(mistakes)))
    return replace(pack, examples=examples)


def _parent(
    collector: MistakeCollector, word: object, path: Path, before: tuple[Path, ...]
) -> Pack | None:
    if not isinstance(word, str) or not word:
        return None
    try:
        name, file = locate_pack(word, path.parent)
        if file.resolve() in before:
            collector.add(("extends",), f"found {word!r}, which extends this pack", "another pack")
        elif len(before) > MAX_EXTENDED:
            found = f"found a chain of more than {MAX_EXTENDED} packs that extend one another"
            collector.add(("extends",), found, f"at most {MAX_EXTENDED}")
        else:
            return _read(name, file, before)
    except PackNotFoundError as error:
        collector.add(("extends",), error.found, error.expected)
    except RuleFileError as error:
        collector.mistakes += error.mistakes
    return None


def _templates(
    collector: MistakeCollector, data: dict[str, Any], parameters: dict[str, Parameter]
) -> dict[str, ContractTemplate]:
    found: dict[str, ContractTemplate] = {}
    contracts = data.get("contracts")
    for i, entry in enumerate(contracts if isinstance(contracts, list) else ()):
        if not isinstance(entry, dict):
            continue
        place: Place = ("contracts", i)
        word = entry.get("id")
        if not isinstance(word, str) or not NAME.fullmatch(word):
            at, what = ((*place, "id"), f"found the id {word!r}") if "id" in entry else (place, "")
            expected = NAME_WORDS if what else "id: with a name"
            collector.add(at, what or "the key 'id' is missing", expected)
        elif word in found:
            collector.add((*place, "id"), f"found the id {word!r} again", "each id once")
        else:
            found[word] = ContractTemplate(word, collector.source, place)
        if "models" in entry:
            expected = "no models: the rule file that uses the pack names them"
            collector.add((*place, "models"), "found models in a pack", expected, key=True)
        for key, value in entry.items():
            check_placeholders(collector, (*place, key), value, parameters)
    return found


def _examples(collector: MistakeCollector, data: dict[str, Any], pack: Pack) -> list[Example]:
    found = []
    examples = data.get("examples")
    for i, entry in enumerate(examples if isinstance(examples, list) else ()):
        if not isinstance(entry, dict):
            continue
        place: Place = ("examples", i)
        targets = [k for k in ("keeps", "breaks") if isinstance(entry.get(k), str) and entry[k]]
        if len(targets) != 1:
            what = "both keeps and breaks" if targets else "neither keeps nor breaks"
            collector.add(
                place, f"found an example with {what}", "exactly one of them, with a target"
            )
            continue
        target = entry[targets[0]]
        args, kwargs = entry.get("args"), entry.get("kwargs")
        ref = ModelRef(
            target.rpartition(":")[2], target, tuple(args) if isinstance(args, list) else (),
            kwargs if isinstance(kwargs, dict) else {},
            collector.source.where((*place, targets[0])),
        )  # fmt: skip
        values = bind(collector, (*place, "with"), entry.get("with"), pack.parameters)
        check_complete(collector, place, entry.get("with"), set(values), pack)
        example = Example(ref, targets[0] == "keeps", values, place)
        found.append(example if example.passes else _breaking(collector, example, entry, pack))
    return found


def _breaking(
    collector: MistakeCollector, example: Example, entry: dict[str, Any], pack: Pack
) -> Example:
    names = list(pack.templates)
    contract = entry.get("contract", names[0] if len(names) == 1 else "")
    if "contract" in entry and contract not in names:
        found = f"found {contract!r}, which is not a contract of the pack"
        collector.add((*example.place, "contract"), found, f"one of {', '.join(names)}")
    elif not contract:
        expected = f"contract: with one of {', '.join(names)}"
        collector.add(example.place, "the key 'contract' is missing", expected)
    at = entry.get("at")
    if not isinstance(at, dict):
        expected = "at: with the smallest failing sizes"
        collector.add(example.place, "the key 'at' is missing", expected)
    layer = entry.get("layer", "")
    return replace(example, contract=contract, at=at, layer=layer if isinstance(layer, str) else "")


def check_complete(
    collector: MistakeCollector, place: Place, values: object, bound: set[str], pack: Pack
) -> bool:
    """Whether all parameters have a value; reports each that has none.

    ``values`` is a ``with:`` as written, ``bound`` the names of its values of the right type.
    """
    written = values if isinstance(values, dict) else {}
    absent = [p for p in pack.parameters.values() if p.required and p.name not in bound]
    for parameter in absent:
        if parameter.name not in written:  # otherwise bind has reported its wrong type
            expected = f"with: {{{parameter.name}: …}} ({parameter.about})"
            collector.add(place, f"the parameter {parameter.name!r} has no value", expected)
    return not absent


def defaults(pack: Pack) -> dict[str, object]:
    """The default values of the parameters that have one."""
    return {p.name: p.default for p in pack.parameters.values() if not p.required}
