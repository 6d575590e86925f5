"""Which weights have a shape that depends on the input size, and which work for any size.

A parameter is *tied* when a layer needs one of its sizes to equal a formula of the input's sizes:
the ``in_features`` of a linear layer behind a flatten, the rows of a position embedding. All others
are shared: a convolution slides the same kernel over any image.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from archlint.contracts.size_text import size_text
from archlint.contracts.text_layout import counted
from archlint.engine.check_run import CheckRun
from archlint.engine.exploration import Exploration
from archlint.engine.weights.guards import without_guards
from archlint.engine.weights.shared_arguments import with_shared_arguments
from archlint.engine.weights.symbolic_weights import WeightClaims
from archlint.engine.weights.ties import Tie, reached, ties, weight_claims
from archlint.symbolic import Size, evaluate, evaluate_defined
from archlint.symbolic.formula import Bool, conj, ne
from archlint.symbolic.solver.solver import Solver, Unsolved
from archlint.tracing.fx_graph import tensor_names, weights
from archlint.tracing.trace import Call


@dataclass(frozen=True)
class TiedWeight:
    """A weight with sizes that depend on the input's: ``needed`` has a formula for each of these.

    ``at_least``: it only has to be that large.
    """

    name: str
    shape: tuple[int, ...]
    needed: tuple[Size, ...]
    at_least: bool

    def at(self, env: Mapping[str, int]) -> tuple[int, ...]:
        """The shape that the weight would need at these sizes."""
        sizes = tuple(evaluate(size, env) for size in self.needed)
        if self.at_least:
            return tuple(map(max, sizes, self.shape))
        return sizes

    def formula(self) -> str:
        """The shape as formulas of the input's sizes: ``at least 1 x T x 8``."""
        return ("at least " if self.at_least else "") + " x ".join(map(_factor, self.needed))


@dataclass(frozen=True)
class Kind:
    """The layers of one type that ran: their number, the number of tied ones, their weights."""

    name: str
    layers: int
    tied: int
    weights: int


def tied_weights(ties: Iterable[Tie]) -> tuple[TiedWeight, ...]:
    """The ties by weight, in order of use."""
    by_name: dict[str, TiedWeight] = {}
    for tie in ties:
        before = by_name.get(tie.name) or TiedWeight(tie.name, tie.shape, tie.shape, True)
        needed = (*before.needed[: tie.dim], tie.needed, *before.needed[tie.dim + 1 :])
        both = before.at_least and tie.at_least
        by_name[tie.name] = TiedWeight(tie.name, tie.shape, needed, both)
    return tuple(by_name.values())


def varying_ties(
    run: CheckRun, exploration: Exploration, point: Mapping[str, int]
) -> tuple[Tie, ...]:
    """The sizes of weights that would have to change for other sizes than those of ``point``.

    On a path that code takes at a single size, no size of a weight depends on the input: other
    sizes take other paths. Where the code itself refuses ``point`` early, a size that is accepted
    takes its place. Sizes that one argument of a layer sets together change together.
    """
    claims = weight_claims(run, point)
    result = _varying(ties(claims), claims, exploration, run, point)
    if claims.trace.outcome != "accepted":
        for path in exploration.accepting[:1]:
            other = path.trace.path.env
            more = weight_claims(run, other)
            known = {(tie.name, tie.dim) for tie in result}
            new = _varying(ties(more), more, exploration, run, other)
            result += [tie for tie in new if (tie.name, tie.dim) not in known]
    return tuple(with_shared_arguments(run.model, result))


def _varying(
    found: Sequence[Tie],
    claims: WeightClaims,
    exploration: Exploration,
    run: CheckRun,
    point: Mapping[str, int],
) -> list[Tie]:
    solver = Solver(exploration.names, exploration.box, run.deadline)
    solver.add(exploration.region)

    def exists(formula: Bool) -> bool:
        try:
            return solver.find(formula) is not None
        except Unsolved:
            return True

    result = []
    for tie in found:
        branches, _ = reached(tie.claim, claims)
        if branches:
            branches = without_guards(branches, exploration.accepted, exists)
        here = evaluate_defined(tie.needed, point)
        if not branches or here is None or exists(conj(*branches, ne(tie.needed, here))):
            result.append(tie)
    return result


def kinds(calls: Sequence[Call], model: nn.Module, tied: Sequence[Tie]) -> tuple[Kind, ...]:
    """The layers whose weights were used, by type; types with tied weights last.

    A weight that several layers share counts once; each of these layers counts.
    """
    names = tensor_names(model)
    modules = dict(model.named_modules())
    parameters = {id(p) for p in model.parameters()}
    used: dict[str, dict[int, torch.Tensor]] = {}
    for call in calls:
        module = modules.get(call.module)  # none for a module that forward makes
        own = {id(p) for p in module.parameters(recurse=False)} if module is not None else ()
        for tensor in weights((call.args, call.kwargs)):
            if id(tensor) in parameters:
                home = names[id(tensor)].rpartition(".")[0]
                owner = call.module if id(tensor) in own else home
                used.setdefault(owner, {})[id(tensor)] = tensor
    tied_names = {t.name for t in tied}
    for name in tied_names - {names[i] for held in used.values() for i in held}:
        owner, _, last = name.rpartition(".")
        tensor = getattr(modules[owner], last)
        if id(tensor) in parameters:
            used.setdefault(owner, {})[id(tensor)] = tensor
    counted: dict[str, Kind] = {}
    seen: set[int] = set()
    for owner, held in used.items():
        kind = type(modules[owner]).__name__
        before = counted.get(kind, Kind(kind, 0, 0, 0))
        new = [t for i, t in held.items() if i not in seen]
        seen |= held.keys()
        counted[kind] = Kind(
            kind,
            before.layers + 1,
            before.tied + any(names[i] in tied_names for i in held),
            before.weights + sum(t.numel() for t in new),
        )
    return tuple(sorted(counted.values(), key=lambda k: k.tied > 0))


def needed_shape_text(tie: TiedWeight, point: Mapping[str, int]) -> str:
    """The shape that the weight would need at ``point``; empty if it has it, or none fits."""
    if any(evaluate_defined(size, point) is None for size in tie.needed):
        return ""
    needed = tie.at(point)
    if needed == tie.shape or any(n < 1 for n in needed):
        return ""
    more = math.prod(needed) - math.prod(tie.shape)
    change = (
        f"larger by {counted(more, 'untrained weight')}"
        if more > 0
        else f"smaller by {counted(-more, 'weight')}"
    )
    shapes = f"{shape_text(tie.shape)} would have to be {shape_text(needed)}"
    return f"`{tie.name}` {shapes} for {size_text(point)}: {change}"


def _factor(size: Size) -> str:
    text = str(size).replace(" ", "")
    return f"({text})" if "+" in text or "-" in text else text


def shape_text(shape: Sequence[int]) -> str:
    """``3x256``."""
    return "x".join(map(str, shape))
