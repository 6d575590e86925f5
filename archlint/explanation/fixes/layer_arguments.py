"""Other arguments of layers: pools that round up, padded windows, batches that come first."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import nn

from archlint.explanation.fixes.broken_contract import BrokenContract
from archlint.explanation.fixes.code_change import edited_functions
from archlint.explanation.fixes.constructors import argument_edits, argument_span, joined
from archlint.explanation.fixes.edit import Edit
from archlint.explanation.fixes.proposal import Proposal, patched
from archlint.explanation.fixes.source_edits import definition_at, name_of, node_at
from archlint.explanation.relaxation import Site
from archlint.tracing.trace import Call

_BATCH_FIRST = (
    nn.RNNBase,
    nn.MultiheadAttention,
    nn.Transformer,
    nn.TransformerEncoderLayer,
    nn.TransformerDecoderLayer,
)


def ceil_mode(broken: BrokenContract) -> Iterator[Proposal]:
    """``ceil_mode=True`` for the pools that refuse."""
    note = "features grow by one where the pool leaves a remainder"
    yield from _rounded_functions(broken, note)
    layers = _layers(broken)
    if layers and all(getattr(v, "ceil_mode", True) is False for v in layers.values()):
        yield from _set(broken, layers, "ceil_mode", dict.fromkeys(layers, True), note)


def padded_windows(broken: BrokenContract) -> Iterator[Proposal]:
    """Zeros around the input of the convolutions and pools that refuse, half a window a side."""
    layers = _layers(broken)
    paddings = {path: _half_window(layer) for path, layer in layers.items()}
    if layers and None not in paddings.values():
        note = "features grow, and their borders contain zeros unseen in training"
        yield from _set(broken, layers, "padding", paddings, note)


def batch_first(broken: BrokenContract) -> Iterator[Proposal]:
    """``batch_first=True`` for recurrent and attention layers that take a batch for time."""
    layers = {
        path: layer
        for path, layer in broken.model.named_modules()
        if isinstance(layer, _BATCH_FIRST) and _takes_time_first(layer)
    }
    outer = {p: v for p, v in layers.items() if not any(p.startswith(f"{o}.") for o in layers)}
    note = "the values of the output change: until now the layer treated the batch as time"
    yield from _set(broken, outer, "batch_first", dict.fromkeys(outer, True), note)


def _takes_time_first(layer: nn.Module) -> bool:
    return any(getattr(part, "batch_first", True) is False for part in layer.modules())


def _set(
    broken: BrokenContract,
    layers: Mapping[str, nn.Module],
    argument: str,
    values: Mapping[str, Any],
    note: str,
) -> Iterator[Proposal]:
    """The layers with another value of an argument, and the edit of the calls that create them."""
    if not layers:
        return

    def change(fixed: nn.Module) -> nn.Module:
        for path, value in values.items():
            layer = fixed.get_submodule(path)
            for part in layer.modules() if argument == "batch_first" else [layer]:
                if hasattr(part, argument):
                    setattr(part, argument, value)
            if argument == "padding" and hasattr(layer, "_reversed_padding_repeated_twice"):
                twice = [p for p in reversed(value) for _ in range(2)]
                layer._reversed_padding_repeated_twice = twice  # type: ignore[assignment]
        return fixed

    by_value: dict[str, list[str]] = {}
    for path, value in values.items():
        by_value.setdefault(_short(value), []).append(path)
    parts = [
        f"{argument}={words} in {', '.join(f'`{p}`' if p else 'the model' for p in paths)}"
        for words, paths in by_value.items()
    ]
    source = broken.source
    edits: tuple[Edit, ...] = ()
    if len(by_value) == 1:
        ((words, paths),) = by_value.items()
        edits = tuple(argument_edits(source, broken.model, paths, argument, words))
    made = patched(source, change)
    other = argument != "ceil_mode"
    yield Proposal(", ".join(parts), broken.contract, made, edits, note=note, other_values=other)


def _rounded_functions(broken: BrokenContract, note: str) -> Iterator[Proposal]:
    """``ceil_mode=True`` in the calls of pools that refuse, if these are functions."""
    places, names, calls = [], [], []
    for cause in broken.blame.causes:
        call = None if cause.site.module in _leaves(broken) else _call_at(broken, cause.site)
        found = definition_at(call) if call is not None else None
        if call is None or found is None:
            return
        for node in ast.walk(found.tree):
            if not isinstance(node, ast.Call) or name_of(node.func) != call.op:
                continue
            if node_at(node, call.line) and "pool" in call.op:
                span = argument_span(found, node, torch.max_pool2d, "ceil_mode", "True")
                if span is not None:
                    places.append((found.source, [span]))
                    names.append(call.op)
        calls.append(call)
    title = f"ceil_mode=True in {', '.join(dict.fromkeys(f'`{n}`' for n in names))}"
    yield from edited_functions(broken, joined(places), calls, title, note)


def _call_at(broken: BrokenContract, site: Site) -> Call | None:
    for path in broken.exploration.paths:
        for call in path.trace.calls:
            if (call.op, call.source) == (site.op, site.source):
                return call
    return None


def _leaves(broken: BrokenContract) -> set[str]:
    return {p for p, m in broken.model.named_modules() if p and not any(m.children())}


def _layers(broken: BrokenContract) -> dict[str, nn.Module]:
    """The layers that refuse, by path; none if other code refuses too."""
    paths = [cause.site.module for cause in broken.blame.causes]
    if not set(paths) <= _leaves(broken):
        return {}
    return {path: broken.model.get_submodule(path) for path in paths}


def _half_window(layer: nn.Module) -> tuple[int, ...] | None:
    """The padding at which an odd window keeps the sizes, if that is more than there is."""
    window = getattr(layer, "kernel_size", None)
    before = getattr(layer, "padding", None)
    transposed = getattr(layer, "transposed", False)
    if window is None or before is None or isinstance(before, str) or transposed:
        return None
    rank = next((i for i in (1, 2, 3) if type(layer).__name__.endswith(f"{i}d")), None)
    if rank is None:
        return None
    window, before, dilation = (
        v if isinstance(v, tuple) else (v,) * rank
        for v in (window, before, getattr(layer, "dilation", 1))
    )
    needed = tuple(
        max(b, d * (k - 1) // 2) for k, b, d in zip(window, before, dilation, strict=True)
    )
    return needed if needed != before else None


def _short(value: Any) -> str:
    each = set(value) if isinstance(value, tuple) else set()
    return str(value[0]) if len(each) == 1 else str(value)
