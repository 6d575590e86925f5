"""A map of accepted sizes as data for the script of a page."""

from __future__ import annotations

from typing import Any

from archlint.contracts.size_map import SizeMap
from archlint.contracts.size_map_svg import colors
from archlint.report.page.formula_data import NodeTable


def map_data(map: SizeMap, table: NodeTable) -> dict[str, Any]:
    """Names, axes and zones; conditions are indexes of nodes of the table."""
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
    first = dict(zip(map.axes, map.last, strict=True))
    return {
        "names": map.names,
        "axes": [axis for axis in map.axes if axis],
        "last": map.last,
        "windows": dict(map.windows),
        "zones": zones,
        "contract": None if map.contract is None else table.formula(map.contract),
        "mark": map.mark,
        "point": {
            n: map.fixed.get(n, min((map.mark or {}).get(n, 1), first.get(n, 1))) for n in map.names
        },
    }
