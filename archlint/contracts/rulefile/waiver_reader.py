"""Reads the waivers of a rule file."""

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


def read_waivers(collector: MistakeCollector, entries: Sequence[object]) -> Iterator[Waiver]:
    """The valid waivers. Entries of a wrong type are skipped: the schema check reports them."""
    for i, entry in enumerate(entries):
        place: Place = ("waivers", i)
        if not isinstance(entry, dict) or not isinstance(entry.get("until"), str):
            continue
        until = as_date(entry["until"])
        if until is None and entry["until"]:
            impossible = _DATE.fullmatch(entry["until"])
            expected = "a date that exists" if impossible else DATE_WORDS
            collector.add((*place, "until"), f"found {entry['until']!r}", expected)
        words = [entry.get("contract"), entry.get("model", "*"), entry.get("reason")]
        texts = [word for word in words if isinstance(word, str)]
        if until is not None and len(texts) == len(words):
            yield Waiver(texts[0], texts[1], texts[2], until, collector.source.where(place))


def as_date(text: str) -> date | None:
    """The date ``YYYY-MM-DD``; ``None`` for any other text and for dates that do not exist."""
    try:
        return date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        return None
