"""What a model costs, as text and as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from archlint.contracts.accepted_set import input_as_yaml, input_text
from archlint.contracts.size_text import size_text
from archlint.contracts.text_layout import columns, labelled
from archlint.errors import one_line

if TYPE_CHECKING:
    from archlint.engine.cost.activations import Peak
    from archlint.engine.cost.amount import Amount
    from archlint.engine.cost.fits import Fit, Fits
    from archlint.engine.cost.model_cost import LayerCost, ModelCost

LABEL = 13  # columns
_WIDTH = 88  # of a formula
_NUMBERS = ("FLOPs", "share", "parameters", "bytes kept")  # titles of columns, as they begin
_BINARY = ("bytes", "KiB", "MiB", "GiB", "TiB")


def text(cost: ModelCost, by_layer: bool = False) -> str:
    """A block with the formulas, and a row for each layer."""
    at = f" at {size_text(cost.point)}" if cost.point else ""
    lines = [f"{cost.model}   {input_text(cost.input)}   {cost.mode}"]
    for path in cost.paths:
        if len(cost.paths) > 1:
            lines.append(f"  where {path.where}")
        kept = " kept for the backward pass" if cost.training else ""
        flops = _formula(str(path.flops))
        activations = _formula(f"at least {path.activations} bytes{kept}")
        if path.at:
            flops += f"\n= {path.flops.at(cost.point):,}{at}"
            activations += f"\n= {path.activations.at(cost.point):,}{at}"
        if path.largest:
            activations += f", in {one_line(path.largest)}"
        lines += labelled({"flops": flops, "activations": activations}, LABEL)
    parameters = f"{cost.parameters:,}   ({cost.parameter_bytes:,} bytes)"
    lines += labelled({"parameters": parameters} | _memory(cost, at), LABEL)
    for note in cost.notes:
        lines += labelled({"note": note}, LABEL)
    if by_layer:
        table = rows(cost)
        lines += ["", *columns(table, [title.startswith(_NUMBERS) for title in table[0]])]
    if cost.fits is not None:
        lines += ["", *_fits(cost, cost.fits)]
    return "\n".join(lines)


def _memory(cost: ModelCost, at: str) -> dict[str, str]:
    """What training or a limit of memory adds to the activations."""
    texts = {}
    if cost.training is not None:
        texts["gradients"] = f"{cost.training.gradient_bytes:,} bytes"
        texts["optimizer"] = f"{cost.training.optimizer_bytes:,} bytes of {cost.training.optimizer}"
    if cost.training is not None or cost.fits is not None:
        texts["buffers"] = f"{cost.buffer_bytes:,} bytes" if cost.buffer_bytes else ""
        whole = cost.memory_at(cost.point)
        texts["memory"] = f"at least {whole:,} bytes ({bytes_text(whole)}){at}"
    return texts


def bytes_text(size: int) -> str:
    """The bytes in the largest unit in which they are at least 1: ``1.46 GiB``."""
    value, unit = float(size), 0
    while float(f"{value:.4g}") >= 1024 and unit < len(_BINARY) - 1:
        value, unit = value / 1024, unit + 1
    return f"{value:.4g} {_BINARY[unit]}"


def _fits(cost: ModelCost, found: Fits) -> list[str]:
    doubt = "" if found.grows else "; it was not proved that larger sizes need more"
    lines = [f"fits in {found.text}, at most (kernels need more on top{doubt})"]
    for fit in (*found.squares, *found.batches):
        sizes = size_text(fit.found) if fit.found else "nothing fits"
        sizes += " or more" if fit.unbounded else ""
        fixed = size_text(fit.fixed) if fit.fixed else "at most"
        needed = f"   {bytes_text(fit.needed)}" if fit.found else ""
        lines.append(f"  {fixed:<20}{sizes}{needed}")
    condition = f"\nat sizes with {cost.paths[0].where}" if len(cost.paths) > 1 else ""
    if found.constant > found.limit:
        needs = f"no size: weights and what each needs take {found.constant:,} bytes"
        return [*lines, *labelled({"where": needs}, LABEL)]
    return [*lines, *labelled({"where": _formula(found.formula) + condition}, LABEL)]


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


def rows(cost: ModelCost) -> list[tuple[str, ...]]:
    """The table of the layers of the path shown; the first row has the titles."""
    path = cost.paths[0]
    whole = path.flops.at(cost.point)
    at = size_text(cost.point)
    kept = (f"bytes kept at {at}",) if cost.training else ()
    result = [("layer", "", f"FLOPs at {at}", "share", "parameters", *kept, "formula")]
    for layer in path.layers:
        here = layer.flops.at(cost.point)
        share = f"{100 * here / whole:.1f} %" if whole else ""
        formula = str(layer.flops) if here else ""
        name = one_line(layer.module) or "(the model)"
        saved = (f"{layer.saved.at(cost.point):,}",) if cost.training else ()
        numbers = (f"{here:,}", share, f"{layer.parameters:,}", *saved)
        result.append((name, layer.layer, *numbers, formula))
    return result


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
        **_more(cost),
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


def _more(cost: ModelCost) -> dict[str, Any]:
    """What was asked for besides: training, and what fits."""
    more: dict[str, Any] = {}
    if cost.training is not None or cost.fits is not None:
        more["buffer_bytes"] = _number(cost.buffer_bytes)
    if cost.training is not None:
        more["gradient_bytes"] = _number(cost.training.gradient_bytes)
        more["optimizer"] = cost.training.optimizer
        more["optimizer_bytes"] = _number(cost.training.optimizer_bytes)
    if cost.fits is not None:
        more["fits"] = {
            "limit": cost.fits.limit,
            "constant_bytes": cost.fits.constant,
            "formula": cost.fits.formula,
            "grows": cost.fits.grows,
            "squares": [_fit(f) for f in cost.fits.squares],
            "batches": [_fit(f) for f in cost.fits.batches],
        }
    return more


def _fit(fit: Fit) -> dict[str, Any]:
    found = dict(fit.found) if fit.found else None
    more = {"unbounded": True} if fit.unbounded else {}
    return {"at": dict(fit.fixed), "largest": found, "bytes": fit.needed if found else None, **more}


def _layer(layer: LayerCost, cost: ModelCost) -> dict[str, Any]:
    return {
        "module": layer.module,
        "layer": layer.layer,
        "flops": _entry(layer.flops, cost),
        **({"activation_bytes": _entry(layer.saved, cost)} if cost.training else {}),
        "parameters": _number(layer.parameters),
        "parameter_bytes": _number(layer.parameter_bytes),
    }


def _entry(amount: Amount | Peak, cost: ModelCost, here: bool = True) -> dict[str, Any]:
    return {"formula": str(amount), "at": amount.at(cost.point) if here else None}


def _number(value: int) -> dict[str, Any]:
    return {"formula": str(value), "at": value}
