"""What a model costs as data for a page: formulas, and their nodes for the script."""

from __future__ import annotations

from typing import Any

from archlint.engine.cost.activations import Peak
from archlint.engine.cost.amount import Amount
from archlint.engine.cost.model_cost import ModelCost
from archlint.report.page.formula_data import NodeTable


def cost_data(cost: ModelCost, table: NodeTable) -> tuple[dict[str, Any], dict[str, int]]:
    """The texts of the section, and the nodes of the two amounts that the curves show."""
    flops = table.cases([(p.when, _amount(p.flops, table)) for p in cost.paths])
    activations = table.cases([(p.when, _amount(p.activations, table)) for p in cost.paths])
    whole = cost.flops.at(cost.point)
    amounts = [
        ("FLOPs", flops, f"{whole:,}", [(p.where, str(p.flops)) for p in cost.paths]),
        (
            "bytes of activations, at least",
            activations,
            f"{cost.activations.at(cost.point):,}",
            [(p.where, str(p.activations)) for p in cost.paths],
        ),
    ]
    layers = [
        {
            "name": layer.module or "(the model)",
            "kind": layer.layer,
            "formula": str(layer.flops),
            "node": _amount(layer.flops, table),
            "at": f"{layer.flops.at(cost.point):,}",
            "share": layer.flops.at(cost.point) / whole if whole else 0.0,
            "parameters": f"{layer.parameters:,}",
        }
        for layer in cost.paths[0].layers
        if layer.flops != Amount()
    ]
    shown = {
        "amounts": amounts,
        "parameters": f"{cost.parameters:,}",
        "bytes": f"{cost.parameter_bytes:,}",
        "notes": cost.notes,
        "layers": layers,
        "several": len(cost.paths) > 1,
    }
    return shown, {"flops": flops, "activations": activations}


def _amount(amount: Amount | Peak, table: NodeTable) -> int:
    if isinstance(amount, Peak):
        return table.most(amount.sizes)
    if not amount.parts:
        return table.size(amount.always)
    return table.amount([(True, amount.always), *amount.parts])
