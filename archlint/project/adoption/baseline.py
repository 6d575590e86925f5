"""``archlint-baseline.json``: the breaches of one day, kept in the repository.

Sorted JSON, so that it changes in review as the breaches do. It is read with the reader of rule
files, of which JSON is a part: a mistake in it has a line and a column.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archlint.contracts.fingerprint import digest, fingerprint, layer
from archlint.contracts.points import point_text
from archlint.contracts.verdict import Verdict, Waived
from archlint.errors import ArchlintError, Location, Mistake, RuleFileError

if TYPE_CHECKING:
    from archlint.contracts.rulefile.mistake_collector import MistakeCollector
    from archlint.contracts.rulefile.yaml_source import Place

NAME = "archlint-baseline.json"
VERSION = 1
ID = "baseline"
"""What stands for the contract in a verdict on an entry."""

_FIELDS = ("file", "contract", "model", "counterexample", "layer", "fingerprint")

Key = tuple[str, str, str]
"""The rule file as seen from the project's root, the contract's id, the model's name."""


@dataclass(frozen=True)
class KnownViolation:
    """An entry: how a contract broke. ``where`` it stands in the file, once it does."""

    key: Key
    counterexample: dict[str, int] | None
    layer: str | None
    fingerprint: str
    where: Location | None = None

    def same(self, other: KnownViolation) -> bool:
        """Whether it is at the same sizes and at the same layer."""
        return (self.counterexample, self.layer) == (other.counterexample, other.layer)

    def told(self) -> str:
        """``N=1 H=32 W=32 at classifier.0``."""
        point = point_text(self.counterexample or {})
        return " ".join(filter(None, (point or "no size", self.layer and f"at {self.layer}")))


Baseline = Mapping[Key, KnownViolation]


def violation(verdict: Verdict, file: str) -> KnownViolation:
    """A breach as an entry; ``file`` is the rule file as seen from the project's root."""
    return KnownViolation(
        (file, verdict.contract, verdict.model),
        verdict.counterexample,
        layer(verdict),
        fingerprint(verdict, file),
    )


def known(verdict: Verdict, file: str, baseline: Baseline) -> Verdict:
    """A breach that is in the baseline is waived; a note on one that is there in another form."""
    entry = baseline.get((file, verdict.contract, verdict.model))
    if verdict.word != "broken" or entry is None:
        return verdict
    if entry.same(violation(verdict, file)):
        reason = f"known in {NAME}"
        return replace(verdict, waived=Waived(reason), note=reason)
    note = f"{entry.where} knows another breach, {entry.told()}; "
    return replace(verdict, note=note + "archlint check --write-baseline takes this one")


def outdated(entry: KnownViolation, message: str) -> Verdict:
    """The verdict on an entry that says what is not so."""
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
            "known": entry.told(),
            "to do": "archlint check --write-baseline",
        },
    )


def text(entries: Iterable[KnownViolation]) -> str:
    """The file."""
    rows = [
        {
            **dict(zip(_FIELDS, entry.key, strict=False)),
            "counterexample": entry.counterexample,
            "layer": entry.layer,
            "fingerprint": entry.fingerprint,
        }
        for entry in sorted(entries, key=lambda e: e.key)
    ]
    return json.dumps({"archlint-baseline": VERSION, "breaches": rows}, indent=2) + "\n"


def read(path: Path, shown: str) -> Baseline:
    """The entries of the file at ``path``, called ``shown`` in messages; none if there is no file.

    ``ArchlintError`` if it cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as e:
        raise ArchlintError(f"{shown}: cannot be read: {e}") from e
    # Imported here: most projects have no baseline and need no YAML parser.
    from archlint.contracts.rulefile.mistake_collector import MistakeCollector
    from archlint.contracts.rulefile.yaml_source import parse

    source, mistakes = parse(text, shown)
    notes = MistakeCollector(source, mistakes)
    data = source.data
    rows = data.get("breaches") if isinstance(data, dict) else None
    found: dict[Key, KnownViolation] = {}
    if not isinstance(data, dict) or data.get("archlint-baseline") != VERSION:
        what = f"found no baseline of version {VERSION}"
        mistakes.append(Mistake(Location(shown, 1), what, "a file that --write-baseline wrote"))
    elif not isinstance(rows, list):
        notes.add((), "found no list of breaches", "breaches and a list")
    else:
        for entry in _entries(notes, rows):
            found[entry.key] = entry
    if mistakes:
        raise RuleFileError(mistakes)
    return found


def _entries(notes: MistakeCollector, rows: list[Any]) -> Iterator[KnownViolation]:
    seen: set[Key] = set()
    for i, row in enumerate(rows):
        place: Place = ("breaches", i)
        entry = _entry(row)
        if entry is None:
            what = "found an entry that archlint did not write"
            notes.add(place, what, "file, contract, model, counterexample, layer, fingerprint")
        elif entry.key in seen:
            notes.add(place, f"found {entry.key[1]} · {entry.key[2]} again", "each breach once")
        else:
            seen.add(entry.key)
            yield replace(entry, where=notes.source.where(place))


def _entry(row: Any) -> KnownViolation | None:
    """The entry, if it is as it was written: its fingerprint tells."""
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
