"""The pages of one model: what it accepts, why, and what changed between two of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from archlint.contracts.accepted_set import AcceptedSet, shown
from archlint.contracts.size_map import size_map, smallest_sizes
from archlint.contracts.size_map_svg import figure
from archlint.explanation.explanation import Explanation
from archlint.explanation.tied_weights import needed_shape_text, shape_text, tied_weights
from archlint.report import accepted_text
from archlint.report.page.document import document
from archlint.report.page.formula_data import NodeTable
from archlint.report.page.layer_tree import layer_tree
from archlint.report.page.map_data import map_data


def infer_page(sets: Sequence[AcceptedSet]) -> str:
    """The page of ``archlint infer``: for each mode the map, what refuses, and the report."""
    first = sets[0]
    table = NodeTable()
    return document(
        "model.html.jinja",
        f"{first.model}: accepted sizes",
        _data(first, smallest_sizes(first, ()) if first.minimum else {}, table, []),
        heading=first.model,
        sets=[_set(s) for s in sets],
        report=accepted_text.text(sets),
        point=first.minimum or {},
        status="",
        path="",
        layers=(),
        weights=(),
    )


def explain_page(e: Explanation) -> str:
    """The page of ``archlint explain``: also the layers and the weights, at any sizes."""
    table = NodeTable()
    accepted = e.accepted_set()
    data = _data(accepted, e.point, table, [])
    layers, rows = layer_tree(e, table)
    data |= {"rows": rows, "nodes": table.nodes, "branch": table.formula(e.branches)}
    weights = [
        {
            "name": tie.name,
            "shape": shape_text(tie.shape),
            "formula": tie.formula(),
            "nodes": " ".join(map(str, table.sizes(tie.needed))),
            "at": shape_text(tie.at(e.point)),
            "change": needed_shape_text(tie, e.point),
        }
        for tie in tied_weights(e.ties)
    ]
    return document(
        "model.html.jinja",
        f"{e.model}: why it accepts these sizes",
        data,
        heading=e.model,
        sets=[_set(accepted)],
        report=e.text(verbose=True),
        point=e.point,
        status="accepted" if e.accepted else "refused",
        path=e.condition if e.paths > 1 else "",
        layers=layers,
        weights=weights,
    )


def _data(
    accepted: AcceptedSet, point: dict[str, int], table: NodeTable, rows: list[Any]
) -> dict[str, Any]:
    map = size_map(accepted)
    shown = None if map is None else map_data(map, table)
    return {"map": shown, "rows": rows, "nodes": table.nodes, "point": point, "branch": None}


def _set(accepted: AcceptedSet) -> dict[str, Any]:
    map = size_map(accepted)
    return {
        "mode": accepted.mode,
        "accepts": accepted.accepts,
        "exact": accepted.exact,
        "reasons": accepted.reasons,
        "figure": Markup(figure(map)) if map is not None else "",  # escapes its texts itself
        "outputs": [(case.where, shown(case.output)) for case in accepted.outputs],
        "refusals": [(r.where, str(r)) for r in accepted.refusals],
    }


__all__ = ["explain_page", "infer_page"]
