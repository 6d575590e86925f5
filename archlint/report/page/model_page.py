"""The pages of one model: what it accepts, why, and what changed between two of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from archlint.contracts.accepted_set import AcceptedSet, shown
from archlint.contracts.region import input_symbols
from archlint.contracts.size_map import SizeMap, size_map, smallest_sizes
from archlint.contracts.size_map_svg import figure
from archlint.explanation.explanation import Explanation
from archlint.explanation.tied_weights import needed_shape_text, shape_text, tied_weights
from archlint.report import accepted_text
from archlint.report.page.cost_data import cost_data
from archlint.report.page.document import document
from archlint.report.page.formula_data import NodeTable
from archlint.report.page.layer_tree import layer_tree
from archlint.report.page.map_data import map_data


def infer_page(sets: Sequence[AcceptedSet]) -> str:
    """The page of ``archlint infer``: for each mode the map, what refuses, and the report."""
    first = sets[0]
    table = NodeTable()
    drawn = [size_map(accepted) for accepted in sets]
    data = {"point": smallest_sizes(first, input_symbols(first.input))}
    return document(
        "model.html.jinja",
        f"{first.model}: accepted sizes",
        data | _maps(drawn, table),
        heading=first.model,
        sets=_sets(sets, drawn),
        report=accepted_text.text(sets),
        point=data["point"],
        status="",
        path="",
        layers=(),
        weights=(),
        cost=None,
    )


def explain_page(e: Explanation) -> str:
    """The page of ``archlint explain``: also the layers and the weights, at any sizes."""
    table = NodeTable()
    accepted = e.accepted_set()
    layers, graph = layer_tree(e, table)
    drawn = [size_map(accepted)]
    maps = _maps(drawn, table)
    branch = table.formula(e.branches)
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
    cost, cost_nodes = (None, None) if e.cost is None else cost_data(e.cost, table)
    data = {"point": e.point, "branch": branch, "cost": cost_nodes}
    return document(
        "model.html.jinja",
        f"{e.model}: why it accepts these sizes",
        data | maps | graph,
        heading=e.model,
        sets=_sets([accepted], drawn),
        report=e.text(),
        point=e.point,
        status="accepted" if e.accepted else "refused",
        path=e.condition if e.paths > 1 else "",
        layers=layers,
        weights=weights,
        cost=cost,
    )


def _maps(drawn: Sequence[SizeMap | None], table: NodeTable) -> dict[str, Any]:
    return {"maps": [map_data(map, table) for map in drawn if map], "nodes": table.nodes}


def _sets(sets: Sequence[AcceptedSet], drawn: Sequence[SizeMap | None]) -> list[dict[str, Any]]:
    return [
        {
            "mode": accepted.mode,
            "accepts": accepted.accepts,
            "exact": accepted.exact,
            "reasons": accepted.reasons,
            "figure": Markup(figure(map)) if map is not None else "",  # escapes its texts itself
            "map": sum(1 for before in drawn[:index] if before is not None),
            "outputs": [(case.where, shown(case.output)) for case in accepted.outputs],
            "refusals": [(r.where, str(r)) for r in accepted.refusals],
        }
        for index, (accepted, map) in enumerate(zip(sets, drawn, strict=True))
    ]
