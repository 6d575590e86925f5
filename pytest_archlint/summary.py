"""The archlint section at the end of a session, and the JSON report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from archlint.contracts.settings import version
from archlint.contracts.verdict import At, Proof, Samples, Verdict, Waived
from archlint.errors import Location, Mistake, one_line
from archlint.report import json_report

Record = Mapping[str, Any]
"""A verdict as plain data; ``expected`` is added: whether the test was marked as xfail."""

_ORDER = ("proved", "broken", "tested", "vacuous", "error")
_COLORS = {"proved": "green", "tested": "yellow"}


def write_section(terminal: pytest.TerminalReporter, records: Sequence[Record]) -> None:
    """One line for each contract that does not hold, the lines of -r, and the counts."""
    records = sorted(records, key=_order)
    terminal.write_sep("=", "archlint")
    for record in records:
        word = record["word"]
        if word not in ("proved", "tested") and not record["expected"]:
            warning = record["severity"] == "warning"
            label, color = (f"{word}, warning", "yellow") if warning else (word.upper(), "red")
            _line(terminal, label, record, {color: True, "bold": True})
    chars = str(terminal.config.option.reportchars)
    if any(c in chars for c in "aApP"):
        for record in records:
            if record["word"] == "tested":
                _line(terminal, "tested", record, {"yellow": True})
    counts = Counter((r["word"], _status(r)) for r in records)
    parts = []
    for word in _ORDER:
        for expected in ("", " as expected", " (waived)"):
            number = counts[word, expected]
            noun = "errors" if word == "error" and number != 1 else word
            if number:
                text = f"{number} {noun}{expected}"
                color = "yellow" if expected else _COLORS.get(word, "red")
                parts.append(terminal._tw.markup(text, **{color: True}))
    terminal.write_line(", ".join(parts))


def _status(record: Record) -> str:
    """Why a contract that does not hold has not failed the session; empty if it has."""
    if not record["expected"] or record["word"] == "proved":
        return ""
    return " (waived)" if record["waived"] else " as expected"


def _line(
    terminal: pytest.TerminalReporter, word: str, record: Record, markup: Mapping[str, bool]
) -> None:
    name = " · ".join(filter(None, (record["contract"], record["model"])))
    place = f"{record['file']}:{record['line']}" if record["file"] else ""
    first = record["message"].partition("\n")[0]
    message = "; ".join(filter(None, (first, record["note"])))
    rest = "  ".join(filter(None, (name, place, message)))
    terminal.write_line(f"{terminal._tw.markup(word, **markup)}  {one_line(rest)}")


def write_json(
    file: Path, records: Sequence[Record], mistakes: Sequence[Mapping[str, Any]]
) -> None:
    """The same document as ``archlint check --format json``, in the order of the files."""
    verdicts = [_verdict(record) for record in sorted(records, key=_order)]
    errors = [Mistake(**{**m, "where": Location(**m["where"])}) for m in mistakes]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json_report.render(verdicts, errors, version()) + "\n", encoding="utf-8")


def _order(record: Record) -> tuple[str, int, str, str]:
    return record["file"] or "", record["line"] or 0, record["contract"], record["model"]


def _verdict(record: Record) -> Verdict:
    fields = {k: v for k, v in record.items() if k != "expected"}
    fields["at"] = At(**fields["at"]) if fields["at"] else None
    fields["proof"] = Proof(**fields["proof"])
    fields["samples"] = Samples(**fields["samples"])
    fields["waived"] = Waived(**fields["waived"]) if fields["waived"] else None
    return Verdict(**fields)
