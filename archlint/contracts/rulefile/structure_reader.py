"""Reads the ``structure:`` of a contract and checks the keys that it requires beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archlint.contracts.contract import MODULE_CHECKS
from archlint.contracts.nested import flow_text
from archlint.contracts.rulefile.mistake_collector import MistakeCollector
from archlint.contracts.rulefile.schema import StructureEntry
from archlint.contracts.rulefile.yaml_source import Place


def read_structure(value: object) -> dict[str, object]:
    """The argument of each check by name; checks set to ``false`` are left out."""
    if not isinstance(value, dict):
        return {}
    return {str(name): argument for name, argument in value.items() if argument is not False}


def check_structure(collector: MistakeCollector, place: Place, entry: dict[str, Any]) -> None:
    """Report keys that are missing, or not allowed, beside the contract's ``structure:``."""
    value = entry.get("structure")
    at: Place = (*place, "structure")
    checks = read_structure(value)
    if isinstance(value, dict) and not checks:
        collector.add(at, "found a structure without checks", "at least one check", key=True)
    for name in checks:
        if not all(name.split(".")):
            expected = "plugin.check: the name of a plugin and of its check"
            collector.add((*at, name), f"found the name {name!r}", expected, key=True)
    if checks and "rejects" in entry:
        expected = "accepts, or two contracts: rejected sizes have no structure to check"
        collector.add(at, "found structure beside rejects", expected, key=True)
    if "input" in entry:
        return
    if value is None and "costs" in entry and not entry.keys() & {"accepts", "rejects"}:
        return  # a budget of parameters needs none; others report it
    if not isinstance(value, dict) or "accepts" in entry or "rejects" in entry:
        collector.add(place, "the key 'input' is missing", "input: with a shape such as N 3 H W")
        return
    needing = [n for n in checks if n in StructureEntry.model_fields and n not in MODULE_CHECKS]
    if needing:
        found = f"the key 'input' is missing, which {needing[0]} requires"
        collector.add(place, found, "input: with a shape such as N 3 H W")
    elif "output" in entry:
        found = "found an output without an input"
        collector.add((*place, "output"), found, "input: with a shape such as N 3 H W", key=True)


def structure_as_yaml(structure: Mapping[str, object]) -> str:
    """A contract's ``structure`` in YAML on one line."""
    return ", ".join(
        name if argument is True else f"{name}: {value_as_yaml(argument)}"
        for name, argument in structure.items()
    )


def value_as_yaml(value: object) -> str:
    """A value in YAML on one line."""
    return flow_text(value, lambda v: str(v).lower() if isinstance(v, bool) else str(v))
