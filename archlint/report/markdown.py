"""A table of the run in Markdown, for the summary of a CI job."""

from __future__ import annotations

from collections import Counter

from archlint.contracts.size_text import size_text
from archlint.contracts.verdict import WORDS, Verdict
from archlint.contracts.verdict_text import status_of
from archlint.errors import one_line
from archlint.report.run_results import RunResults

_ROWS = 200  # of the table; GitHub cuts off long summaries


def render(results: RunResults) -> str:
    """A line with the counts, then a table of the contracts that do not hold, then the others."""
    counts = Counter(status_of(v) for v in results.verdicts)
    order = sorted(counts, key=lambda s: (-WORDS.index(s.partition(",")[0]), s))
    lines = ["### archlint: " + (", ".join(f"{counts[s]} {s}" for s in order) or "no contract"), ""]
    for mistake in results.mistakes:
        lines += [f"- {_cell(mistake.where.file)}:{mistake.where.line}: {_cell(mistake.found)}"]
    lines += [""] * bool(results.mistakes)
    rows = sorted(results.verdicts, key=lambda v: (-WORDS.index(v.word), v.contract, v.model))
    if rows:
        lines += [
            "| verdict | contract | model | fails at | layer | fix |",
            "|---|---|---|---|---|---|",
        ]
        lines += [_row(v) for v in rows[:_ROWS]]
    if len(rows) > _ROWS:
        lines += ["", f"{len(rows) - _ROWS} more"]
    return "\n".join(lines)


def _row(verdict: Verdict) -> str:
    fix = verdict.details.get("fix", "").partition("\n")[0]
    point = size_text(verdict.counterexample) if verdict.counterexample else ""
    layer = " ".join(filter(None, (verdict.at.module, verdict.at.op))) if verdict.at else ""
    if verdict.word in ("error", "vacuous"):
        layer = verdict.message.partition("\n")[0]
    cells = (status_of(verdict), verdict.contract, verdict.model, point, layer, fix)
    return "| " + " | ".join(map(_cell, cells)) + " |"


def _cell(text: str) -> str:
    """The text in one cell of a table: what Markdown or HTML would read is escaped."""
    text = one_line(text).replace("&", "&amp;").replace("<", "&lt;")
    return "".join(f"\\{c}" if c in "\\`*_[]|" else c for c in text)
