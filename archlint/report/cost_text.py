"""What a model costs, as text and as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from archlint.contracts.accepted_set import input_as_yaml, shown
from archlint.contracts.points import point_text

if TYPE_CHECKING:
    from archlint.engine.cost.activations import Peak
    from archlint.engine.cost.amount import Amount
    from archlint.engine.cost.model_cost import LayerCost, ModelCost

LABEL = 13  # columns
_WIDTH = 88  # of a formula
_NUMBERS = (2, 3, 4)  # columns of the table of layers


def text(cost: ModelCost, by_layer: bool = False) -> str:
    """A block with the formulas, and a row for each layer."""
    at = f" at {point_text(cost.point)}" if cost.point else ""
    lines = [f"{cost.model}   {shown(input_as_yaml(cost.input))}   {cost.mode}"]
    for path in cost.paths:
        if len(cost.paths) > 1:
            lines.append(f"  where {path.where}")
        value = f"\n= {path.flops.at(cost.point):,}{at}" if path.at else ""
        lines += _labelled("flops", _formula(str(path.flops)) + value)
        value = f"\n= {path.activations.at(cost.point):,}{at}" if path.at else ""
        value += f", in {path.largest}" if path.largest else ""
        lines += _labelled("activations", _formula(f"at least {path.activations} bytes") + value)
    lines += _labelled("parameters", f"{cost.parameters:,}   ({cost.parameter_bytes:,} bytes)")
    for note in cost.notes:
        lines += _labelled("note", note)
    if by_layer:
        lines += ["", *_rows(cost)]
    return "\n".join(lines)


def _labelled(label: str, value: str) -> list[str]:
    first, *others = value.splitlines()
    return [f"  {label:<{LABEL}}{first}", *(" " * (LABEL + 2) + line for line in others)]


def _formula(text: str) -> str:
    """The formula, broken before a sign where it is long."""
    return text if len(text) <= _WIDTH else "\n".join(_broken(text))


def _broken(text: str) -> list[str]:
    """Lines of a long sum; the sums inside its factors stay whole."""
    lines, depth, start, last = [], 0, 0, 0
    most = 2 if "max(" in text else 1
    for i, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if letter in "+-" and depth <= most:
            if i - start > _WIDTH and last > start:
                lines.append(text[start:last])
                start = last
            last = i
    if len(text) - start > _WIDTH and last > start:
        lines.append(text[start:last])
        start = last
    return [*lines, text[start:]]


def _rows(cost: ModelCost) -> list[str]:
    path = cost.paths[0]
    whole = path.flops.at(cost.point)
    rows = [("layer", "", f"FLOPs at {point_text(cost.point)}", "share", "parameters", "formula")]
    for layer in path.layers:
        here = layer.flops.at(cost.point)
        share = f"{100 * here / whole:.1f} %" if whole else ""
        formula = str(layer.flops) if here else ""
        name = layer.module or "(the model)"
        rows.append((name, layer.layer, f"{here:,}", share, f"{layer.parameters:,}", formula))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  ".join(
            cell.rjust(width) if i in _NUMBERS else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def as_json(cost: ModelCost, version: str, by_layer: bool = False) -> str:
    """The cost as JSON. The keys are a stable interface, and always in this order."""
    report: dict[str, Any] = {
        "archlint": version,
        "model": cost.model,
        "mode": cost.mode,
        "input": input_as_yaml(cost.input),
        "at": dict(cost.point),
        "flops": _entry(cost.flops, cost),
        "parameters": _number(cost.parameters),
        "parameter_bytes": _number(cost.parameter_bytes),
        "activation_bytes": _entry(cost.activations, cost),
        "paths": [
            {
                "where": p.where,
                "flops": _entry(p.flops, cost, p.at),
                "activation_bytes": _entry(p.activations, cost, p.at),
            }
            for p in cost.paths
        ],
        "notes": list(cost.notes),
    }
    if by_layer:
        report["layers"] = [_layer(layer, cost) for layer in cost.paths[0].layers]
    return json.dumps(report, indent=2, allow_nan=False)


def _layer(layer: LayerCost, cost: ModelCost) -> dict[str, Any]:
    return {
        "module": layer.module,
        "layer": layer.layer,
        "flops": _entry(layer.flops, cost),
        "parameters": _number(layer.parameters),
        "parameter_bytes": _number(layer.parameter_bytes),
    }


def _entry(amount: Amount | Peak, cost: ModelCost, here: bool = True) -> dict[str, Any]:
    return {"formula": str(amount), "at": amount.at(cost.point) if here else None}


def _number(value: int) -> dict[str, Any]:
    return {"formula": str(value), "at": value}
