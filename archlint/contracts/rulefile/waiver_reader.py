"""The waivers of a rule file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING

from archlint.contracts.contract import Waiver

if TYPE_CHECKING:
    from archlint.contracts.rulefile.mistake_collector import MistakeCollector
    from archlint.contracts.rulefile.yaml_source import Place

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
DATE_WORDS = "a date such as 2026-12-31"


def read_waivers(notes: MistakeCollector, entries: Sequence[object]) -> Iterator[Waiver]:
    """The waivers whose dates are dates. What has the wrong structure is told of elsewhere."""
    for i, entry in enumerate(entries):
        place: Place = ("waivers", i)
        if not isinstance(entry, dict) or not isinstance(entry.get("until"), str):
            continue
        until = as_date(entry["until"])
        if until is None and entry["until"]:
            no_day = _DATE.fullmatch(entry["until"])
            expected = "a day that the calendar has" if no_day else DATE_WORDS
            notes.add((*place, "until"), f"found {entry['until']!r}", expected)
        words = [entry.get("contract"), entry.get("model", "*"), entry.get("reason")]
        texts = [word for word in words if isinstance(word, str)]
        if until is not None and len(texts) == len(words):
            yield Waiver(texts[0], texts[1], texts[2], until, notes.source.where(place))


def as_date(text: str) -> date | None:
    """``YYYY-MM-DD``; ``None`` for any other text, and for days that are in no calendar."""
    try:
        return date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        return None
