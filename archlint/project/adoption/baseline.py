"""``archlint-baseline.json``: the known violations of a project, committed with it.

The entries are sorted, so that a diff of the file shows which violations changed. JSON is a subset
of YAML: the reader of rule files reads it, and reports mistakes with line and column.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archlint.contracts.fingerprint import digest, fingerprint, layer
from archlint.contracts.size_text import size_text
from archlint.contracts.verdict import Verdict, Waived
from archlint.errors import ArchlintError, Location, Mistake, RuleFileError

if TYPE_CHECKING:
    from archlint.contracts.rulefile.mistake_collector import MistakeCollector
    from archlint.contracts.rulefile.yaml_source import Place

NAME = "archlint-baseline.json"
VERSION = 1
ID = "baseline"
"""The contract id in a verdict on a baseline entry."""

_FIELDS = ("file", "contract", "model", "counterexample", "layer", "fingerprint")

Key = tuple[str, str, str]
"""The rule file relative to the project's root, the contract's id, the model's name."""


@dataclass(frozen=True)
class KnownViolation:
    """An entry: how a contract is broken. ``where``: its location, if it was read from a file."""

    key: Key
    counterexample: dict[str, int] | None
    layer: str | None
    fingerprint: str
    where: Location | None = None

    def same(self, other: KnownViolation) -> bool:
        """Whether both have the same counterexample and layer."""
        return (self.counterexample, self.layer) == (other.counterexample, other.layer)

    def __str__(self) -> str:
        """``N=1 H=32 W=32 at classifier.0``."""
        point = size_text(self.counterexample or {})
        return " ".join(filter(None, (point or "no size", self.layer and f"at {self.layer}")))


Baseline = Mapping[Key, KnownViolation]


def violation_of(verdict: Verdict, file: str) -> KnownViolation:
    """The entry for a broken contract; ``file``: its rule file relative to the project's root."""
    return KnownViolation(
        (file, verdict.contract, verdict.model),
        verdict.counterexample,
        layer(verdict),
        fingerprint(verdict, file),
    )


def apply_baseline(verdict: Verdict, file: str, baseline: Baseline) -> Verdict:
    """A ``broken`` verdict, waived if the baseline has this violation.

    If the baseline has another violation of the contract, the verdict only gets a note.
    """
    entry = baseline.get((file, verdict.contract, verdict.model))
    if verdict.word != "broken" or entry is None:
        return verdict
    if entry.same(violation_of(verdict, file)):
        reason = f"known in {NAME}"
        return replace(verdict, waived=Waived(reason), note=reason)
    note = f"{entry.where} has another violation, {entry}; "
    return replace(verdict, note=note + "archlint check --write-baseline replaces it")


def outdated_verdict(entry: KnownViolation, message: str) -> Verdict:
    """The verdict on an entry that is not needed any more; ``message`` says why."""
    _, contract, model = entry.key
    return Verdict(
        "broken",
        contract=ID,
        model=f"{contract} · {model}",
        file=entry.where.file if entry.where else None,
        line=entry.where.line if entry.where else None,
        message=message,
        details={
            "reason": message,
            "known": str(entry),
            "to do": "archlint check --write-baseline",
        },
    )


def text(entries: Iterable[KnownViolation]) -> str:
    """The text of the baseline file."""
    rows = [
        {
            **dict(zip(_FIELDS, entry.key, strict=False)),
            "counterexample": entry.counterexample,
            "layer": entry.layer,
            "fingerprint": entry.fingerprint,
        }
        for entry in sorted(entries, key=lambda e: e.key)
    ]
    return json.dumps({"archlint-baseline": VERSION, "violations": rows}, indent=2) + "\n"


def read(path: Path, shown: str) -> Baseline:
    """The entries of the file at ``path``, called ``shown`` in messages; empty without a file.

    Raises ``ArchlintError`` if it cannot be read.
    """
    if path.exists() and not path.is_file():
        raise ArchlintError(f"{shown}: cannot be read: it is not a regular file")
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as e:
        raise ArchlintError(f"{shown}: cannot be read: {e}") from e
    from archlint.contracts.rulefile.mistake_collector import (
        MistakeCollector,  # slow: imports the YAML reader
    )
    from archlint.contracts.rulefile.yaml_source import parse

    source, mistakes = parse(text, shown)
    notes = MistakeCollector(source, mistakes)
    data = source.data
    rows = data.get("violations") if isinstance(data, dict) else None
    entries: dict[Key, KnownViolation] = {}
    if not isinstance(data, dict) or data.get("archlint-baseline") != VERSION:
        what = f"this is not a baseline of version {VERSION}"
        mistakes.append(
            Mistake(Location(shown, 1), what, "a file written by archlint check --write-baseline")
        )
    elif not isinstance(rows, list):
        notes.add((), "violations is not a list", "violations: and a list")
    else:
        for entry in _entries(notes, rows):
            entries[entry.key] = entry
    if mistakes:
        raise RuleFileError(mistakes)
    return entries


def _entries(notes: MistakeCollector, rows: list[Any]) -> Iterator[KnownViolation]:
    seen: set[Key] = set()
    for i, row in enumerate(rows):
        place: Place = ("violations", i)
        entry = _entry(row)
        if entry is None:
            what = "this entry was not written by archlint"
            notes.add(place, what, "file, contract, model, counterexample, layer, fingerprint")
        elif entry.key in seen:
            notes.add(place, f"found {entry.key[1]} · {entry.key[2]} again", "each violation once")
        else:
            seen.add(entry.key)
            yield replace(entry, where=notes.source.where(place))


def _entry(row: Any) -> KnownViolation | None:
    """The entry of a row; ``None`` if it was edited, which its fingerprint shows."""
    if not isinstance(row, dict) or set(row) != set(_FIELDS):
        return None
    file, contract, model, point, layer, mark = (row[name] for name in _FIELDS)
    texts = [file, contract, model, mark, "" if layer is None else layer]
    if not all(isinstance(word, str) for word in texts):
        return None
    sizes = point if isinstance(point, dict) else {}
    if not (point is None or isinstance(point, dict)) or not all(
        isinstance(v, int) for v in sizes.values()
    ):
        return None
    if mark != digest(file, contract, model, "broken", layer or ""):
        return None
    return KnownViolation((file, contract, model), point, layer, mark)
