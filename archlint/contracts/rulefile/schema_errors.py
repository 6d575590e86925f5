"""Turns pydantic's validation errors into mistakes with line, column and plain text."""

from __future__ import annotations

import re
from typing import Any

from pydantic import BaseModel, ValidationError

from archlint.contracts.rulefile.pack_schema import ExampleEntry, PackEntry, ParameterEntry
from archlint.contracts.rulefile.schema import (
    ArtifactEntry,
    BudgetEntry,
    ContractEntry,
    CostsEntry,
    ModelEntry,
    OverrideEntry,
    ParametersEntry,
    RangesEntry,
    RuleFileEntry,
    StructureEntry,
    UseEntry,
    WaiverEntry,
    XfailEntry,
)
from archlint.contracts.rulefile.tensor_schema import Entry, TensorEntry
from archlint.contracts.rulefile.yaml_source import MAX_MISTAKES, Place, Source
from archlint.contracts.suggestions import did_you_mean
from archlint.errors import Mistake

_EXPECTED = {
    "string_type": "text",
    "string_too_short": "text that is not empty",
    "too_short": "at least one entry",
    "int_type": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "int_parsing_size": "a smaller number",
}


# The required keys, and how to write them.
_MISSING = {
    "archlint": "archlint: 1 at the top of the file",
    "contracts": "contracts: with a list of contracts",
    "target": "target: with what to import, such as pkg.mod:factory",
    "shape": "shape: with sizes such as N 3 H W",
    "reason": "reason: with an explanation",
    "until": "until: with a date such as 2026-12-31",
    "id": "id: with a name for the contract",
    "models": "models: with the models to check",
    "input": "input: with a shape such as N 3 H W",
    "pack": "pack: with a name",
    "about": "about: with a description",
    "at_most": "at_most: with a number of parameters",
    "from": "from: with the file that declares the ranges",
    "path": "path: with the exported file",
}
# Other names of dtypes, in torch and elsewhere.
_DTYPE_ALIASES = {"float": "float32", "double": "float64", "half": "float16", "int": "int32",
                  "long": "int64", "short": "int16", "byte": "uint8"}  # fmt: skip


_ENTRIES: dict[str, type[BaseModel]] = {
    "models": ModelEntry,
    "use": UseEntry,
    "overrides": OverrideEntry,
    "parameters": ParameterEntry,
    "examples": ExampleEntry,
    "contracts": ContractEntry,
    "waivers": WaiverEntry,
}


def structure_mistakes(
    source: Source, model: type[Entry] = RuleFileEntry, at: Place = ()
) -> list[Mistake]:
    """All missing keys, unknown keys and values of a wrong type below the place ``at``."""
    value: Any = source.data
    for step in at:
        value = value[step]
    try:
        model.model_validate(value)
    except ValidationError as error:
        details = error.errors(include_url=False)[: MAX_MISTAKES + 1]
        return [_mistake(source, _place(source, (*at, *d["loc"])), d) for d in details]
    return []


def describe(value: object) -> str:
    """A YAML value, described for a message."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return f"the number {value}"
    if isinstance(value, str):
        return f"the text {value if len(value) <= 40 else value[:37] + '...'!r}"
    kind = "list" if isinstance(value, list) else "mapping"
    return f"a {kind}" if value else f"an empty {kind}"


def _place(source: Source, loc: tuple[int | str, ...]) -> Place:
    """Pydantic's error location without tags of unions and without keys that are missing."""
    value: Any = source.data
    place: Place = ()
    for step in loc:
        if isinstance(value, (dict, list)) and (*place, step) in source.values:
            place = (*place, step)
            value = value[step]  # type: ignore[index]
    return place


def _mistake(source: Source, place: Place, detail: Any) -> Mistake:
    kind, value, context = detail["type"], detail["input"], detail.get("ctx", {})
    name = str(detail["loc"][-1]) if detail["loc"] else ""
    if kind == "missing":
        return source.mistake(place, f"the key {name!r} is missing", _MISSING.get(name, ""))
    if kind == "extra_forbidden":
        entry = _entry(place[:-1], source)
        keys = [field.alias or key for key, field in entry.model_fields.items()]
        found = f"found the unknown key {name!r}{did_you_mean(name, keys)}"
        return source.mistake(place, found, f"one of {', '.join(keys)}", key=True)
    found = f"found {describe(value)}"
    if kind == "kind":
        expected = detail["msg"]
        if value is None and "input" in place[:-1]:
            expected += (
                "; leave out an argument that is None, which needs a default, or Optional[...] as "
                "its annotation"
            )
    elif name == "archlint":
        found = found if kind == "int_type" else f"found version {value}"
        expected = "the number 1, the only version"
    elif kind == "literal_error":
        choices = re.findall(r"'(.+?)'", context["expected"])
        if isinstance(value, str):
            found += did_you_mean(_DTYPE_ALIASES.get(value, value), choices)
        expected = f"one of {', '.join(choices)}"
    elif kind == "greater_than_equal":
        expected = f"at least {context['ge']}"
    elif kind == "greater_than":
        expected = f"more than {context['gt']:g}"
    else:
        expected = _EXPECTED.get(kind, detail["msg"])
    if place == () and kind == "model_type":
        expected = "a mapping that begins with 'archlint: 1'"
    elif kind == "string_type" and name == "until":
        expected = "a date such as 2026-12-31"
    elif kind == "string_type" and isinstance(value, (int, float)):
        expected = "the reason, in quotes" if name == "skip" else "text, in quotes"
    elif kind == "model_type" and name == "artifact":
        expected = "a mapping such as {path: net.onnx}"
    return source.mistake(place, found, expected)


def _entry(place: Place, source: Source) -> type[BaseModel]:
    """The pydantic model of the mapping at ``place``."""
    if not place:
        return PackEntry if is_pack(source) else RuleFileEntry
    if len(place) == 2:
        return _ENTRIES[str(place[0])]
    if place[0] == "use":
        return OverrideEntry
    if place[2] == "budget":
        return BudgetEntry
    if place[2] == "accepts":
        return RangesEntry
    if place[2] == "costs":
        return CostsEntry
    if place[2] == "artifact":
        return ArtifactEntry
    if place[2] == "structure":
        return StructureEntry if len(place) == 3 else ParametersEntry
    return XfailEntry if place[2] == "xfail" else TensorEntry


def is_pack(source: Source) -> bool:
    """Whether the file is a pack, not a rule file."""
    return isinstance(source.data, dict) and "pack" in source.data
