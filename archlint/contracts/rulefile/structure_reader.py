"""The structural promises of a contract: which there are, and what must stand beside them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archlint.contracts.contract import MODULE_CHECKS
from archlint.contracts.rulefile.mistake_collector import MistakeCollector
from archlint.contracts.rulefile.schema import StructureEntry
from archlint.contracts.rulefile.yaml_source import Place


def read_structure(value: object) -> dict[str, object]:
    """What each check asks for; those that are switched off are left out."""
    if not isinstance(value, dict):
        return {}
    return {str(name): asked for name, asked in value.items() if asked is not False}


def check_structure(notes: MistakeCollector, place: Place, entry: dict[str, Any]) -> None:
    """Note what a contract lacks, or has too much of, because of its structure."""
    value = entry.get("structure")
    at: Place = (*place, "structure")
    asked = read_structure(value)
    if isinstance(value, dict) and not asked:
        notes.add(at, "found a structure that asks for nothing", "at least one check", key=True)
    for name in asked:
        if not all(name.split(".")):
            expected = "plugin.check, the name of a check and of the plugin that has it"
            notes.add((*at, name), f"found the name {name!r}", expected, key=True)
    if asked and "rejects" in entry:
        expected = "accepts beside it, or two contracts: a size that is refused has no structure"
        notes.add(at, "found structure beside rejects", expected, key=True)
    if "input" in entry:
        return
    if not isinstance(value, dict) or "accepts" in entry or "rejects" in entry:
        notes.add(place, "the key 'input' is missing", "input: and a shape such as N 3 H W")
        return
    needing = [n for n in asked if n in StructureEntry.model_fields and n not in MODULE_CHECKS]
    if needing:
        found = f"the key 'input' is missing, which {needing[0]} needs"
        notes.add(place, found, "input: and a shape such as N 3 H W")
    elif "output" in entry:
        found = "found an output without an input"
        notes.add((*place, "output"), found, "input: and a shape such as N 3 H W", key=True)


def structure_as_yaml(structure: Mapping[str, object]) -> str:
    """A contract's ``structure`` as its author wrote it, on one line."""
    return ", ".join(
        name if asked is True else f"{name}: {value_as_yaml(asked)}"
        for name, asked in structure.items()
    )


def value_as_yaml(value: object) -> str:
    """A value as YAML writes it on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{k}: {value_as_yaml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(value_as_yaml, value)) + "]"
    return str(value).lower() if isinstance(value, bool) else str(value)
