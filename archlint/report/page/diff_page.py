"""The page of a comparison: for each model the map before, the map now, and the difference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from archlint.contracts.accepted_set import AcceptedSet
from archlint.contracts.size_map import difference_map, size_map
from archlint.contracts.size_map_svg import figure
from archlint.report.page.document import document
from archlint.report.page.formula_data import NodeTable
from archlint.report.page.map_data import map_data


def diff_page(pairs: Sequence[tuple[AcceptedSet, AcceptedSet, str]], report: str) -> str:
    """The page of ``archlint diff``. A pair is what was and is accepted, with its part of the text.

    ``report`` is the whole text.
    """
    table = NodeTable()
    maps: list[dict[str, Any]] = []
    changes = [_change(*pair, table, maps) for pair in pairs]
    data = {"maps": maps, "nodes": table.nodes}
    return document("diff.html.jinja", "archlint diff", data, changes=changes, report=report)


def _change(
    before: AcceptedSet, after: AcceptedSet, text: str, table: NodeTable, maps: list[dict[str, Any]]
) -> dict[str, Any]:
    """The values of a pair for the template; its maps are added to ``maps``."""
    named = [
        ("difference", difference_map(before, after)),
        ("before", size_map(before)),
        ("now", size_map(after)),
    ]
    shown = []
    for title, map in named:
        if map is not None:
            drawing = Markup(figure(map))  # escapes its texts itself
            shown.append((title, drawing, len(maps)))
            maps.append(map_data(map, table))
    return {"name": after.model, "mode": after.mode, "text": text, "maps": shown}
