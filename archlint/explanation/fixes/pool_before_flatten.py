"""Adaptive pooling before the flatten: the linear layer always gets the size it needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product as combinations
from math import isqrt, prod

import torch
from torch import nn

from archlint.engine.exploration import ExploredPath
from archlint.explanation.fixes.broken_contract import BrokenContract
from archlint.explanation.fixes.code_change import InsertPool, RunWith
from archlint.explanation.fixes.edit import Edit, SourceText, Span
from archlint.explanation.fixes.proposal import Proposal, patched
from archlint.explanation.fixes.source_edits import (
    constructor_spans,
    definition_of,
    flatten_spans,
    functions_of,
    recompiled,
)
from archlint.explanation.path_rows import back_to_input
from archlint.models.targets import ModelSource
from archlint.ops.registry import rule_for
from archlint.symbolic import Expr, Size, evaluate
from archlint.tracing.events import Event
from archlint.tracing.fx_graph import tensors
from archlint.tracing.trace import Call, Trace

_FLATTENING = {rule_for(f) for f in (torch.flatten, torch.Tensor.view, torch.reshape)}
_RANKS = (3, 4, 5)  # N C L, N C H W, N C T H W
_VARIANTS = 3  # of the lines of one place
Change = Callable[[nn.Module], nn.Module]


@dataclass(frozen=True)
class _Head:
    """A call that flattens features to what a layer needs, and the grid that gives it that."""

    call: Call
    grid: tuple[int, ...]

    @property
    def pool(self) -> str:
        return f"AdaptiveAvgPool{len(self.grid)}d({_tuple(self.grid)})"


def pooling(broken: BrokenContract) -> Iterator[Proposal]:
    """Pool to the sizes that the features have at accepted sizes, in all heads that need it."""
    heads = _heads(broken)
    if not heads:
        return
    places = ", ".join(dict.fromkeys(f"`{h.call.module}`" for h in heads if h.call.module))
    title = f"{', '.join(dict.fromkeys(h.pool for h in heads))} before the flatten"
    title += f" in {places}" if len(heads) > 1 else ""
    for changes, edits in _variants(broken, heads):

        def change(model: nn.Module, changes: Sequence[Change] = changes) -> nn.Module:
            for each in changes:
                model = each(model)
            return model

        yield Proposal(title, broken.contract, patched(broken.source, change), tuple(edits))


def _heads(broken: BrokenContract) -> list[_Head]:
    """The heads of the violation's path, and of a path that reaches the output, once each."""
    accepted = broken.accepted_point
    found: dict[tuple[str, str], _Head] = {}
    paths = [broken.violation.path]
    if accepted is not None and (path := broken.exploration.path_at(accepted)) is not None:
        paths.append(path)
    for path in paths:
        for event in _claims(path, broken):
            call = path.trace.calls[event.call]
            flat = _flattening(path.trace, call)
            if flat is None:
                continue
            dims = tensors((flat.args, flat.kwargs))[0].spec.dims
            numbers = [s for s in event.sizes if isinstance(s, int)]
            if not numbers and flat is call and accepted is not None:  # view(x.size(0), 256)
                numbers = [prod(evaluate(d, accepted) for d in dims[1:])]
            grid = _grid(dims, accepted, numbers)
            if grid is not None:
                found.setdefault((flat.module, flat.source), _Head(flat, grid))
    return list(found.values())


def _claims(path: ExploredPath, broken: BrokenContract) -> Iterator[Event]:
    failed = path.first_failed_claim(broken.violation.point)
    for event in path.trace.path.events:
        of_call = event.kind == "claim" and 0 <= event.call < len(path.trace.calls)
        if of_call and (event is failed or any(isinstance(s, Expr) for s in event.sizes)):
            yield event


def _variants(
    broken: BrokenContract, heads: Sequence[_Head]
) -> Iterator[tuple[list[Change], list[Edit]]]:
    """Changes of the model, with the edits of one file that may come to the same."""
    layers = {h: broken.model.get_submodule(h.call.module) for h in heads}
    inserted = [h for h in heads if type(layers[h]) is nn.Flatten and h.call.module]
    coded = [h for h in heads if h not in inserted]
    constructed = [list(_constructor(broken.source, broken.model, h)) for h in inserted]
    sources: dict[str, SourceText] = {}
    options: list[list[tuple[SourceText, list[Span]]]] = []
    for head in coded:
        here = []
        functions = functions_of(head.call.code) if head.call.code else []
        found = definition_of(functions[0]) if functions else None
        if found is not None:
            source = sources.setdefault(str(found.source.file), found.source)
            words = f"adaptive_avg_pool{len(head.grid)}d({{}}, {_tuple(head.grid)})"
            here = [(source, s) for s in flatten_spans(found, head.call.line, words)]
        options.append(here[:_VARIANTS])
    for chosen in combinations(*options):
        changes: list[Change] = [InsertPool(h.call.module, h.grid) for h in inserted]
        spans = [span for _, some in chosen for span in some]
        edits = [
            edit
            for made in combinations(*constructed)
            if (edit := _edit([*chosen, *made])) is not None
        ]
        if coded:
            edit = _edit(chosen)
            if edit is None or not spans:
                continue
            for head in coded:
                assert head.call.code is not None
                functions = functions_of(head.call.code)
                codes = [(f, recompiled(f, edit)) for f in functions]
                fitting = [(f, c) for f, c in codes if c is not None]
                if not fitting:
                    return
                changes.append(RunWith(head.call.module, fitting))
        yield changes, edits


def _edit(parts: Sequence[tuple[SourceText, list[Span]]]) -> Edit | None:
    files = {str(source.file): source for source, _ in parts}
    if len(files) != 1:
        return None
    (source,) = files.values()
    return source.edited(span for _, spans in parts for span in spans)


def _flattening(trace: Trace, refusing: Call) -> Call | None:
    """The call, at or before ``refusing``, that flattens features."""
    first = None
    for index in reversed(back_to_input(trace, refusing)):
        call = trace.calls[index]
        before, made = tensors((call.args, call.kwargs)), tensors(call.result)
        if not before:
            return None
        if call is refusing and rule_for(call.func) not in _FLATTENING:
            continue
        rank, left = len(before[0].spec.dims), len(made[0].spec.dims) if made else 2
        if left < rank or not made:
            flat = rule_for(call.func) in _FLATTENING and rank in _RANKS
            if not flat or (first is None and left != 2):
                return first
            first = call
        elif first is not None:
            return first
    return first


def _grid(
    dims: tuple[Size, ...], accepted: Mapping[str, int] | None, needed: list[int]
) -> tuple[int, ...] | None:
    """The features' sizes at ``accepted``, else the square that the linear layer needs."""
    channels, features = dims[1], dims[2:]
    if not any(isinstance(d, Expr) for d in features) or not isinstance(channels, int):
        return None
    for count in needed:
        places, odd = divmod(count, channels)
        if odd or not places:
            continue
        if accepted is not None:
            grid = tuple(evaluate(d, accepted) for d in features)
            if prod(grid) == places and (len(set(grid)) == 1 or not _is_square(places, features)):
                return grid
        if _is_square(places, features):
            return isqrt(places), isqrt(places)
        if len(features) == 1:
            return (places,)
    return None


def _is_square(places: int, features: tuple[Size, ...]) -> bool:
    return len(features) == 2 and isqrt(places) ** 2 == places


def _constructor(
    source: ModelSource, model: nn.Module, head: _Head
) -> Iterator[tuple[SourceText, list[Span]]]:
    """Where a flatten layer may be created: in its owners' classes or the model's factory."""
    owner = head.call.module
    makers: list[Callable[..., object]] = []
    while owner:
        owner = owner.rpartition(".")[0]
        for kind in type(model.get_submodule(owner)).__mro__:
            if not kind.__module__.startswith("torch.") and "__init__" in vars(kind):
                makers.append(vars(kind)["__init__"])
    if callable(source.maker):
        makers.append(source.maker)
    for maker in makers:
        for found, spans in constructor_spans(maker, head.pool):
            yield found.source, spans


def _tuple(grid: tuple[int, ...]) -> str:
    return str(grid[0]) if len(grid) == 1 else f"({', '.join(map(str, grid))})"
