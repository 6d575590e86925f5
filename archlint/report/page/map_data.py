"""A map of accepted sizes as data for the script of a page."""

from __future__ import annotations

from typing import Any

from archlint.contracts.size_map import SizeMap
from archlint.contracts.size_map_svg import colors
from archlint.report.page.formula_data import NodeTable


def map_data(map: SizeMap, table: NodeTable) -> dict[str, Any]:
    """Names, axes and zones; conditions are indexes of nodes of the table.

    ``needed`` is the number of nodes that the zones need: made first, they come first.
    """
    zones = [
        {
            "kind": zone.kind,
            "label": zone.label,
            "why": zone.why,
            "where": table.formula(zone.where),
            "color": color,
        }
        for zone, color in zip(map.zones, colors(map), strict=True)
    ]
    contract = None if map.contract is None else table.formula(map.contract)
    return {
        "names": map.names,
        "axes": map.axes,
        "last": map.last,
        "zones": zones,
        "contract": contract,
        "needed": len(table.nodes),
    }


__all__ = ["map_data"]
