"""Tests a pack against its examples: does each model keep or break the contracts as stated?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from archlint.contracts.job import Job
from archlint.contracts.rulefile.mistake_collector import MistakeCollector
from archlint.contracts.rulefile.pack_reader import ContractTemplate, Example, Pack, defaults
from archlint.contracts.rulefile.pack_use import instantiate
from archlint.contracts.settings import project_root
from archlint.contracts.size_text import size_text
from archlint.contracts.verdict import Verdict
from archlint.errors import Mistake


@dataclass(frozen=True)
class ExampleTest:
    """One example model and one contract, with the job that checks it."""

    example: Example
    job: Job


def example_tests(pack: Pack) -> tuple[list[ExampleTest], list[Mistake]]:
    """The tests of a pack, and the mistakes that appear once its parameters have values.

    A ``keeps`` example is tested on every contract, a ``breaks`` example on the one that it names.
    """
    tests: list[ExampleTest] = []
    mistakes: list[Mistake] = []
    notes = MistakeCollector(pack.source, mistakes)
    root = project_root(Path(pack.source.file).parent)
    for example in pack.examples:
        places = {name: (*example.place, "with", name) for name in example.values}
        values = {**defaults(pack), **example.values}
        for template in _templates(pack, example):
            contract, wrong, _ = instantiate(pack, template, values, notes, places)
            mistakes += wrong
            where = pack.source.where(example.place)
            contract = replace(contract, models=(example.ref,), where=where, severity="error")
            tests.append(ExampleTest(example, Job(contract, example.ref, root)))
    return tests, list(dict.fromkeys(mistakes))


def _templates(pack: Pack, example: Example) -> list[ContractTemplate]:
    if example.passes:
        return list(pack.templates.values())
    return [pack.templates[example.contract]]


def missing(pack: Pack) -> list[str]:
    """The examples that the pack lacks: a ``keeps`` one, and a ``breaks`` one for each contract."""
    keeping = [e for e in pack.examples if e.passes]
    broken = {e.contract for e in pack.examples if not e.passes}
    lacks = [] if keeping else ["no example keeps it"]
    lacks += [f"no example breaks {name}" for name in pack.own if name not in broken]
    if not pack.own and not broken:
        lacks.append("no example breaks it")
    return lacks


def expected(example: Example, contract: str) -> str:
    """The expected result of a test, as text."""
    if example.passes:
        return f"keeps {contract}"
    return f"breaks {contract} at {sizes(example.at or {})}, {layer(example.layer)}"


def sizes(point: Mapping[str, int]) -> str:
    """``N=1 H=32``."""
    return size_text(point)


def layer(name: str) -> str:
    """The name of the layer that fails, as text."""
    return f"in layer {name}" if name else "in no layer"


def failure_of(example: Example, verdict: Verdict) -> str:
    """How the verdict differs from what the example states; empty if it does not."""
    if verdict.word == "error":
        return verdict.message
    if example.passes:
        return "" if verdict else f"the contract is {verdict.word}: {verdict.message}"
    if verdict.word != "broken":
        return f"the contract is {verdict.word}"
    differences = []
    if verdict.counterexample != example.at:
        differences.append(f"at {sizes(verdict.counterexample or {})}")
    failing = verdict.at.module if verdict.at else ""
    if failing != example.layer:
        differences.append(layer(failing))
    text = f"the contract breaks {', '.join(differences)}: {verdict.message}"
    return text if differences else ""
