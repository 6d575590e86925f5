"""The page of a comparison: for each model the map before, the map now, and the difference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from archlint.contracts.accepted_set import AcceptedSet
from archlint.contracts.size_map import SizeMap, difference_map, size_map
from archlint.contracts.size_map_svg import figure
from archlint.report.page.document import document


def diff_page(pairs: Sequence[tuple[AcceptedSet, AcceptedSet, str]], report: str) -> str:
    """The page of ``archlint diff``. A pair is what was and is accepted, with its part of the text.

    ``report`` is the whole text.
    """
    return document(
        "diff.html.jinja",
        "archlint diff",
        {},
        changes=[_change(*pair) for pair in pairs],
        report=report,
    )


def _change(before: AcceptedSet, after: AcceptedSet, text: str) -> dict[str, Any]:
    return {
        "name": after.model,
        "mode": after.mode,
        "text": text,
        "maps": [
            ("difference", _figure(difference_map(before, after))),
            ("before", _figure(size_map(before))),
            ("now", _figure(size_map(after))),
        ],
    }


def _figure(map: SizeMap | None) -> str:
    return "" if map is None else Markup(figure(map))  # escapes its texts itself


__all__ = ["diff_page"]
