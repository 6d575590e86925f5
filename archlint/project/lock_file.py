"""``archlint.lock``: what each model under contract accepts, committed with the project.

A YAML file with one sorted entry for each model, input and mode, so that a diff of the file shows
which models changed. Sets and shapes are written in the grammar of rule files.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from archlint.contracts.accepted_set import AcceptedSet, OutputCase, Refusal, Words, input_as_yaml
from archlint.contracts.contract import Input
from archlint.contracts.recorded_costs import RecordedCosts
from archlint.contracts.rulefile.mistake_collector import MistakeCollector
from archlint.contracts.rulefile.shape_reader import read_input
from archlint.contracts.rulefile.yaml_source import Place, Source, parse
from archlint.errors import ArchlintError, Location, Mistake, RuleFileError

NAME = "archlint.lock"
VERSION = 1

_HEAD = """\
# Written by archlint lock: what the models under contract accept.
# `archlint check --locked` compares them with it; `archlint lock --update` overwrites changes.
"""
_KEYS = (
    "model", "input", "mode", "accepts", "exact", "output", "outputs", "undecided", "reasons",
    "refused",
)  # fmt: skip

Key = tuple[str, str, str]
"""The model's name, its input as text, and its mode."""


@dataclass(frozen=True)
class Lock:
    """The entries of a lock file in order, and their locations."""

    entries: dict[Key, AcceptedSet]
    where: dict[Key, Location]


def key_of(entry: AcceptedSet) -> Key:
    """The key of an entry."""
    return key(entry.model, entry.input, entry.mode)


def key(model: str, input: Input, mode: str) -> Key:
    """The key of the entry for this model, input and mode."""
    return model, json.dumps(input_as_yaml(input)), mode


def text(entries: Iterable[AcceptedSet]) -> str:
    """The text of the lock file."""
    import yaml

    ordered = sorted(entries, key=key_of)
    data: dict[str, Any] = {"archlint-lock": VERSION, "models": [_plain(e) for e in ordered]}
    costs = [_plain_costs(e, e.costs) for e in ordered if e.costs is not None]
    data |= {"costs": costs} if costs else {}
    body = yaml.dump(data, Dumper=_dumper(), sort_keys=False, allow_unicode=True, width=10**6)
    return _HEAD + str(body)


def read(path: Path) -> Lock:
    """Read the lock file at ``path``. Raises ``ArchlintError`` if it is not valid."""
    if path.exists() and not path.is_file():
        raise ArchlintError(f"{path}: cannot be read: it is not a regular file")
    try:
        source, mistakes = parse(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as e:
        raise ArchlintError(f"{path}: cannot be read: {e}") from e
    lock = _Reader(MistakeCollector(source, mistakes)).lock()
    if mistakes:
        raise RuleFileError(mistakes)
    return lock


class _Reader:
    """Reads entries and collects mistakes: a lock file may have been merged by hand."""

    def __init__(self, notes: MistakeCollector) -> None:
        self.notes = notes
        self.source: Source = notes.source

    def lock(self) -> Lock:
        lock = Lock({}, {})
        data = self.source.data
        models = data.get("models") if isinstance(data, dict) else None
        if not isinstance(data, dict) or data.get("archlint-lock") != VERSION:
            found = f"this is not a lock file of version {VERSION}"
            self.notes.mistakes.append(Mistake(Location(self.source.file, 1), found))
        elif not isinstance(models, list):
            self.notes.add((), "models is not a list", "models: and a list")
        else:
            for i, value in enumerate(models):
                self.entry(("models", i), value, lock)
            self.costs(data.get("costs"), lock)
        return lock

    def costs(self, rows: object, lock: Lock) -> None:
        """The costs of entries, which are read before."""
        if rows is not None and not isinstance(rows, list):
            self.notes.add(("costs",), "costs is not a list", "costs: and a list")
        for i, row in enumerate(rows if isinstance(rows, list) else []):
            found = _costs(row)
            if found is None:
                self.notes.add(("costs", i), "these costs were not written by archlint")
                continue
            at = str(row.get("model")), json.dumps(row.get("input")), str(row.get("mode"))
            if at in lock.entries:
                lock.entries[at] = replace(lock.entries[at], costs=found)
            else:
                self.notes.add(("costs", i), f"these are costs of {at[0]}, which has no such entry")

    def entry(self, place: Place, value: object, lock: Lock) -> None:
        fields: dict[str, Any] = value if isinstance(value, dict) else {}
        unknown = [k for k in fields if k not in _KEYS]
        wrong = [k for k in ("model", "mode", "accepts") if not isinstance(fields.get(k), str)]
        if unknown or wrong or not isinstance(fields.get("exact"), bool):
            what = ", ".join(unknown + wrong) or "exact"
            self.notes.add(place, f"this entry was not written by archlint ({what})")
            return
        input = read_input(self.notes, (*place, "input"), fields.get("input"), set())
        if input is None:
            return
        entry = AcceptedSet(
            model=fields["model"],
            mode=fields["mode"],
            input=input,
            accepts=fields["accepts"],
            exact=fields["exact"],
            output=_words(fields.get("output")),
            refusals=tuple(_refusals(fields.get("refused"))),
            reasons=tuple(map(str, fields.get("reasons") or ())),
            undecided=str(fields.get("undecided") or ""),
            outputs=tuple(_outputs(fields.get("outputs"))),
        )
        at = key_of(entry)
        if at in lock.entries:
            line = lock.where[at].line
            self.notes.add(place, f"a second entry for {entry.model}; the first is in line {line}")
        lock.entries[at] = entry
        lock.where[at] = self.source.where(place)


def _plain(entry: AcceptedSet) -> dict[str, Any]:
    alone = entry.output is not None and entry.outputs == (OutputCase("any size", entry.output),)
    data: dict[str, Any] = {
        "model": entry.model,
        "input": input_as_yaml(entry.input),
        "mode": entry.mode,
        "accepts": entry.accepts,
        "exact": entry.exact,
        "output": entry.output,
        "outputs": [] if alone else [vars(case) for case in entry.outputs],
        "undecided": entry.undecided,
        "reasons": list(entry.reasons),
        "refused": [{k: v for k, v in vars(r).items() if v} for r in entry.refusals],
    }
    return {k: v for k, v in data.items() if v not in (None, "", [])}


def _plain_costs(entry: AcceptedSet, costs: RecordedCosts) -> dict[str, Any]:
    own = {"model": entry.model, "input": input_as_yaml(entry.input), "mode": entry.mode}
    return own | vars(costs)


def _refusals(value: object) -> list[Refusal]:
    rows = value if isinstance(value, list) else []
    names = ("where", "at", "op", "why")
    return [Refusal(*(str(r.get(n, "")) for n in names)) for r in rows if isinstance(r, dict)]


def _outputs(value: object) -> list[OutputCase]:
    rows = [r for r in value if isinstance(r, dict)] if isinstance(value, list) else []
    cases = ((str(r.get("where", "")), _words(r.get("output"))) for r in rows)
    return [OutputCase(where, output) for where, output in cases if output is not None]


def _costs(value: object) -> RecordedCosts | None:
    numbers = ("flops", "parameters", "activations")
    if not isinstance(value, dict) or not all(isinstance(value.get(n), int) for n in numbers):
        return None
    at, layers = (value.get(n) for n in ("at", "layers"))
    if not isinstance(at, dict) or not isinstance(layers, dict):
        return None
    flops, parameters, activations = (value[n] for n in numbers)
    return RecordedCosts(at, flops, parameters, activations, layers)


def _words(value: Any) -> Words | None:
    """An output; YAML reads a shape with one entry as a number."""
    if isinstance(value, list):
        return [w for w in map(_words, value) if w is not None]
    if isinstance(value, dict):
        return {str(k): w for k, v in value.items() if (w := _words(v)) is not None}
    return None if value is None else str(value)


def _dumper() -> type[Any]:
    """Block style throughout, list items indented under their key, no anchors."""
    import yaml

    class Dumper(yaml.SafeDumper):
        def ignore_aliases(self, data: Any) -> bool:
            return True

        def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
            super().increase_indent(flow, False)

    return Dumper
