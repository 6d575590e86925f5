"""An adaptive pool in the place of an average pool whose window is the whole map at one size."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

import torch
from torch import nn

from archlint.explanation.fixes.broken_contract import BrokenContract
from archlint.explanation.fixes.code_change import RunWith, run_with
from archlint.explanation.fixes.constructors import Place, joined, layer_places
from archlint.explanation.fixes.pool_before_flatten import Head, flattening_heads
from archlint.explanation.fixes.proposal import Proposal, patched
from archlint.explanation.fixes.source_edits import (
    Definition,
    definition_at,
    functional,
    name_of,
    node_at,
)
from archlint.ops.registry import rule_for
from archlint.tracing.fx_graph import tensors
from archlint.tracing.trace import Call

_POOLS = {
    rule_for(f) for f in (torch.avg_pool1d, nn.functional.avg_pool2d, nn.functional.avg_pool3d)
}
_LAYERS = {1: nn.AvgPool1d, 2: nn.AvgPool2d, 3: nn.AvgPool3d}
_ADAPTIVE = {1: nn.AdaptiveAvgPool1d, 2: nn.AdaptiveAvgPool2d, 3: nn.AdaptiveAvgPool3d}


def adaptive_pools(broken: BrokenContract) -> Iterator[Proposal]:
    """Average over whole maps of any size, where a pool does so at the accepted sizes only."""
    heads = flattening_heads(broken)
    pools = [_pool(head) for head in heads]
    calls = [call for call in pools if call is not None]
    if not heads or len(calls) < len(heads):
        return
    rank = len(heads[0].grid)
    layer_of = broken.model.get_submodule
    layers = {c.module for c in calls if type(layer_of(c.module)) is _LAYERS[rank]}
    coded = [c for c in calls if c.module not in layers]
    options = [
        list(layer_places(broken.source, broken.model, path, _constructed)) for path in layers
    ]
    written = [place for call in coded if (place := _functional_place(call, rank)) is not None]
    if len(written) < len(coded):
        return
    change: RunWith | None = None
    if coded:
        change = run_with(joined(written), coded)
        if change is None:
            return

    def changed(model: nn.Module) -> nn.Module:
        for path in layers:
            owner, _, name = path.rpartition(".")
            model.get_submodule(owner)._modules[name] = _ADAPTIVE[rank](1)
        return model if change is None else change(model)

    edits = [e for made in _combined(options) if (e := joined([*written, *made])) is not None]
    places = ", ".join(dict.fromkeys(f"`{c.module or c.op}`" for c in calls))
    yield Proposal(
        f"AdaptiveAvgPool{rank}d(1) instead of {places}",
        broken.contract,
        patched(broken.source, changed),
        tuple(edits),
        note="where the pool left a border out, the output has other values",
    )


def _combined(options: Sequence[Sequence[Place]]) -> Iterator[list[Place]]:
    """The likeliest place of each layer first, then the second of each."""
    for index in range(max(map(len, options), default=1)):
        yield [places[min(index, len(places) - 1)] for places in options if places]


def _pool(head: Head) -> Call | None:
    """The average pool that makes the one place in each channel that the head flattens.

    Calls between the two may change values, but no sizes.
    """
    call = head.call
    while set(head.grid) == {1}:
        before = tensors((call.args, call.kwargs))
        if not before or before[0].made_by < 0:
            return None
        call = head.trace.calls[before[0].made_by]
        if rule_for(call.func) in _POOLS:
            return call
        source = tensors((call.args, call.kwargs))
        if not source or source[0].spec.dims != before[0].spec.dims:
            return None
    return None


def _constructed(definition: Definition, call: ast.Call) -> list[tuple[int, int, str]] | None:
    """``nn.AvgPool2d(7)`` becomes ``nn.AdaptiveAvgPool2d(1)``."""
    name = name_of(call.func)
    start, end = definition.span(call)
    home = definition.text(call.func).removesuffix(name)
    if not home and f"Adaptive{name}" not in definition.function.__globals__:
        return None
    return [(start, end, f"{home}Adaptive{name}(1)")]


def _functional_place(call: Call, rank: int) -> Place | None:
    """``F.avg_pool2d(x, 4)`` becomes ``F.adaptive_avg_pool2d(x, 1)``."""
    found = definition_at(call)
    if found is None:
        return None
    nodes = [
        node
        for node in ast.walk(found.tree)
        if isinstance(node, ast.Call) and name_of(node.func) == f"avg_pool{rank}d"
        if node_at(node, call.line)
    ]
    if len(nodes) != 1:
        return None
    named = {k.arg: k.value for k in nodes[0].keywords}
    tensor = nodes[0].args[0] if nodes[0].args else named.get("input")
    if tensor is None:
        return None
    home, imported = functional(found)
    function = nodes[0].func
    if isinstance(function, ast.Attribute) and found.value(function.value) is nn.functional:
        home, imported = found.text(function.value), []
    words = f"{home}.adaptive_avg_pool{rank}d({found.text(tensor)}, 1)"
    return found.source, [*imported, (*found.span(nodes[0]), words)]
