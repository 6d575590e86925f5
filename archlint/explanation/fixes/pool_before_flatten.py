"""Adaptive pooling before the flatten: the linear layer always gets the size it needs."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator, Mapping
from math import isqrt

import torch
from torch import nn

from archlint.explanation.fixes.broken_contract import BrokenContract
from archlint.explanation.fixes.proposal import Edit, Proposal, patched
from archlint.explanation.fixes.source_edits import (
    constructor_edit,
    flatten_edit,
    method_of,
    recompiled,
)
from archlint.explanation.path_rows import back_to_input
from archlint.models.targets import ModelSource
from archlint.ops.registry import rule_for
from archlint.symbolic import Expr, Size, evaluate
from archlint.tracing.fx_graph import tensors
from archlint.tracing.trace import Call, Trace

_FLATTENING = {rule_for(f) for f in (torch.flatten, torch.Tensor.view, torch.reshape)}
_RANKS = (3, 4, 5)  # N C L, N C H W, N C T H W


def pooling(broken: BrokenContract) -> Iterator[Proposal]:
    """Pool to the sizes that the features have at accepted sizes."""
    source, model, violation = broken.source, broken.model, broken.violation
    event = violation.path.first_failed_claim(violation.point)
    trace = violation.path.trace
    if event is None or not 0 <= event.call < len(trace.calls):
        return
    call = _flattening(trace, trace.calls[event.call])
    if call is None:
        return
    dims = tensors((call.args, call.kwargs))[0].spec.dims
    needed = [s for s in event.sizes if isinstance(s, int)]
    grid = _grid(dims, broken.accepted_point, needed)
    if grid is None:
        return
    name = f"AdaptiveAvgPool{len(grid)}d({_tuple(grid)})"
    layer = model.get_submodule(call.module)
    change: Callable[[nn.Module], nn.Module]
    if type(layer) is nn.Flatten and call.module:
        edit = _constructor(source, model, call.module, name)
        change = _InsertPool(call.module, grid)
    elif call.code is not None:
        method = method_of(layer, call.code)
        words = f"adaptive_avg_pool{len(grid)}d({{}}, {_tuple(grid)})"
        edit = flatten_edit(method[1], call.line, words) if method else None
        after = recompiled(method[1], edit) if method and edit else None
        if method is None or after is None:
            return
        change = ReplaceMethod(call.module, method[0], after)
    else:
        return
    title = f"{name} before the flatten"
    yield Proposal(title, broken.contract, patched(source, source.name, change), edit)


class _InsertPool:
    """Puts a pool before a flatten layer, under the same name."""

    def __init__(self, path: str, grid: tuple[int, ...]) -> None:
        self.path, self.grid = path, grid

    def __call__(self, model: nn.Module) -> nn.Module:
        owner, _, name = self.path.rpartition(".")
        kind = {1: nn.AdaptiveAvgPool1d, 2: nn.AdaptiveAvgPool2d, 3: nn.AdaptiveAvgPool3d}
        pool = kind[len(self.grid)](self.grid)
        modules = model.get_submodule(owner)._modules
        before = modules[name]
        assert before is not None
        modules[name] = nn.Sequential(pool, before)
        return model


class ReplaceMethod:
    """Replaces a method of one module."""

    def __init__(self, path: str, name: str, function: types.FunctionType) -> None:
        self.path, self.name, self.function = path, name, function

    def __call__(self, model: nn.Module) -> nn.Module:
        owner = model.get_submodule(self.path)
        setattr(owner, self.name, types.MethodType(self.function, owner))
        return model


def _flattening(trace: Trace, refusing: Call) -> Call | None:
    """The call before ``refusing`` that flattens features."""
    for index in reversed(back_to_input(trace, refusing)[:-1]):
        call = trace.calls[index]
        before, made = tensors((call.args, call.kwargs)), tensors(call.result)
        if not before or not made:
            return None
        rank, left = len(before[0].spec.dims), len(made[0].spec.dims)
        if left < rank:
            flat = rule_for(call.func) in _FLATTENING
            return call if flat and rank in _RANKS and left == 2 else None
    return None


def _grid(
    dims: tuple[Size, ...], accepted: Mapping[str, int] | None, needed: list[int]
) -> tuple[int, ...] | None:
    """The features' sizes at ``accepted``, else the square that the linear layer needs."""
    channels, features = dims[1], dims[2:]
    if not any(isinstance(d, Expr) for d in features) or not isinstance(channels, int):
        return None
    for count in needed:
        places, odd = divmod(count, channels)
        if odd:
            continue
        side = isqrt(places)
        if len(features) == 2 and side * side == places:
            return side, side
        if accepted is not None:
            grid = tuple(evaluate(d, accepted) for d in features)
            product = 1
            for size in grid:
                product *= size
            if product == places:
                return grid
        if len(features) == 1:
            return (places,)
    return None


def _constructor(source: ModelSource, model: nn.Module, path: str, pool: str) -> Edit | None:
    """The edit where the flatten layer is created: in its owner's class or the model's factory."""
    owner = path
    while owner:
        owner = owner.rpartition(".")[0]
        kind = type(model.get_submodule(owner))
        if not kind.__module__.startswith("torch."):
            edit = constructor_edit(kind.__init__, pool)
            if edit is not None:
                return edit
    return constructor_edit(source.maker, pool) if callable(source.maker) else None


def _tuple(grid: tuple[int, ...]) -> str:
    return str(grid[0]) if len(grid) == 1 else f"({', '.join(map(str, grid))})"
