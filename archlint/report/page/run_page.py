"""The page of a run: each verdict with its report, and a map where its sizes are known."""

from __future__ import annotations

from collections import Counter
from itertools import zip_longest
from typing import Any

from markupsafe import Markup

from archlint.contracts.contract import Contract
from archlint.contracts.size_map_svg import figure
from archlint.contracts.verdict import WORDS, Verdict
from archlint.contracts.verdict_map import verdict_map
from archlint.contracts.verdict_text import block, name, status_of
from archlint.report.page.document import document
from archlint.report.page.formula_data import NodeTable
from archlint.report.page.map_data import map_data
from archlint.report.run_results import RunResults


def run_page(results: RunResults) -> str:
    """The page of ``archlint check --output html=FILE``."""
    verdicts = results.verdicts
    counts = Counter(v.word for v in verdicts)
    table = NodeTable()
    maps: list[dict[str, Any]] = []
    entries = [
        _entry(verdict, contract, table, maps)
        for verdict, contract in zip_longest(verdicts, results.contracts[: len(verdicts)])
    ]
    return document(
        "run.html.jinja",
        "archlint: " + ", ".join(f"{counts[w]} {w}" for w in WORDS if counts[w]),
        {"maps": maps, "nodes": table.nodes},
        version=results.version,
        words=[(word, counts[word]) for word in WORDS if counts[word]],
        mistakes=[str(m) for m in results.mistakes],
        verdicts=entries,
    )


def _entry(
    verdict: Verdict, contract: Contract | None, table: NodeTable, maps: list[dict[str, Any]]
) -> dict[str, Any]:
    """The values of a verdict for the template; its map is added to ``maps``."""
    map = verdict_map(verdict, contract)
    entry = {
        "word": verdict.word,
        "status": status_of(verdict),
        "name": name(verdict) or verdict.file or "",
        "open": not verdict and not verdict.waived,
        "text": "\n".join(block(verdict, 1)),
        "figure": Markup(figure(map)) if map is not None else "",  # escapes its texts itself
        "map": len(maps),
    }
    if map is not None:
        maps.append(map_data(map, table))
    return entry


def render(results: RunResults) -> str:
    """As the other formats: the report without a final newline."""
    return run_page(results).rstrip("\n")
