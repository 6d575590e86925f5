"""The examples of a pack, tried: does each model keep or break what the pack says it does?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from archlint.contracts.job import Job
from archlint.contracts.points import point_text
from archlint.contracts.rulefile.mistake_collector import MistakeCollector
from archlint.contracts.rulefile.pack_reader import ContractTemplate, Example, Pack, defaults
from archlint.contracts.rulefile.pack_use import instantiate
from archlint.contracts.settings import project_root
from archlint.contracts.verdict import Verdict
from archlint.errors import Mistake


@dataclass(frozen=True)
class Trial:
    """One example and one contract, and the job that decides them."""

    example: Example
    job: Job


def trials(pack: Pack) -> tuple[list[Trial], list[Mistake]]:
    """What there is to try, and the mistakes that only values for the parameters bring out.

    A model that keeps the pack is tried on every contract, one that breaks it on that contract.
    """
    found: list[Trial] = []
    mistakes: list[Mistake] = []
    notes = MistakeCollector(pack.source, mistakes)
    root = project_root(Path(pack.source.file).parent)
    for example in pack.examples:
        places = {name: (*example.place, "with", name) for name in example.values}
        values = {**defaults(pack), **example.values}
        for template in _tried(pack, example):
            contract, wrong, _ = instantiate(pack, template, values, notes, places)
            mistakes += wrong
            where = pack.source.where(example.place)
            contract = replace(contract, models=(example.ref,), where=where, severity="error")
            found.append(Trial(example, Job(contract, example.ref, root)))
    return found, list(dict.fromkeys(mistakes))


def _tried(pack: Pack, example: Example) -> list[ContractTemplate]:
    if example.passes:
        return list(pack.templates.values())
    return [pack.templates[example.contract]]


def missing(pack: Pack) -> list[str]:
    """The examples without which nobody can tell whether the pack does what it says."""
    kept = [e for e in pack.examples if e.passes]
    broken = {e.contract for e in pack.examples if not e.passes}
    lacks = [] if kept else ["no example keeps it"]
    lacks += [f"no example breaks {name}" for name in pack.own if name not in broken]
    if not pack.own and not broken:
        lacks.append("no example breaks it")
    return lacks


def expected(example: Example, contract: str) -> str:
    """What a trial must come to, in words."""
    if example.passes:
        return f"keeps {contract}"
    return f"breaks {contract} at {sizes(example.at or {})}, {layer(example.layer)}"


def sizes(point: Mapping[str, int]) -> str:
    """Sizes in words."""
    return point_text(point)


def layer(name: str) -> str:
    """Who is to blame, in words."""
    return name if name else "no layer to blame"


def fault(example: Example, verdict: Verdict) -> str:
    """What is not as the example says; empty if all is."""
    if verdict.word == "error":
        return verdict.message
    if example.passes:
        return "" if verdict else f"it is {verdict.word}: {verdict.message}"
    if verdict.word != "broken":
        return f"it is {verdict.word}"
    found = []
    if verdict.counterexample != example.at:
        found.append(f"at {sizes(verdict.counterexample or {})}")
    blamed = verdict.at.module if verdict.at else ""
    if blamed != example.layer:
        found.append(layer(blamed))
    return f"it breaks {', '.join(found)}: {verdict.message}" if found else ""
