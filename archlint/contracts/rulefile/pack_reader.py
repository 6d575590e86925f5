"""Packs: files of contracts with parameters, without models, that rule files use."""

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

MAX_EXTENDED = 8  # packs that a pack extends, one after another


@dataclass(frozen=True)
class ContractTemplate:
    """A contract of a pack, its parameters not yet known."""

    id: str
    source: Source
    place: Place


@dataclass(frozen=True)
class Example:
    """A model that keeps the pack's contracts, or one that breaks one of them.

    ``contract``, ``at`` and ``layer`` say what breaks, at which sizes first, and who is to blame.
    """

    ref: ModelRef
    keeps: bool
    given: dict[str, object]
    place: Place
    contract: str = ""
    at: dict[str, int] | None = None
    layer: str = ""


@dataclass(frozen=True)
class Pack:
    """A pack with what it extends put together.

    ``name`` is what a rule file calls it; ``own`` are the contracts of its file alone; ``files``
    are all that it was read from.
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
    notes = MistakeCollector(source, mistakes)
    data: dict[str, Any] = source.data if isinstance(source.data, dict) else {}
    said = data.get("pack")
    if isinstance(said, str) and said:
        expected = name.rpartition("/")[2]
        if not NAME.fullmatch(said):
            notes.add(("pack",), f"found the name {said!r}", NAME_WORDS)
        elif expected and said != expected:
            notes.add(("pack",), f"found the name {said!r}", f"{expected!r}, as the file is named")
    parent = _parent(notes, data.get("extends"), path, (*before, path.resolve()))
    own = read_parameters(notes, _mapping(data, "parameters"))
    parameters = {**(parent.parameters if parent else {}), **own}
    templates = _templates(notes, data, parameters)
    together = {**(parent.templates if parent else {}), **templates}
    if not data.get("contracts") and not data.get("extends") and "contracts" not in data:
        expected = "contracts: and a list of them, or extends: and a pack"
        notes.add((), "the key 'contracts' is missing", expected)
    files = (path, *(parent.files if parent else ()))
    pack = Pack(
        name or str(said), str(data.get("about", "")), source, parameters, together,
        tuple(templates), (), files, parent.name if parent else "",
    )  # fmt: skip
    examples = tuple(_examples(notes, data, pack))
    if mistakes:
        mistakes.sort(key=lambda m: (m.where.file != str(path), m.where.line, m.where.column))
        raise RuleFileError(list(dict.fromkeys(mistakes)))
    return replace(pack, examples=examples)


def _parent(
    notes: MistakeCollector, word: object, path: Path, before: tuple[Path, ...]
) -> Pack | None:
    if not isinstance(word, str) or not word:
        return None
    try:
        name, file = locate_pack(word, path.parent)
        if file.resolve() in before:
            notes.add(("extends",), f"found {word!r}, which extends this pack", "another pack")
        elif len(before) > MAX_EXTENDED:
            found = f"found packs that extend one another more than {MAX_EXTENDED} deep"
            notes.add(("extends",), found, "fewer")
        else:
            return _read(name, file, before)
    except PackNotFoundError as error:
        notes.add(("extends",), error.found, error.expected)
    except RuleFileError as error:
        notes.mistakes += error.mistakes
    return None


def _mapping(data: dict[str, Any], key: str) -> dict[str, Any]:
    value = data.get(key)
    return value if isinstance(value, dict) else {}


def _templates(
    notes: MistakeCollector, data: dict[str, Any], parameters: dict[str, Parameter]
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
            expected = NAME_WORDS if what else "id: and a name"
            notes.add(at, what or "the key 'id' is missing", expected)
        elif word in found:
            notes.add((*place, "id"), f"found the id {word!r} again", "each id once")
        else:
            found[word] = ContractTemplate(word, notes.source, place)
        if "models" in entry:
            expected = "none: the rule file that uses the pack names them"
            notes.add((*place, "models"), "found models in a pack", expected, key=True)
        for key, value in entry.items():
            check_placeholders(notes, (*place, key), value, parameters)
    return found


def _examples(notes: MistakeCollector, data: dict[str, Any], pack: Pack) -> list[Example]:
    found = []
    examples = data.get("examples")
    for i, entry in enumerate(examples if isinstance(examples, list) else ()):
        if not isinstance(entry, dict):
            continue
        place: Place = ("examples", i)
        targets = [k for k in ("keeps", "breaks") if isinstance(entry.get(k), str) and entry[k]]
        if len(targets) != 1:
            what = "both keeps and breaks" if targets else "neither keeps nor breaks"
            notes.add(place, f"found an example with {what}", "one of them, and a target")
            continue
        target = entry[targets[0]]
        args, kwargs = entry.get("args"), entry.get("kwargs")
        ref = ModelRef(
            target.rpartition(":")[2], target, tuple(args) if isinstance(args, list) else (),
            kwargs if isinstance(kwargs, dict) else {}, notes.source.where((*place, targets[0])),
        )  # fmt: skip
        given = bind(notes, (*place, "with"), entry.get("with"), pack.parameters)
        check_complete(notes, place, entry.get("with"), set(given), pack)
        example = Example(ref, targets[0] == "keeps", given, place)
        found.append(example if example.keeps else _breaking(notes, example, entry, pack))
    return found


def _breaking(
    notes: MistakeCollector, example: Example, entry: dict[str, Any], pack: Pack
) -> Example:
    names = list(pack.templates)
    contract = entry.get("contract", names[0] if len(names) == 1 else "")
    if "contract" in entry and contract not in names:
        notes.add((*example.place, "contract"), f"found {contract!r}, which is no contract",
                  f"one of {', '.join(names)}")  # fmt: skip
    elif not contract:
        expected = f"contract: and one of {', '.join(names)}"
        notes.add(example.place, "found no contract that the example breaks", expected)
    at = entry.get("at")
    if not isinstance(at, dict):
        expected = "at: and the smallest sizes at which it breaks"
        notes.add(example.place, "the key 'at' is missing", expected)
    layer = entry.get("layer", "")
    return replace(example, contract=contract, at=at, layer=layer if isinstance(layer, str) else "")


def check_complete(
    notes: MistakeCollector, place: Place, given: object, bound: set[str], pack: Pack
) -> bool:
    """Whether all parameters have a value; a mistake is noted for each that has none.

    ``given`` is what a ``with:`` says, ``bound`` the names of the values in it that fit.
    """
    said = given if isinstance(given, dict) else {}
    absent = [p for p in pack.parameters.values() if p.required and p.name not in bound]
    for parameter in absent:
        if parameter.name not in said:  # else it has the wrong type, which was told
            expected = f"with: {{{parameter.name}: …}}, {parameter.about}"
            notes.add(place, f"found no value for the parameter {parameter.name!r}", expected)
    return not absent


def defaults(pack: Pack) -> dict[str, object]:
    """The values of the parameters that need not be given."""
    return {p.name: p.default for p in pack.parameters.values() if not p.required}
