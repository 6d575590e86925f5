"""What a model costs at every size that it accepts, path by path and layer by layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from archlint.contracts.contract import Budget, Contract, Input, SizeClause
from archlint.contracts.points import point_text
from archlint.engine.check_run import CheckRun
from archlint.engine.cost.activations import Peak, peak
from archlint.engine.cost.amount import Amount
from archlint.engine.cost.flops import Flops, flops
from archlint.engine.cost.parameters import bytes_of, parameters
from archlint.engine.describe.describe import describe
from archlint.engine.example_sizes import common_sizes, parse_sizes
from archlint.engine.exploration import Exploration, ExploredPath
from archlint.engine.input_guess import explore_likely_input
from archlint.errors import ArchlintError
from archlint.models.targets import ModelSource
from archlint.runtime.deadline import TimeLimitReached, time_limit
from archlint.runtime.effort_clock import now
from archlint.runtime.process_lock import PROCESS_LOCK
from archlint.runtime.process_state import preserve_process_state
from archlint.symbolic.formula import Bool, disj
from archlint.tracing.module_stack import layer_name

if TYPE_CHECKING:
    from torch import nn

    from archlint.engine.python_contracts import Shapes

WORDING = 10.0  # seconds for descriptions, after the exploration


@dataclass(frozen=True)
class LayerCost:
    """What one layer costs on its own: without the layers inside it."""

    module: str
    layer: str
    flops: Amount
    parameters: int
    parameter_bytes: int


@dataclass(frozen=True)
class PathCost:
    """What the sizes ``where`` cost. ``at``: whether the sizes shown are among them.

    ``activations`` are the bytes that must be alive at once, at the least; ``largest`` is the layer
    that runs when they are, at the sizes shown.
    """

    where: str
    flops: Amount
    activations: Peak
    largest: str
    layers: tuple[LayerCost, ...]
    at: bool


@dataclass(frozen=True)
class ModelCost:
    """What a model costs as formulas of its input sizes, and at the sizes ``point``.

    ``paths``: the formulas, each with the sizes that it is for; the first is that of ``point``.
    ``notes``: what the formulas do not contain, and sizes that were not explored.
    """

    model: str
    mode: str
    input: Input
    point: Mapping[str, int]
    parameters: int
    parameter_bytes: int
    paths: tuple[PathCost, ...]
    notes: tuple[str, ...] = ()

    @property
    def flops(self) -> Amount:
        """The floating-point operations on the path of ``point``."""
        return self.paths[0].flops

    @property
    def activations(self) -> Peak:
        """The bytes of activations on the path of ``point``, at the least."""
        return self.paths[0].activations


def cost(
    model: nn.Module | str,
    input: Shapes | None = None,
    *,
    at: str | Mapping[str, int] | None = None,
    mode: str = "eval",
    dtype: str | None = None,
    paths: int = 128,
    seconds: float = 60.0,
) -> ModelCost:
    """What ``model`` costs as formulas of its input sizes, and at the sizes ``at``.

    The arguments are those of :func:`archlint.explain`; ``dtype`` is what floating-point tensors
    would have, as in ``"bfloat16"``. Floating-point operations are those that
    ``torch.utils.flop_counter`` counts, activations a lower bound of the peak without gradients
    (:mod:`.activations`). Raises ``ArchlintError`` if the model cannot be found or
    built, or does not accept ``at``.
    """
    from archlint.engine.python_contracts import contract_of, source_of

    parsed: Input = []
    if input is not None:
        parsed = contract_of(input=input, accepts="any size", mode=mode).input
    with source_of(model) as source:
        return cost_source(source, parsed, at, mode, Budget(paths, seconds), dtype)


def cost_source(
    source: ModelSource,
    input: Input,
    at: str | Mapping[str, int] | None = None,
    mode: str = "eval",
    budget: Budget | None = None,
    dtype: str | None = None,
) -> ModelCost:
    """As :func:`cost`, for a model that is already located; an empty ``input`` is guessed."""
    budget = budget or Budget(128)
    clause = SizeClause("any", True, "any size")
    contract = Contract("cost", input, clause, mode=mode, budget=budget)
    try:
        with (
            PROCESS_LOCK,  # waiting for another thread must not use up this one's time
            time_limit(budget.seconds + 2 * WORDING),
            preserve_process_state(),
        ):
            start = CheckRun.start(contract, source, samples=0)
            run, exploration, errors = explore_likely_input(start)
            if errors:
                tried = "; ".join(f"{words} ({error})" for words, error in errors.items())
                raise ArchlintError(f"{source.name} accepts no likely input: {tried}; use --input")
            return _cost(run, exploration, at, _dtype(dtype))
    except TimeLimitReached as e:
        late = f"{source.name} did not finish within {budget.seconds:g} s{e}"
        raise ArchlintError(late) from None


def _cost(
    run: CheckRun,
    exploration: Exploration,
    at: str | Mapping[str, int] | None,
    dtype: torch.dtype | None,
) -> ModelCost:
    deadline = now() + WORDING
    point = _point(run.source.name, exploration, at, deadline)
    counted = [(path, flops(path.trace)) for path in exploration.accepting]
    weights = parameters(run.model)
    every = [p for own in weights.values() for p in own]
    return ModelCost(
        model=run.source.name,
        mode=run.contract.mode,
        input=run.contract.input,
        point=point,
        parameters=sum(p.numel() for p in every),
        parameter_bytes=sum(bytes_of(p, dtype) for p in every),
        paths=_paths(run, exploration, counted, point, deadline, dtype),
        notes=_notes(exploration, [f for _, f in counted]),
    )


def _point(
    name: str,
    exploration: Exploration,
    at: str | Mapping[str, int] | None,
    deadline: float,
) -> dict[str, int]:
    """The sizes ``at``, or common ones that the model accepts."""
    if at is None:
        point = common_sizes(exploration, deadline)
    else:
        point = parse_sizes(exploration.names, at)
    accepts = exploration.accepts(point) if point is not None else None
    if point is None or not accepts:
        where = point_text(point or {}) or "any size"
        known = f"{name} does not accept {where}"
        unknown = f"it is not known whether {name} accepts {where}"
        raise ArchlintError(known if accepts is False else unknown)
    return point


def _paths(
    run: CheckRun,
    exploration: Exploration,
    counted: Sequence[tuple[ExploredPath, Flops]],
    point: Mapping[str, int],
    deadline: float,
    dtype: torch.dtype | None,
) -> tuple[PathCost, ...]:
    """One entry for paths with the same formulas, that of ``point`` first."""
    groups: dict[tuple[Amount, Peak], tuple[Bool, Flops, ExploredPath]] = {}
    here = exploration.path_at(point)
    for path, found in counted:
        formulas = found.total, peak(path.trace, dtype)
        where, first, example = groups.get(formulas, (False, found, path))
        example = path if path is here else example
        groups[formulas] = disj(where, path.accepted), first, example
    result = []
    for (amount, most), (where, found, path) in groups.items():
        words = "any size that it accepts"
        if len(groups) > 1:
            text = describe(exploration.names, exploration.box, where, solver_deadline=deadline)
            words = text.text
        moment, at = most.moment(point), path is here
        largest = path.trace.calls[moment].module if at and moment >= 0 else ""
        layers = _layers(run.model, found, dtype)
        result.append(PathCost(words, amount, most, largest, layers, at))
    return tuple(sorted(result, key=lambda p: not p.at))


def _layers(model: nn.Module, found: Flops, dtype: torch.dtype | None) -> tuple[LayerCost, ...]:
    weights = parameters(model)
    order = dict.fromkeys([name for name, _ in model.named_modules()] + list(found.modules))
    layers = []
    for module in order:
        own, amount = weights.get(module, []), found.modules.get(module, Amount())
        if own or amount != Amount():
            count, size = sum(p.numel() for p in own), sum(bytes_of(p, dtype) for p in own)
            layers.append(LayerCost(module, layer_name(model, module), amount, count, size))
    return tuple(layers)


def _dtype(name: str | None) -> torch.dtype | None:
    found = getattr(torch, name, None) if name else None
    if name and not (isinstance(found, torch.dtype) and found.is_floating_point):
        raise ArchlintError(f"dtype {name!r} is no floating-point dtype of torch")
    return found


def _notes(exploration: Exploration, counted: Sequence[Flops]) -> tuple[str, ...]:
    notes = [f"not counted: {text}" for found in counted for text in found.uncounted]
    if any(found.bounded for found in counted):
        notes.append("values of tensors decide how much is computed; the formula is the most")
    notes += exploration.reasons
    return tuple(dict.fromkeys(notes))
