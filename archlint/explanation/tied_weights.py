"""Which weights have a shape that depends on the input size, and which work for any size.

A parameter is *tied* when a layer needs one of its sizes to equal a formula of the input's sizes:
the ``in_features`` of a linear layer behind a flatten, the rows of a position embedding. All others
are shared: a convolution slides the same kernel over any image.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from archlint.contracts.points import point_text
from archlint.symbolic import Expr, Size, evaluate
from archlint.symbolic.formula import Bool, Junction, eq
from archlint.tracing.events import Event
from archlint.tracing.fx_graph import tensor_names, weights
from archlint.tracing.trace import Call


@dataclass(frozen=True)
class Tie:
    """``shape[dim]`` of the parameter ``name`` must be ``needed`` elements."""

    name: str
    shape: tuple[int, ...]
    dim: int
    needed: Expr

    def at(self, env: Mapping[str, int]) -> tuple[int, ...]:
        """The shape that the parameter would need at these sizes."""
        size = evaluate(self.needed, env)
        return (*self.shape[: self.dim], size, *self.shape[self.dim + 1 :])

    def formula(self) -> tuple[Size, ...]:
        """The shape as formulas of the input's sizes."""
        return (*self.shape[: self.dim], self.needed, *self.shape[self.dim + 1 :])


@dataclass(frozen=True)
class Kind:
    """The layers of one type that ran: their number, the number of tied ones, their weights."""

    name: str
    layers: int
    tied: int
    weights: int


def ties(claims: Sequence[tuple[Call, Event]], model: nn.Module) -> tuple[Tie, ...]:
    """The parameters whose shapes depend on the input's sizes, in order of use.

    ``claims`` are those of the path, each with its call.
    """
    names = tensor_names(model)
    result: dict[tuple[str, int], Tie] = {}
    for call, event in claims:
        numbers = [s for s in event.sizes if isinstance(s, int)]
        formulas = [s for s in event.sizes if isinstance(s, Expr)]
        used = [t for t in weights((call.args, call.kwargs)) if id(t) in names]
        for number in numbers:
            for formula in formulas:
                if not _equates(event.formula, number, formula):
                    continue
                holders = [t for t in used if number in t.shape]
                if holders:
                    tensor = max(holders, key=lambda t: t.ndim)
                    shape = tuple(tensor.shape)
                    dim = len(shape) - 1 - shape[::-1].index(number)
                    tie = Tie(names[id(tensor)], shape, dim, formula)
                    result.setdefault((tie.name, dim), tie)
    return tuple(result.values())


def _equates(formula: Bool, number: int, size: Expr) -> bool:
    """Whether it means that both are equal, or one is 1 where broadcasting allows it."""
    equal = eq(number, size)
    if formula == equal:
        return True
    return isinstance(formula, Junction) and formula.op == "or" and equal in formula.args


def kinds(calls: Sequence[Call], model: nn.Module, tied: Sequence[Tie]) -> tuple[Kind, ...]:
    """The layers whose weights were used, by type; types with tied weights last."""
    names = tensor_names(model)
    used: dict[str, torch.Tensor] = {}
    parameters = {id(p) for p in model.parameters()}
    for call in calls:
        for tensor in weights((call.args, call.kwargs)):
            if id(tensor) in parameters:
                used[names[id(tensor)]] = tensor
    owners: dict[str, list[str]] = {}
    for name in used:
        owners.setdefault(name.rpartition(".")[0], []).append(name)
    tied_names = {t.name for t in tied}
    counted: dict[str, Kind] = {}
    for owner, held in owners.items():
        kind = type(model.get_submodule(owner)).__name__
        before = counted.get(kind, Kind(kind, 0, 0, 0))
        counted[kind] = Kind(
            kind,
            before.layers + 1,
            before.tied + any(n in tied_names for n in held),
            before.weights + sum(used[n].numel() for n in held),
        )
    return tuple(sorted(counted.values(), key=lambda k: k.tied > 0))


def needed_shape_text(tie: Tie, point: Mapping[str, int]) -> str:
    """The shape that the weight would need at ``point``; empty if it has it, or none fits."""
    needed = tie.at(point)
    if needed == tie.shape or any(n < 1 for n in needed):
        return ""
    more = math.prod(needed) - math.prod(tie.shape)
    change = (
        f"larger by {count_weights(more, 'untrained weight')}"
        if more > 0
        else f"smaller by {count_weights(-more)}"
    )
    shapes = f"{shape_text(tie.shape)} would have to be {shape_text(needed)}"
    return f"`{tie.name}` {shapes} for {point_text(point)}: {change}"


def count_weights(number: int, noun: str = "weight") -> str:
    """``1 weight``, ``1,024 weights``."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def shape_text(shape: Sequence[int]) -> str:
    """``3x256``."""
    return "x".join(map(str, shape))


__all__ = ["Kind", "Tie", "count_weights", "kinds", "needed_shape_text", "shape_text", "ties"]
