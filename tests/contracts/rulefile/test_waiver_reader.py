"""Waivers: their dates, and which entries are read."""

from datetime import date

import pytest

from archlint.contracts.rulefile.mistake_collector import MistakeCollector
from archlint.contracts.rulefile.waiver_reader import as_date, read_waivers
from archlint.contracts.rulefile.yaml_source import parse


def waivers(text):
    collector = MistakeCollector(*parse(f"waivers:\n  - {text}\n", "f"))
    found = list(read_waivers(collector, collector.source.data["waivers"]))
    return found, [(m.where.column, m.found, m.expected) for m in collector.mistakes]


def test_a_waiver_is_for_all_models_by_default():
    (waiver,), mistakes = waivers("{contract: a*, reason: known, until: 2026-12-31}")
    assert (waiver.contract, waiver.model, waiver.until) == ("a*", "*", date(2026, 12, 31))
    assert (waiver.where.line, mistakes) == (2, [])


@pytest.mark.parametrize(
    ("until", "expected"),
    [
        ("2026-02-30", "a date that exists"),
        ("soon", "a date such as 2026-12-31"),
        ("2026-1-1", "a date such as 2026-12-31"),
    ],
)
def test_texts_that_are_no_date(until, expected):
    found, mistakes = waivers(f"{{contract: a, reason: known, until: {until}}}")
    assert (found, mistakes) == ([], [(41, f"found {until!r}", expected)])
    assert as_date(until) is None


@pytest.mark.parametrize(
    "text", ["3", "{contract: 3, reason: x, until: 2026-12-31}", "{until: []}"]
)
def test_entries_of_a_wrong_type_are_left_to_the_schema(text):
    assert waivers(text) == ([], [])
